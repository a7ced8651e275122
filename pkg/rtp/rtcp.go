package rtp

import "encoding/binary"

// MaxRTCPPackets is how many packets one compound may hold (R-RTP-6).
const MaxRTCPPackets = 32

// RTCPKind is what an RTCP packet is, by packet type and, where that says too little, by format. The values index tables.
type RTCPKind uint8

// The kinds of RTCP packets we read. OtherRTCP is well-formed and unknown.
const (
	OtherRTCP      RTCPKind = iota
	SenderReport            // RFC 3550 section 6.4.1
	ReceiverReport          // RFC 3550 section 6.4.2
	Description             // RFC 3550 section 6.5
	Goodbye                 // RFC 3550 section 6.6
	NACK                    // RFC 4585 section 6.2.1
	TransportCC             // draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1
	PLI                     // RFC 4585 section 6.3.1
	FIR                     // RFC 5104 section 4.3.1
	REMB                    // draft-alvestrand-rmcat-remb-03 section 2.2
	ExtendedReport          // RFC 3611
	NumRTCPKinds
)

var rtcpNames = [NumRTCPKinds]string{"other", "SR", "RR", "SDES", "BYE", "NACK", "transport-cc", "PLI", "FIR", "REMB", "XR"}

// String returns the kind's usual abbreviation.
func (k RTCPKind) String() string {
	if k < NumRTCPKinds {
		return rtcpNames[k]
	}
	return rtcpNames[OtherRTCP]
}

// Packet types (RFC 3550 section 12.1, RFC 4585 section 6.1, RFC 3611 section 2) and formats of feedback.
const (
	typeSR    = 200
	typeRR    = 201
	typeSDES  = 202
	typeBYE   = 203
	typeRTPFB = 205
	typePSFB  = 206
	typeXR    = 207

	formatNACK        = 1  // of RTPFB
	formatTransportCC = 15 // of RTPFB
	formatPLI         = 1  // of PSFB
	formatFIR         = 4  // of PSFB
	formatAFB         = 15 // of PSFB: application layer feedback, REMB among it
)

// Sizes in bytes.
const (
	rtcpHeaderSize  = 4
	feedbackSize    = 8  // sender and media SSRC behind the header
	senderInfoSize  = 20 // of a sender report, behind the SSRC
	reportBlockSize = 24
)

// RTCP is a view of one packet of a compound; it borrows the datagram. What it holds is read with the methods that fit its
// Kind: Compound lets no packet through whose counts do not agree with its bytes.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|V=2|P|  count  |      type     |             length            |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
type RTCP struct {
	Kind RTCPKind
	Raw  []byte // the packet with header and padding

	count uint8  // or format
	body  []byte // behind the header, without padding
}

// Compound is a validated RTCP datagram, read packet by packet. Reduced-size ones, which do not begin with a report, are
// welcome (RFC 5506).
type Compound struct {
	rest []byte
}

// ParseRTCP checks a whole datagram before anything in it is believed. It returns false when a packet in it is not well-formed,
// when there are none, or more than MaxRTCPPackets (RFC 3550 section A.2, R-RTP-6).
func ParseRTCP(datagram []byte) (Compound, bool) {
	c := Compound{rest: datagram}
	rest, n := datagram, 0
	for ; len(rest) > 0; n++ {
		p, size := cut(rest)
		if size == 0 || n == MaxRTCPPackets || !p.wellFormed() {
			return Compound{}, false
		}
		rest = rest[size:]
	}
	return c, n > 0
}

// TooManyRTCP tells of a compound that ParseRTCP refused whether it is for the number of its packets.
func TooManyRTCP(datagram []byte) bool {
	n := 0
	for ; n <= MaxRTCPPackets && len(datagram) > 0; n++ {
		_, size := cut(datagram)
		if size == 0 {
			return false
		}
		datagram = datagram[size:]
	}
	return n > MaxRTCPPackets
}

// Next makes p a view of the next packet, or returns false after the last.
func (c *Compound) Next(p *RTCP) bool {
	if len(c.rest) == 0 {
		return false
	}
	var size int
	*p, size = cut(c.rest)
	c.rest = c.rest[size:]
	return true
}

// cut views the first packet of b and returns its size, 0 if it does not fit. Padding is allowed on every packet: the RFC wants
// it on the last only, but nothing depends on that.
func cut(b []byte) (RTCP, int) {
	if len(b) < rtcpHeaderSize || b[0]>>6 != version {
		return RTCP{}, 0
	}
	size := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
	if size > len(b) {
		return RTCP{}, 0
	}
	end := size
	if b[0]&0x20 != 0 {
		padding := int(b[size-1])
		if padding == 0 || padding > size-rtcpHeaderSize {
			return RTCP{}, 0
		}
		end -= padding
	}
	p := RTCP{Raw: b[:size:size], count: b[0] & 0x1f, body: b[rtcpHeaderSize:end:end]}
	p.Kind = p.kind(b[1])
	return p, size
}

func (p *RTCP) kind(packetType byte) RTCPKind {
	switch packetType {
	case typeSR:
		return SenderReport
	case typeRR:
		return ReceiverReport
	case typeSDES:
		return Description
	case typeBYE:
		return Goodbye
	case typeXR:
		return ExtendedReport
	case typeRTPFB:
		switch p.count {
		case formatNACK:
			return NACK
		case formatTransportCC:
			return TransportCC
		}
	case typePSFB:
		switch {
		case p.count == formatPLI:
			return PLI
		case p.count == formatFIR:
			return FIR
		case p.count == formatAFB && len(p.body) >= feedbackSize+4 && string(p.body[feedbackSize:feedbackSize+4]) == "REMB":
			return REMB
		}
	}
	return OtherRTCP
}

// wellFormed checks the counts against the bytes.
func (p *RTCP) wellFormed() bool {
	n := len(p.body)
	switch p.Kind {
	case SenderReport:
		return n >= 4+senderInfoSize+reportBlockSize*int(p.count)
	case ReceiverReport:
		return n >= 4+reportBlockSize*int(p.count)
	case Description:
		return p.wellFormedChunks()
	case Goodbye:
		return n >= 4*int(p.count)
	case NACK:
		return n >= feedbackSize+4 && n%4 == 0
	case TransportCC:
		return p.wellFormedTransportCC()
	case PLI:
		return n >= feedbackSize
	case FIR:
		return n >= feedbackSize+firEntrySize && (n-feedbackSize)%firEntrySize == 0
	case REMB:
		return n >= feedbackSize+rembHeadSize && n == feedbackSize+rembHeadSize+4*int(p.body[feedbackSize+4])
	case ExtendedReport:
		return p.wellFormedBlocks()
	}
	return true
}

// SenderSSRC returns who sent the packet. Packets too short to say so have none, 0; in a Description or Goodbye it is the first
// of those described.
func (p *RTCP) SenderSSRC() uint32 {
	if len(p.body) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(p.body)
}

// MediaSSRC returns the source that NACK, TransportCC and PLI are about; in FIR and REMB it is unused, 0.
func (p *RTCP) MediaSSRC() uint32 {
	if len(p.body) < feedbackSize {
		return 0
	}
	return binary.BigEndian.Uint32(p.body[4:])
}
