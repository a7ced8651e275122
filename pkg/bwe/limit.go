package bwe

import (
	"time"

	"gazpacho/pkg/rtp"
)

const (
	// LimitInterval is how often a ceiling is repeated while packets come; RTCP may be lost.
	LimitInterval = 1500 * time.Millisecond

	// lifted is how often it is told that a ceiling is gone, for the same reason.
	lifted = 4
)

// Limit tells the peer of a ceiling for all that it sends, as REMB. Senders obey the lower of that and their own estimate.
type Limit struct {
	senderSSRC uint32
	send       Send

	bitrate int
	sentAt  time.Time // zero: tell at once
	left    int       // times to tell that the ceiling is gone
	buf     [20]byte
}

// NewLimit makes a Limit without a ceiling.
func NewLimit(senderSSRC uint32, send Send) *Limit {
	return &Limit{senderSSRC: senderSSRC, send: send}
}

// Set changes the ceiling in bit/s, 0 is none. The peer is told with its next packet.
func (l *Limit) Set(bitrate int) {
	if bitrate == l.bitrate {
		return
	}
	if bitrate == 0 {
		l.left = lifted
	}
	l.bitrate, l.sentAt = bitrate, time.Time{}
}

// Arrived notes that a packet of the peer arrived.
func (l *Limit) Arrived(now time.Time) {
	if l.bitrate == 0 && l.left == 0 || !l.sentAt.IsZero() && now.Sub(l.sentAt) < LimitInterval {
		return
	}
	l.sentAt = now
	l.left = max(l.left-1, 0)
	var w rtp.RTCPWriter
	w.Reset(l.buf[:])
	w.REMB(l.senderSSRC, l.bitrate) // libwebrtc takes 0 for no limit
	l.send(now, w.Bytes())
}
