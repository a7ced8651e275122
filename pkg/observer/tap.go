package observer

import (
	"slices"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// Source is a producer as an observer sees it.
type Source interface {
	ID() string
	Kind() string
	Paused() bool
}

// Events is the one way up.
type Events interface {
	Emit(target string, e proto.Event)
}

// ear is what an observer makes of the levels of one producer.
type ear interface {
	hear(now time.Time, level uint8) // in -dBov, 127 is silence
	forget(now time.Time)
}

// Tap listens to one producer for an observer.
type Tap struct {
	// passed in
	audience *audience
	id       string
	ear      ear

	// state
	paused bool
}

// ProducerPacket takes the level that a packet's extension tells, in -dBov (RFC 6464 section 3):
//
//	 0                   1
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  ID   | len=0 |V| level       |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
func (t *Tap) ProducerPacket(now time.Time, p *rtp.Packet) {
	if t.paused || t.audience.paused {
		return
	}
	if v := p.Extension(rtp.ExtAudioLevel); len(v) > 0 {
		t.ear.hear(now, v[0]&0x7f)
	}
}

// ProducerStream does not matter to levels.
func (t *Tap) ProducerStream(time.Time, uint32) {}

// ProducerScore does not matter to levels.
func (t *Tap) ProducerScore(time.Time) {}

// ProducerPaused forgets what was heard.
func (t *Tap) ProducerPaused(now time.Time) {
	t.paused = true
	t.ear.forget(now)
}

// ProducerResumed listens again.
func (t *Tap) ProducerResumed(time.Time) { t.paused = false }

// ProducerClosed forgets the producer.
func (t *Tap) ProducerClosed(now time.Time) {
	_, _ = t.audience.RemoveProducer(now, t.id) // it may have been removed before
}

// audience is the list of producers that an observer listens to.
type audience struct {
	id     string
	newEar func(now time.Time) ear
	gone   func(t *Tap) // if not nil, told of a producer that is forgotten
	taps   []*Tap       // in the order of adding
	paused bool
	closed bool
}

// ID returns the observer's id.
func (a *audience) ID() string { return a.id }

// AddProducer returns the tap by which the observer listens to a producer; the caller adds it.
func (a *audience) AddProducer(now time.Time, s Source) (*Tap, *proto.Error) {
	if s.Kind() != proto.Audio {
		return nil, proto.BadField("producerId", "producer %q is not of kind audio", s.ID())
	}
	if a.index(s.ID()) >= 0 {
		return nil, proto.Duplicate("producer", s.ID())
	}
	t := &Tap{audience: a, id: s.ID(), ear: a.newEar(now), paused: s.Paused()}
	a.taps = append(a.taps, t)
	return t, nil
}

// RemoveProducer forgets a producer and returns the tap that the caller removes.
func (a *audience) RemoveProducer(_ time.Time, id string) (*Tap, *proto.Error) {
	i := a.index(id)
	if i < 0 {
		return nil, proto.NotFound("producer", id)
	}
	t := a.taps[i]
	a.taps = slices.Delete(a.taps, i, i+1)
	if a.gone != nil {
		a.gone(t)
	}
	return t, nil
}

// Producers returns the ids of its producers in the order of adding.
func (a *audience) Producers() []string {
	ids := make([]string, len(a.taps))
	for i, t := range a.taps {
		ids[i] = t.id
	}
	return ids
}

func (a *audience) index(id string) int {
	return slices.IndexFunc(a.taps, func(t *Tap) bool { return t.id == id })
}

// forget makes all ears deaf to what they heard.
func (a *audience) forget(now time.Time) {
	for _, t := range a.taps {
		t.ear.forget(now)
	}
}

func value(option *int, otherwise int) int {
	if option == nil {
		return otherwise
	}
	return *option
}
