package bwe

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
)

const (
	// FeedbackInterval is how often arrivals are reported: often enough for the sender's estimator, rarely enough to cost little.
	FeedbackInterval = 100 * time.Millisecond

	// MaxFeedbackSize bounds a packet in bytes, so that with what encryption adds it fits a datagram on any path.
	MaxFeedbackSize = 1200

	// earlyFeedback is how many arrivals are reported without waiting for the interval. In good order they fill a packet.
	earlyFeedback = 800

	// senderRestart is how long only impossibly old packets must have come until they are believed: the sender began anew.
	senderRestart = 500 * time.Millisecond
)

// FeedbackConfig is what a Feedback is given.
type FeedbackConfig struct {
	SenderSSRC uint32
	Timers     *timer.Queue
	Send       Send
}

// Feedback reports to the sender of a transport when each of its packets arrived, by transport-wide sequence number
// (draft-holmer-rmcat-transport-wide-cc-extensions-01). The sender's estimator does the rest.
//
// Each packet is reported once, but when one comes late, into a range that was reported already, that range is reported again
// from there on, now without the loss. What its sender does not find among the unreported it ignores.
type Feedback struct {
	cfg FeedbackConfig

	timer   *timer.Timer
	history history
	buf     []byte // made for the first packet: most transports only send

	epoch     time.Time // of the ticks
	sequences rtp.Unwrapper[uint16]
	from      int64 // the first that is not reported
	pending   int   // how many arrived and are not reported
	heardAt   time.Time
	mediaSSRC uint32
	count     uint8 // of feedback packets
	loss      lossAverage
}

// NewFeedback makes a Feedback that is silent until packets arrive.
func NewFeedback(cfg FeedbackConfig) *Feedback {
	f := &Feedback{cfg: cfg}
	f.timer = cfg.Timers.New(f.expire)
	return f
}

// Close stops the reports; what was not reported never is.
func (f *Feedback) Close() { f.timer.Stop() }

// Arrived notes that packet seq, of the stream mediaSSRC, arrived. Duplicates do not count.
func (f *Feedback) Arrived(now time.Time, mediaSSRC uint32, seq uint16) {
	if f.buf == nil {
		f.buf = make([]byte, MaxFeedbackSize)
		f.epoch = now
		f.restart(seq)
	}
	before := f.sequences
	n := f.sequences.Unwrap(seq)
	if f.history.forgot(n) {
		if now.Sub(f.heardAt) < senderRestart {
			f.sequences = before
			return
		}
		f.report(now)
		n = f.restart(seq)
	}
	f.heardAt = now
	// The history cannot hold a great leap together with what is pending, so that goes first.
	if f.pending > 0 && n-f.from >= maxHistory {
		f.report(now)
	}
	if !f.history.note(n, f.from, f.tick(now)) {
		return
	}
	f.mediaSSRC = mediaSSRC
	f.from = min(f.from, n)
	f.pending++
	if f.pending >= earlyFeedback {
		f.report(now)
	}
	if !f.timer.Pending() {
		f.timer.Reset(now.Add(FeedbackInterval))
	}
}

// restart forgets all packets: seq is the first. It returns the number that now stands for it.
func (f *Feedback) restart(seq uint16) int64 {
	f.sequences = rtp.Unwrapper[uint16]{}
	f.from = f.sequences.Unwrap(seq)
	f.history.reset(f.from)
	return f.from
}

// tick is the time in units of rtp.TransportTick. It wraps together with the reference times on the wire, after 12 days.
func (f *Feedback) tick(now time.Time) uint32 {
	return uint32(now.Sub(f.epoch) / rtp.TransportTick)
}

// expire reports at the interval for as long as packets come.
func (f *Feedback) expire(now time.Time) {
	if f.pending > 0 {
		f.report(now)
		f.timer.Reset(now.Add(FeedbackInterval))
	}
}

// report sends what is pending, in as many packets as it needs. The first status of each packet is that of the packet behind the
// last reported one, so that what was lost between is reported lost.
func (f *Feedback) report(now time.Time) {
	if f.pending == 0 {
		return
	}
	f.loss.add(f.expected(), f.expected()-f.pending)
	var w rtp.TransportCCWriter
	begun := false
	for n := f.history.first(f.from); n < f.history.end; n++ {
		tick := f.history.at(n)
		if tick == 0 {
			continue
		}
		if !begun || !w.Add(uint16(n), tick) {
			if begun {
				f.cfg.Send(now, w.Finish())
			}
			begun = true
			w.Begin(f.buf, f.cfg.SenderSSRC, f.mediaSSRC, uint16(f.from), tick, f.count)
			w.Add(uint16(n), tick)
			f.count++
		}
		f.from = n + 1
	}
	f.pending = 0
	f.cfg.Send(now, w.Finish())
}

// expected is how many packets the next report is of.
func (f *Feedback) expected() int { return max(int(f.history.end-f.from), f.pending) }

// Loss returns the fraction of packets lost lately, 0 to 1, before repairs.
func (f *Feedback) Loss() float64 { return f.loss.value() }
