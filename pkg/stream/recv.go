package stream

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
)

// Owner is who a Recv belongs to.
type Owner interface {
	// StreamMissing asks for a retransmission of packets, in ascending order; the slice is borrowed.
	StreamMissing(now time.Time, r *Recv, sequences []uint16)
	// StreamBroken says that too much is lost to be repaired.
	StreamBroken(now time.Time, r *Recv)
	// StreamScore says that the score changed.
	StreamScore(now time.Time, r *Recv)
}

// RecvConfig is what a Recv is made of.
type RecvConfig struct {
	Timers     *timer.Queue
	Owner      Owner
	ClockRate  int           // timestamp units per second
	NACK       bool          // ask for what is lost
	NACKDelay  bool          // but wait a moment, in case it is only late
	RTX        bool          // retransmissions come on a stream of their own
	MaxSilence time.Duration // after it the score is 0; 0: never
}

// Recv is one arriving stream: what came, what is missing, and how good it is.
type Recv struct {
	// passed in
	cfg RecvConfig

	// owned
	nackTimer    *timer.Timer
	silenceTimer *timer.Timer
	rtx          rtxRecv

	// state
	sequence    Sequence
	jitter      jitter
	clock       Clock
	nack        nackList
	score       score
	rate        rtp.RateMeter
	srAt        time.Time // when the last sender report came
	srNTP       uint64
	rtt         time.Duration
	lastAt      time.Time // of the last packet
	activeSince time.Time
	paused      bool
	resumed     bool  // resumedAt means something
	resumedAt   int64 // the highest number when the last pause ended

	packets, bytes, discarded, retransmitted, repaired uint64
	nacks, nackPackets, repairedPrior                  uint64
}

// NewRecv makes a stream that begins now.
func NewRecv(now time.Time, cfg RecvConfig) *Recv {
	r := &Recv{cfg: cfg, lastAt: now, activeSince: now}
	r.score.reset(MaxScore)
	if cfg.NACKDelay {
		r.nack.delay = nackDelay
	}
	r.nackTimer = cfg.Timers.New(r.nackTicked)
	if cfg.MaxSilence > 0 {
		r.silenceTimer = cfg.Timers.New(r.checkSilence)
		r.silenceTimer.Reset(now.Add(cfg.MaxSilence))
	}
	return r
}

// Receive takes a packet of size bytes. OutOfRange and Again are not to be forwarded; after Restart all numbers from
// before mean nothing.
func (r *Recv) Receive(now time.Time, seq uint16, timestamp uint32, size int) (number int64, place Place) {
	next := r.sequence.highest + 1
	first := !r.sequence.started
	number, place = r.sequence.Update(seq)
	switch place {
	case OutOfRange, Again:
		r.discarded++
		return number, place
	case Restart:
		r.nack.clear()
		r.jitter, r.clock, r.resumed = jitter{}, Clock{}, false
	case Ahead:
		if r.cfg.NACK && !first && number > next && !r.paused && !r.nack.add(now, next, number) {
			r.cfg.Owner.StreamBroken(now, r)
		}
	case Behind:
		if tries, was := r.nack.remove(number); was && tries > 0 && !r.cfg.RTX {
			r.retransmitted++
			r.repaired++
		}
	}
	if place != Behind {
		r.jitter.update(now, timestamp, r.cfg.ClockRate)
	}
	r.count(now, size)
	r.alive(now)
	if len(r.nack.missing) > 0 {
		r.sendNACK(now, false)
	}
	return number, place
}

// count adds a packet to the statistics.
func (r *Recv) count(now time.Time, size int) {
	r.packets++
	r.bytes += uint64(size)
	r.rate.Add(now, size)
}

// alive notes that media came: a publisher's probing on the retransmission stream is no sign of life.
func (r *Recv) alive(now time.Time) {
	r.lastAt = now
	if r.score.value == 0 {
		r.score.reset(MaxScore)
		r.activeSince = now
		r.silenceTimer.Reset(now.Add(r.cfg.MaxSilence))
		r.cfg.Owner.StreamScore(now, r)
	}
}

// Discard counts a packet that nobody could use.
func (r *Recv) Discard() { r.discarded++ }

func (r *Recv) nackTicked(now time.Time) { r.sendNACK(now, true) }

// sendNACK asks for what is due, and keeps the timer running while anything is missing.
func (r *Recv) sendNACK(now time.Time, tick bool) {
	ask := r.nack.due(now, r.roundTrip(), tick)
	if len(ask) > 0 {
		r.nacks++
		r.nackPackets += uint64(len(ask))
		r.cfg.Owner.StreamMissing(now, r, ask)
	}
	if len(r.nack.missing) > 0 && !r.nackTimer.Pending() {
		r.nackTimer.Reset(now.Add(nackTick))
	}
}

