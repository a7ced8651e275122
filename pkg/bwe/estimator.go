package bwe

import (
	"time"

	"gazpacho/pkg/rtp"
)

const (
	// REMBInterval is how often an estimate is told, and a fall below rembFall of the last one told at once.
	REMBInterval = time.Second
	rembFall     = 0.97

	// silence is the pause after which the path is taken for a new one.
	silence = 2 * time.Second
)

// Estimator estimates on the receiving side how much a path carries, from the times at which the packets of all its streams were
// sent and arrived, and tells the sender by REMB: Google Congestion Control, draft-ietf-rmcat-gcc-02, for senders without
// transport-wide sequence numbers (draft-alvestrand-rmcat-remb-03).
type Estimator struct {
	senderSSRC uint32
	send       Send
	max        int // bit/s told at most, 0 is no ceiling

	epoch    time.Time // of arrivals
	heardAt  time.Time
	received throughput
	bursts   bursts
	trend    trend
	detector detector
	control  control
	sources  sources

	estimate int // bit/s, 0 until there is one
	told     int // the last REMB
	toldAt   time.Time
	buf      [20 + 4*maxSources]byte
}

// NewEstimator makes an Estimator that is silent until packets arrive.
func NewEstimator(senderSSRC uint32, send Send) *Estimator {
	return &Estimator{senderSSRC: senderSSRC, send: send}
}

// SetMaxBitrate sets a ceiling in bit/s for what the sender is told, 0 is none.
func (e *Estimator) SetMaxBitrate(bitrate int) {
	e.max, e.toldAt = bitrate, time.Time{}
}

// Bitrate returns the estimate in bit/s, 0 until there is one.
func (e *Estimator) Bitrate() int { return e.estimate }

// Arrived notes a packet of size bytes with the 24-bit value of its abs-send-time extension.
func (e *Estimator) Arrived(now time.Time, ssrc uint32, absSendTime uint32, size int) {
	if e.epoch.IsZero() {
		e.epoch, e.heardAt = now, now
	}
	if now.Sub(e.heardAt) > silence {
		e.bursts, e.trend, e.detector = bursts{}, trend{}, detector{}
	}
	e.heardAt = now
	e.received.add(now, size)
	e.sources.heard(now, ssrc)
	v, ok := e.bursts.add(e.bursts.sendTime(absSendTime), now.Sub(e.epoch))
	if !ok {
		return
	}
	state := e.detector.update(e.trend.add(v), v)
	incoming, known := e.received.bitrate(now)
	if !known && state != overUse {
		return
	}
	e.estimate = int(e.control.update(now, state, incoming, known))
	e.tell(now)
}

// tell sends a REMB when one is due.
func (e *Estimator) tell(now time.Time) {
	bitrate := e.estimate
	if e.max > 0 {
		bitrate = min(bitrate, e.max)
	}
	fell := float64(bitrate) < rembFall*float64(e.told)
	if !fell && !e.toldAt.IsZero() && now.Sub(e.toldAt) < REMBInterval {
		return
	}
	e.told, e.toldAt = bitrate, now
	var w rtp.RTCPWriter
	w.Reset(e.buf[:])
	w.REMB(e.senderSSRC, bitrate, e.sources.live(now)...)
	e.send(now, w.Bytes())
}
