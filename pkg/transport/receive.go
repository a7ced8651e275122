package transport

import (
	"time"

	"gazpacho/pkg/producer"
)

// receiveRTP takes an authenticated RTP packet to its producer. Only here, after authentication, is anything remembered of it (R-RTP-3).
func (m *media) receiveRTP(now time.Time, b []byte) {
	p := &m.packet
	if !p.Parse(b) {
		m.drop(DropMalformed)
		return
	}
	p.Resolve(&m.ids)
	m.incoming.arrived(now, p)
	found, learn := m.listener.find(p)
	if found == nil {
		m.drop(DropUnknownStream)
		return
	}
	if learn && m.listener.full() {
		m.drop(DropTooManyStreams)
		return
	}
	ssrc := p.SSRC // the producer makes the view speak its router's SSRC
	verdict := found.HandleRTP(now, p)
	m.handled(now, len(b), verdict)
	if learn && verdict.Accepted() {
		m.listener.learn(ssrc, found)
	}
}

// handled counts a packet of size bytes that a producer took, or why it did not.
func (m *media) handled(now time.Time, size int, verdict producer.Verdict) {
	m.meters.receivedRTP(now, size, verdict == producer.RTX)
	switch verdict {
	case producer.Media:
		m.meters.handled(protocolRTP)
	case producer.RTX:
		m.meters.handled(protocolRTX)
	default:
		m.verdicts[verdict]++
		m.env.Totals.tally.verdicts[verdict]++
	}
}
