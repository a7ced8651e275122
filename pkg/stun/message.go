package stun

import (
	"encoding/binary"
	"iter"
	"net/netip"
)

// maxUnknown is how many unknown attributes a Message remembers: a 420 that names eight of them
// tells the sender enough.
const maxUnknown = 8

// Message is a view of one received message. It borrows the datagram.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|0 0|     STUN Message Type     |         Message Length        |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                         Magic Cookie                          |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                     Transaction ID (96 bits)                  |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
type Message struct {
	Class  Class
	Method Method

	raw        []byte
	offsets    [numSlots]uint16 // of the values within raw; 0 is absent
	unknown    [maxUnknown]AttributeType
	numUnknown uint8
}

// Parse makes m a view of b, which is exactly one message. It returns false, and leaves m
// unusable, when b is not one: header or attributes that do not fit their lengths, a wrong size of
// an attribute that proves something, or anything behind FINGERPRINT.
//
// The attributes are walked once and the first of a kind wins: "Any attribute type MAY appear more
// than once in a STUN message. Unless specified otherwise, the order of appearance is significant:
// only the first occurrence needs to be processed by a receiver" (RFC 8489 section 14).
func (m *Message) Parse(b []byte) bool {
	if !IsMessage(b) || len(b) > 0xffff || len(b)%4 != 0 {
		return false
	}
	*m = Message{raw: b}
	m.Class, m.Method = splitType(binary.BigEndian.Uint16(b))
	for at := HeaderSize; at < len(b); {
		if len(b)-at < attributeHeaderSize {
			return false
		}
		t := AttributeType(binary.BigEndian.Uint16(b[at:]))
		size := int(binary.BigEndian.Uint16(b[at+2:]))
		at += attributeHeaderSize
		if size > len(b)-at || !m.note(t, at, size) {
			return false
		}
		at += padded(size) // never beyond the end: all that is left is a multiple of 4
	}
	return true
}

// note remembers the attribute whose value lies at a given offset; false is a malformed message.
func (m *Message) note(t AttributeType, at, size int) bool {
	if m.offsets[slotFingerprint] != 0 {
		return false // "the FINGERPRINT attribute MUST be the last attribute" (RFC 8489 section 14.7)
	}
	// "agents MUST ignore all other attributes that follow MESSAGE-INTEGRITY" but the two below
	// (RFC 8489 sections 14.5 and 14.6): nothing protects them.
	sealed256 := m.offsets[slotMessageIntegritySHA256] != 0
	sealed := sealed256 || m.offsets[slotMessageIntegrity] != 0
	s := slotOf(t)
	switch s {
	case slotFingerprint:
		if size != fingerprintSize {
			return false
		}
	case slotMessageIntegritySHA256:
		if sealed256 {
			return true
		}
	default:
		if sealed {
			return true
		}
	}
	if s == slotMessageIntegrity && size != integritySize {
		return false
	}
	if s == slotNone {
		m.noteUnknown(t)
	} else if m.offsets[s] == 0 {
		m.offsets[s] = uint16(at)
	}
	return true
}

func (m *Message) noteUnknown(t AttributeType) {
	if t.Required() && m.numUnknown < maxUnknown {
		m.unknown[m.numUnknown] = t
		m.numUnknown++
	}
}

// TransactionID returns the transaction the message belongs to.
func (m *Message) TransactionID() TransactionID { return TransactionID(m.raw[8:HeaderSize]) }

// Unknown lists the comprehension-required attributes this package does not know, at most the
// first eight.
func (m *Message) Unknown() []AttributeType { return m.unknown[:m.numUnknown] }

// Has tells whether the message carries a known attribute.
func (m *Message) Has(t AttributeType) bool {
	s := slotOf(t)
	return s != slotNone && m.offsets[s] != 0
}

// Value returns the value of a known attribute without its padding, nil if it is absent.
func (m *Message) Value(t AttributeType) []byte {
	s := slotOf(t)
	if s == slotNone || m.offsets[s] == 0 {
		return nil
	}
	at := int(m.offsets[s])
	return m.raw[at : at+int(binary.BigEndian.Uint16(m.raw[at-2:]))]
}

// Uint32 returns the value of an attribute of four bytes; false if it is absent or of other size.
func (m *Message) Uint32(t AttributeType) (uint32, bool) {
	v := m.Value(t)
	if len(v) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(v), true
}

// Uint64 is Uint32 for eight bytes.
func (m *Message) Uint64(t AttributeType) (uint64, bool) {
	v := m.Value(t)
	if len(v) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(v), true
}

// XORAddress returns the address in an attribute that is encoded as XOR-MAPPED-ADDRESS is
// (RFC 8489 section 14.2).
func (m *Message) XORAddress(t AttributeType) (netip.AddrPort, bool) {
	return decodeXORAddress(m.Value(t), m.raw)
}

// All walks the values of every attribute of a type that integrity protects, in order: CreatePermission may name several peers.
func (m *Message) All(t AttributeType) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		end := len(m.raw)
		for _, s := range [...]slot{slotMessageIntegrity, slotMessageIntegritySHA256, slotFingerprint} {
			if at := int(m.offsets[s]); at != 0 {
				end = min(end, at-attributeHeaderSize)
			}
		}
		for at := HeaderSize; at < end; {
			size := int(binary.BigEndian.Uint16(m.raw[at+2:]))
			value := at + attributeHeaderSize
			if AttributeType(binary.BigEndian.Uint16(m.raw[at:])) == t && !yield(m.raw[value:value+size:value+size]) {
				return
			}
			at = value + padded(size)
		}
	}
}

// DecodeXORAddress is XORAddress for a value that All gave.
func (m *Message) DecodeXORAddress(value []byte) (netip.AddrPort, bool) {
	return decodeXORAddress(value, m.raw)
}

// ErrorCode returns code and reason of an error response (RFC 8489 section 14.8).
func (m *Message) ErrorCode() (code int, reason []byte, ok bool) {
	v := m.Value(AttrErrorCode)
	if len(v) < 4 || v[2]&7 < 3 || v[2]&7 > 6 || v[3] > 99 {
		return 0, nil, false
	}
	return int(v[2]&7)*100 + int(v[3]), v[4:], true
}

// padded rounds a size up to the 32-bit boundary attributes are aligned on.
func padded(size int) int { return (size + 3) &^ 3 }
