package producer

import (
	"slices"
	"time"

	"gazpacho/pkg/rtp"
)

// taps are called in the order in which they were added. One that is added while they are being called waits for the next call, one
// that is removed is not called any more.
type taps struct {
	list    []Tap // nil where one was removed during a call
	calling int
	holes   bool // there are nils
}

func (t *taps) add(tap Tap) { t.list = append(t.list, tap) }

func (t *taps) remove(tap Tap) {
	i := slices.Index(t.list, tap)
	switch {
	case i < 0:
	case t.calling > 0:
		t.list[i], t.holes = nil, true
	default:
		t.list = slices.Delete(t.list, i, i+1)
	}
}

// packet is the loop that every forwarded packet goes through.
func (t *taps) packet(now time.Time, p *rtp.Packet) {
	t.calling++
	defer t.called()
	for i, n := 0, len(t.list); i < n; i++ {
		if tap := t.list[i]; tap != nil {
			tap.ProducerPacket(now, p)
		}
	}
}

// each calls f with every tap.
func (t *taps) each(f func(Tap)) {
	t.calling++
	defer t.called()
	for i, n := 0, len(t.list); i < n; i++ {
		if tap := t.list[i]; tap != nil {
			f(tap)
		}
	}
}

// called forgets the taps that were removed meanwhile, even if a tap panicked.
func (t *taps) called() {
	t.calling--
	if t.calling == 0 && t.holes {
		t.holes = false
		t.list = slices.DeleteFunc(t.list, func(tap Tap) bool { return tap == nil })
	}
}
