package transport

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"gazpacho/pkg/tuple"
)

// PacketSCTP is an island whose packets are datagrams of the transport, without DTLS around them.
type PacketSCTP interface {
	SCTP
	// Handle takes a packet of the peer's. It never blocks, and returns false if there is no room for it.
	Handle(packet []byte) bool
}

// SCTP over UDP as mediasoup does it: the packet alone in the datagram, both ports 5000, which no RTP begins with.
const (
	sctpPort   = 5000
	sctpHeader = 12 // ports, verification tag, checksum (RFC 9260 section 3.1)
)

func isSCTP(b []byte) bool {
	return len(b) >= sctpHeader && binary.BigEndian.Uint16(b) == sctpPort && binary.BigEndian.Uint16(b[2:]) == sctpPort
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sctpChecksum is that of a packet, whose own place counts as zero (RFC 9260 appendix A).
func sctpChecksum(b []byte) uint32 {
	c := crc32.Update(0, castagnoli, b[:8])
	c = crc32.Update(c, castagnoli, []byte{0, 0, 0, 0})
	return crc32.Update(c, castagnoli, b[sctpHeader:])
}

func (p *Plain) startSCTP(time.Time) SCTP {
	p.verification = 0
	return p.env.NewPacketSCTP(p, p.messages.options)
}

// handleSCTP takes an SCTP packet to the association. With SRTP, comedia does not learn an address from it: it proves nothing.
func (p *Plain) handleSCTP(now time.Time, datagram []byte, from tuple.Tuple) {
	if !p.mayBe(from, p.tuple) {
		return
	}
	if !p.tuple.IsValid() {
		switch {
		case p.suite != 0:
			p.drop(DropUnknownTuple)
			return
		case binary.LittleEndian.Uint32(datagram[8:]) != sctpChecksum(datagram):
			p.drop(DropMalformed)
			return
		}
		p.lock(now, from, &p.tuple)
	}
	p.messages.want(now)
	island, ok := p.messages.association.(PacketSCTP)
	switch {
	case !ok:
		p.drop(DropSCTPOver)
	case !island.Handle(datagram):
		p.drop(DropSCTPFull)
	default:
		p.meters.handled(protocolSCTP)
	}
}

// SendSCTP sends a packet of the association. It may come after the transport was closed.
func (p *Plain) SendSCTP(now time.Time, packet []byte) {
	if p.closed {
		return
	}
	if len(packet) >= sctpHeader {
		if tag := binary.BigEndian.Uint32(packet[4:]); tag != 0 { // that of an INIT is
			p.verification = tag
		}
	}
	slot := p.env.Egress.Next()
	switch {
	case !p.tuple.IsValid():
		p.drop(DropNotOpen)
	case len(packet) > len(slot):
		p.drop(DropSendMalformed)
	default:
		p.commit(now, copy(slot, packet), protocolSCTP)
	}
}

// abortSCTP tells the peer that the association is over, for there is nothing below that could (RFC 9260 section 9.1).
func (p *Plain) abortSCTP(now time.Time) {
	if p.verification == 0 || p.messages == nil || p.messages.association == nil {
		return
	}
	const abort = 6 // the chunk's type; it has no flags and says no reason
	b := binary.BigEndian.AppendUint16(nil, sctpPort)
	b = binary.BigEndian.AppendUint16(b, sctpPort)
	b = binary.BigEndian.AppendUint32(b, p.verification)
	b = append(b, 0, 0, 0, 0, abort, 0, 0, 4)
	binary.LittleEndian.PutUint32(b[8:], sctpChecksum(b))
	p.SendSCTP(now, b)
}
