package bwe

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/link"
	"gazpacho/pkg/timer"
)

// net is a link that flows share, with the same delay back.
type net struct {
	*link.Link
	now   time.Time
	flows []*flow
}

func newNet(capacity func(time.Duration) int) *net {
	return &net{Link: link.New(start, 7, capacity), now: start}
}

// flow is one transport over the link: what forwards, our Sender, and a peer that reports as ours does to browsers.
type flow struct {
	*net
	sender   *Sender
	peer     *Feedback
	timers   timer.Queue
	seq      uint16
	wanted   func(at time.Duration) int       // bit/s that there is to forward
	layers   []int                            // bitrates to choose from; nil: whatever the estimate allows
	feedback func(now time.Time, rtcp []byte) // nil: the sender's
	frame    float64                          // bytes left of the picture at hand
	probeAt  time.Time
	flying   []crossing
	returned []returning
	probed   int // bytes of padding

	estimates []int           // one a second
	sending   []int           // bit/s, likewise
	delays    []time.Duration // longest in the queue, likewise
	sentNow   int
	delayNow  time.Duration
}

type returning struct {
	at   time.Time
	rtcp []byte
}

// join adds a flow that wants more than the link has.
func (l *net) join(start int) *flow {
	f := &flow{net: l, sender: NewSender(SenderConfig{Start: start, Feedback: true}), wanted: constant(20_000_000)}
	f.peer = NewFeedback(FeedbackConfig{SenderSSRC: 1, Timers: &f.timers, Send: func(now time.Time, b []byte) {
		f.returned = append(f.returned, returning{now.Add(l.Delay), append([]byte{}, b...)})
	}})
	f.feedback = func(now time.Time, b []byte) { f.sender.Feedback(now, arrivalsOf(b)) }
	l.flows = append(l.flows, f)
	return f
}

func arrivalsOf(b []byte) rtp.Arrivals {
	compound, _ := rtp.ParseRTCP(b)
	var p rtp.RTCP
	compound.Next(&p)
	return p.Arrivals()
}

// send puts a packet on the link.
func (f *flow) send(size int) {
	f.seq++
	f.sender.Sent(f.now, f.seq, size)
	f.sentNow += size
	waiting := f.Waiting(f.now)
	at, ok := f.Send(f.now, size)
	if !ok {
		return
	}
	f.delayNow = max(f.delayNow, waiting)
	f.flying = append(f.flying, crossing{at, uint32(f.seq), size})
}

// rate is what is forwarded now.
func (f *flow) rate() int {
	allowed := min(f.sender.Bitrate(), f.wanted(f.now.Sub(f.Began)))
	if f.layers == nil {
		return allowed
	}
	best := f.layers[0]
	for _, layer := range f.layers {
		if layer <= allowed {
			best = layer
		}
	}
	return best
}

// run lets virtual time pass in steps of a millisecond.
func (l *net) run(d time.Duration) {
	for end := l.now.Add(d); l.now.Before(end); l.now = l.now.Add(ms) {
		elapsed := l.now.Sub(l.Began) / ms
		for _, f := range l.flows {
			f.step(elapsed)
		}
	}
}

// step forwards pictures at 30 a second, each within 10 ms as publishers pace them.
func (f *flow) step(elapsed time.Duration) {
	if elapsed%33 == 0 {
		f.frame += float64(f.rate()) / 8 * 0.033
	}
	if part := elapsed % 33; part%2 == 0 && f.frame > 0 {
		for budget := float64(f.rate()) / 8 * 0.0066; budget > 0 && f.frame > 0; {
			size := int(max(min(f.frame, 1200), 60))
			f.send(size)
			f.frame -= float64(size)
			budget -= float64(size)
		}
	}
	if !f.probeAt.IsZero() && !f.now.Before(f.probeAt) {
		f.probe()
	}
	for len(f.flying) > 0 && !f.flying[0].at.After(f.now) {
		f.peer.Arrived(f.now, 7, uint16(f.flying[0].stamp))
		f.flying = f.flying[1:]
	}
	f.timers.Advance(f.now)
	for len(f.returned) > 0 && !f.returned[0].at.After(f.now) {
		f.feedback(f.now, f.returned[0].rtcp)
		f.returned = f.returned[1:]
		f.sender.SetDesired(f.wanted(f.now.Sub(f.Began)))
		f.probe()
	}
	if elapsed%1000 == 999 {
		f.sender.Poll(f.now)
		f.estimates = append(f.estimates, f.sender.Bitrate())
		f.sending = append(f.sending, f.sentNow*8)
		f.delays = append(f.delays, f.delayNow)
		f.sentNow, f.delayNow = 0, 0
	}
}

// probe sends the padding that is due, in packets as they fit into RTP.
func (f *flow) probe() {
	padding, next := f.sender.Probe(f.now)
	f.probed += padding
	for ; padding > 0; padding -= 287 {
		f.send(287)
	}
	f.probeAt = next
}
