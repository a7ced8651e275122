package stun

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"hash"
)

// integritySize is the size of the value of MESSAGE-INTEGRITY, and minIntegrity256 the least that of MESSAGE-INTEGRITY-SHA256: it "MUST be at least
// 16 bytes and MUST be a multiple of 4 bytes" (RFC 8489 section 14.6), for it may be cut.
const (
	integritySize   = sha1.Size
	minIntegrity256 = 16
)

// Integrity makes and checks the MESSAGE-INTEGRITY (RFC 8489 section 14.5) or the MESSAGE-INTEGRITY-SHA256 (section 14.6) of one password. It is made
// once per credential and used again for each message. It is not safe for concurrent use.
type Integrity struct {
	mac       hash.Hash
	attribute AttributeType
	header    [HeaderSize]byte // scratch space lies here so that it does not escape with each call
	sum       [sha256.Size]byte
}

// NewIntegrity keys an Integrity of MESSAGE-INTEGRITY. With short-term credentials, as in ICE, the key is the password (RFC 8489 section 9.1.1).
func NewIntegrity(key []byte) *Integrity {
	return &Integrity{mac: hmac.New(sha1.New, key), attribute: AttrMessageIntegrity}
}

// NewIntegritySHA256 is NewIntegrity for MESSAGE-INTEGRITY-SHA256.
func NewIntegritySHA256(key []byte) *Integrity {
	return &Integrity{mac: hmac.New(sha256.New, key), attribute: AttrMessageIntegritySHA256}
}

// Check tells, in constant time, whether the message has a proof of this kind and key.
func (k *Integrity) Check(m *Message) bool {
	v := m.Value(k.attribute)
	if len(v) > k.mac.Size() || len(v) < minIntegrity256 || len(v)%4 != 0 {
		return false
	}
	k.compute(m.raw, int(m.offsets[slotOf(k.attribute)])-attributeHeaderSize, len(v))
	return subtle.ConstantTimeCompare(k.sum[:len(v)], v) == 1
}

// compute sets k.sum to the HMAC of the first size bytes of a message. The length field is hashed as if the message ended with the proof, whose value has
// proof bytes, whatever follows it (RFC 8489 section 14.5): in a copy of the header, for the message is borrowed.
func (k *Integrity) compute(b []byte, size, proof int) {
	copy(k.header[:], b)
	binary.BigEndian.PutUint16(k.header[2:], uint16(size+attributeHeaderSize+proof-HeaderSize))
	k.mac.Reset()
	k.mac.Write(k.header[:])
	k.mac.Write(b[HeaderSize:size])
	k.mac.Sum(k.sum[:0])
}
