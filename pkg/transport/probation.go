package transport

import (
	"slices"
	"time"

	"gazpacho/pkg/rtp"
)

// Padding comes under what mediasoup's clients are prepared to receive and drop: without a receiver for it browsers would ignore it, and report
// nothing.
const (
	probatorSSRC        = 1234
	probatorPayloadType = 127
	probatorMID         = "probator"
	probatorClockRate   = 90_000
)

// paddingBytes is a payload of nothing but padding, which the last octet counts (RFC 3550 section 5.1).
var paddingBytes = [255]byte{254: 255}

// probe sends the padding that is due.
func (o *outgoing) probe(now time.Time) {
	if !o.mayProbe() {
		return
	}
	padding, next := o.sender.Probe(now)
	for padding > 0 {
		n := o.sendPadding(now)
		if n == 0 {
			return
		}
		padding -= n
	}
	if !next.IsZero() {
		o.probing.Reset(next)
	}
}

// mayProbe tells whether the peer can receive padding: it is a WebRTC client that reports arrivals, and the SSRC is free.
func (o *outgoing) mayProbe() bool {
	m := o.media
	return o.cc && m.kind == kindWebRTC && !m.closed && m.path.open() && m.consumerOf(probatorSSRC) == nil
}

// sendPadding sends one packet of padding and returns its size, 0 if it was not sent.
func (o *outgoing) sendPadding(now time.Time) int {
	m, h := o.media, &o.padding
	if !o.padded {
		*h = rtp.Header{
			PayloadType: probatorPayloadType, SSRC: probatorSSRC, SequenceNumber: uint16(m.random.uint32() >> 17),
			IDs: &o.ids, MID: probatorMID,
		}
		o.padded = true
	}
	h.SequenceNumber++
	h.Timestamp = uint32(now.UnixMilli() * probatorClockRate / 1000)
	stamp := m.stamp(now, h)
	slot := m.slot()
	if len(slot) < slotSize {
		return 0
	}
	header, _ := h.Put(slot, stamp)
	slot[0] |= 0x20 // padding follows
	n, ok := m.path.protectRTP(slot, header, paddingBytes[:])
	if !ok {
		m.drop(DropProtect)
		return 0
	}
	m.meters.probation.add(now, header+len(paddingBytes))
	m.path.commit(now, n, protocolRTP)
	o.sender.Sent(now, stamp.TransportCC, n)
	if slices.Contains(m.traces, "probation") {
		m.emitTrace(now, "probation", map[string]any{})
	}
	return n
}
