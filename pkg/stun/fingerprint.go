package stun

import (
	"encoding/binary"
	"hash/crc32"
)

// The size of FINGERPRINT, and what its CRC-32 is XORed with so that it differs from a CRC-32 the
// application itself may use (RFC 8489 section 14.7).
const (
	fingerprintSize = 4
	fingerprintXOR  = 0x5354554e
)

// CheckFingerprint tells whether the message has a FINGERPRINT and it is right.
func (m *Message) CheckFingerprint() bool {
	at := int(m.offsets[slotFingerprint])
	if at == 0 {
		return false
	}
	return binary.BigEndian.Uint32(m.raw[at:]) == fingerprint(m.raw[:at-attributeHeaderSize])
}

func fingerprint(b []byte) uint32 { return crc32.ChecksumIEEE(b) ^ fingerprintXOR }