func (r *Recv) roundTrip() time.Duration {
	if r.rtt == 0 {
		return defaultRTT
	}
	return r.rtt
}

// checkSilence finds out whether the stream died. It runs once per MaxSilence instead of being set by each packet.
func (r *Recv) checkSilence(now time.Time) {
	if until := r.lastAt.Add(r.cfg.MaxSilence); until.After(now) {
		r.silenceTimer.Reset(until)
		return
	}
	r.score.reset(0)
	r.activeSince = time.Time{}
	r.nack.clear()
	r.cfg.Owner.StreamScore(now, r)
}

// Pause says that nobody wants the stream: what is lost meanwhile stays lost, and silence means nothing.
func (r *Recv) Pause() {
	r.paused = true
	r.nack.clear()
	r.nackTimer.Stop()
	if r.silenceTimer != nil {
		r.silenceTimer.Stop()
		if r.score.value == 0 {
			r.score.reset(MaxScore)
		}
	}
}

// Resume takes Pause back. The stream has MaxSilence to show up.
func (r *Recv) Resume(now time.Time) {
	r.paused = false
	r.resumed, r.resumedAt = r.sequence.started, r.sequence.highest
	r.lastAt, r.activeSince = now, now
	if r.silenceTimer != nil {
		r.silenceTimer.Reset(now.Add(r.cfg.MaxSilence))
	}
}

// Wanted tells whether a packet was sent while nobody paused the stream: what comes late may be from before.
func (r *Recv) Wanted(number int64) bool { return !r.paused && (!r.resumed || number > r.resumedAt) }

// Close stops the timers.
func (r *Recv) Close() {
	r.nackTimer.Stop()
	if r.silenceTimer != nil {
		r.silenceTimer.Stop()
	}
}

// HandleSenderReport takes a sender report about this stream.
func (r *Recv) HandleSenderReport(now time.Time, info rtp.SenderInfo) {
	r.srAt, r.srNTP = now, info.NTP
	r.clock.Report(now, r.cfg.ClockRate, info.NTP, info.Timestamp)
}

// SetRoundTripTime tells how far away the publisher is.
func (r *Recv) SetRoundTripTime(rtt time.Duration) { r.rtt = rtt }

// Report ends an interval and makes the report block of it; ssrc is the stream's own. The score follows.
func (r *Recv) Report(now time.Time, ssrc uint32) rtp.ReportBlock {
	expected, lost := r.sequence.EndInterval()
	repaired := int(r.repaired - r.repairedPrior)
	r.repairedPrior = r.repaired
	if !r.paused && r.score.value != 0 && r.score.update(expected, lost, repaired) {
		r.cfg.Owner.StreamScore(now, r)
	}
	b := reportBlock(now, ssrc, &r.sequence, r.srAt, r.srNTP)
	b.Jitter = r.jitter.value()
	return b
}

func reportBlock(now time.Time, ssrc uint32, s *Sequence, srAt time.Time, srNTP uint64) rtp.ReportBlock {
	b := rtp.ReportBlock{
		SSRC:            ssrc,
		FractionLost:    s.FractionLost(),
		TotalLost:       int32(s.Lost()),
		HighestSequence: s.Highest(),
	}
	// "If no SR has been received yet from SSRC_n, the DLSR field is set to zero", and LSR too (RFC 3550 section 6.4.1).
	if !srAt.IsZero() {
		b.LastSR = rtp.CompactNTP(srNTP)
		b.Delay = rtp.CompactDuration(now.Sub(srAt))
	}
	return b
}

// Score rates the stream from 1 to 10, or 0 while it is silent.
func (r *Recv) Score() uint8 { return r.score.value }

// ActiveSince is when the stream began, or came back from silence; the zero time while it is silent.
func (r *Recv) ActiveSince() time.Time { return r.activeSince }

// Clock relates the stream's timestamps to its sender's time.
func (r *Recv) Clock() *Clock { return &r.clock }

// Stats returns what was counted.
func (r *Recv) Stats(now time.Time) Stats {
	return Stats{
		PacketsLost:          r.sequence.Lost(),
		FractionLost:         r.sequence.FractionLost(),
		Jitter:               r.jitter.value(),
		PacketsDiscarded:     r.discarded,
		PacketsRetransmitted: r.retransmitted,
		PacketsRepaired:      r.repaired,
		NACKs:                r.nacks,
		NACKPackets:          r.nackPackets,
		RTXDiscarded:         r.rtx.discarded,
		RoundTripTime:        r.rtt,
		Score:                r.score.value,
		Packets:              r.packets,
		Bytes:                r.bytes,
		Bitrate:              r.rate.Bitrate(now),
	}
}
