package transport

import (
	"time"

	"gazpacho/pkg/rtp"
)

// slotSize is what a slot of Egress holds at least: the longest header, a payload and SRTP's tag.
const slotSize = rtp.MaxHeaderSize + rtp.MaxPacketSize + srtpOverhead

// srtpOverhead is the most SRTP adds to a packet in bytes: GCM's tag, the RTCP index.
const srtpOverhead = 16 + 4

// SendRTP writes one packet into the send batch: header and extensions are made, the payload is encrypted straight from the shared buffer
// into the slot. It returns the packet's size before encryption, 0 if it was not sent. Consumers call it.
func (m *media) SendRTP(now time.Time, h *rtp.Header, payload []byte) int {
	if !m.path.open() {
		m.drop(DropNotOpen)
		return 0
	}
	if m.outgoing.sender != nil && (h.IsRTX || h.Again) && !m.outgoing.affords(now, len(payload)) {
		m.drop(DropCongested)
		return 0
	}
	stamp := m.stamp(now, h)
	slot := m.slot()
	if len(payload) > rtp.MaxPacketSize || int(h.PatchSize) > len(payload) || len(slot) < slotSize {
		m.drop(DropSendMalformed)
		return 0
	}
	var header, size int
	if h.PatchSize == 0 && !h.IsRTX {
		header, _ = h.Put(slot, stamp)
		size = header + len(payload)
	} else {
		// What goes out differs from the shared payload, which is read-only: encrypt a copy in place.
		header, size = h.PutPacket(slot, payload, stamp)
		payload = slot[header:size]
	}
	n, ok := 0, false
	if h.Again {
		n, ok = m.path.protectAgain(slot, header, payload)
	} else {
		n, ok = m.path.protectRTP(slot, header, payload)
	}
	if !ok {
		m.drop(DropProtect)
		return 0
	}
	m.meters.sentRTP(now, size, h.IsRTX)
	if m.outgoing.sender != nil {
		m.outgoing.sent(now, h, stamp, n)
	}
	m.path.commit(now, n, carried(h))
	return size
}

func (m *media) slot() []byte {
	if m.slots != nil {
		return m.slots.Next()
	}
	return m.env.Egress.Next()
}

func carried(h *rtp.Header) protocol {
	if h.IsRTX {
		return protocolRTX
	}
	return protocolRTP
}

// SendRTCP sends one compound packet to the peer. Producers call it for feedback.
func (m *media) SendRTCP(now time.Time, packet []byte) {
	if !m.path.open() {
		m.drop(DropNotOpen)
		return
	}
	slot := m.slot()
	if len(packet) > len(slot)-srtpOverhead {
		m.drop(DropSendMalformed)
		return
	}
	n, ok := m.path.protectRTCP(slot, copy(slot, packet))
	if !ok {
		m.drop(DropProtect)
		return
	}
	m.path.commit(now, n, protocolRTCP)
}
