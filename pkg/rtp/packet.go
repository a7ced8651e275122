// Package rtp reads and rewrites RTP in place; sequence and timestamp arithmetic; RTCP.
package rtp

import "encoding/binary"

// Sizes and limits of RTP packets in bytes (RFC 3550 section 5.1; R-RTP-4).
const (
	HeaderSize    = 12
	MaxPacketSize = 1500
	version       = 2
)

// Packet is a view of one received RTP packet. It borrows the datagram: who keeps the packet
// beyond the call copies it (CopyTo).
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|V=2|P|X|  CC   |M|     PT      |       sequence number         |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                           timestamp                           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|           synchronization source (SSRC) identifier            |
//	+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
type Packet struct {
	Marker         bool
	PayloadType    uint8
	SequenceNumber uint16
	Timestamp      uint32
	SSRC           uint32

	Raw     []byte // the whole packet
	Payload []byte // what follows header and extensions, without padding
	Padding int    // bytes of padding at the end of Raw

	Frame Frame // what the payload says; zero until a codec looked at it

	extProfile uint16 // 0: no extension block
	extStart   int    // of the elements within Raw
	extEnd     int
	ids        *ExtensionIDs
	found      uint16              // bit set of the extensions that Resolve found
	spans      [NumExtensions]span // their values
	numbered   bool                // the packet id is id, not one within Raw
	id         [4]byte
}

// span is a slice of Raw: offsets survive a copy of the packet, slices would not.
type span struct {
	start uint16
	size  uint8
}

// Parse makes p a view of raw. It returns false, and leaves p unusable, when raw is not a well-formed RTP
// packet: wrong version, or CSRCs, extension or padding that do not fit (RFC 3550 section 5.3.1, A.1).
func (p *Packet) Parse(raw []byte) bool {
	if len(raw) < HeaderSize || len(raw) > MaxPacketSize || raw[0]>>6 != version {
		return false
	}
	*p = Packet{
		Marker:         raw[1]&0x80 != 0,
		PayloadType:    raw[1] & 0x7f,
		SequenceNumber: binary.BigEndian.Uint16(raw[2:]),
		Timestamp:      binary.BigEndian.Uint32(raw[4:]),
		SSRC:           binary.BigEndian.Uint32(raw[8:]),
		Raw:            raw,
	}
	at, ok := HeaderLength(raw)
	if !ok {
		return false
	}
	if raw[0]&0x10 != 0 {
		csrcs := HeaderSize + 4*int(raw[0]&0x0f)
		p.extProfile = binary.BigEndian.Uint16(raw[csrcs:])
		p.extStart, p.extEnd = csrcs+4, at
	}
	end := len(raw)
	if raw[0]&0x20 != 0 {
		if end == at {
			return false
		}
		p.Padding = int(raw[end-1])
		if p.Padding == 0 || p.Padding > end-at {
			return false
		}
		end -= p.Padding
	}
	p.Payload = raw[at:end:end]
	return true
}

// HeaderLength returns the length in bytes of header, CSRCs and extension block, which is where SRTP
// starts to encrypt, or false if they do not fit (RFC 3550 section 5.3.1).
func HeaderLength(raw []byte) (int, bool) {
	if len(raw) < HeaderSize {
		return 0, false
	}
	at := HeaderSize + 4*int(raw[0]&0x0f)
	if raw[0]&0x10 != 0 {
		if len(raw) < at+4 {
			return 0, false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(raw[at+2:]))
	}
	return at, at <= len(raw)
}

// CopyTo copies the packet into buf, which must hold len(p.Raw) bytes, and makes q a view of it.
func (p *Packet) CopyTo(q *Packet, buf []byte) {
	n := copy(buf, p.Raw)
	*q = *p
	q.Raw = buf[:n:n]
	start := n - p.Padding - len(p.Payload)
	q.Payload = q.Raw[start : n-p.Padding : n-p.Padding]
}

// IsRTCP tells RTCP from RTP by the packet type's range, 192 to 223 (RFC 5761 section 4).
func IsRTCP(datagram []byte) bool {
	return len(datagram) >= 2 && datagram[1] >= 192 && datagram[1] <= 223
}
