package stun

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"hash"
)

// integritySize is the size of the value of MESSAGE-INTEGRITY.
const integritySize = sha1.Size

// Integrity makes and checks the MESSAGE-INTEGRITY of one password (RFC 8489 section 14.5). It is
// made once per credential and used again for each message. It is not safe for concurrent use.
type Integrity struct {
	mac    hash.Hash
	header [HeaderSize]byte // scratch space lies here so that it does not escape with each call
	sum    [integritySize]byte
}

// NewIntegrity keys an Integrity. With short-term credentials, as in ICE, the key is the password
// (RFC 8489 section 9.1.1).
func NewIntegrity(key []byte) *Integrity {
	return &Integrity{mac: hmac.New(sha1.New, key)}
}

// Check tells, in constant time, whether the message has a MESSAGE-INTEGRITY of this key.
func (k *Integrity) Check(m *Message) bool {
	at := int(m.offsets[slotMessageIntegrity])
	if at == 0 {
		return false
	}
	k.compute(m.raw, at-attributeHeaderSize)
	return subtle.ConstantTimeCompare(k.sum[:], m.raw[at:at+integritySize]) == 1
}

// compute sets k.sum to the HMAC of the first size bytes of a message. The length field is hashed
// as if the message ended with MESSAGE-INTEGRITY, whatever follows it (RFC 8489 section 14.5): in a
// copy of the header, for the message is borrowed.
func (k *Integrity) compute(b []byte, size int) {
	copy(k.header[:], b)
	binary.BigEndian.PutUint16(k.header[2:], uint16(size+attributeHeaderSize+integritySize-HeaderSize))
	k.mac.Reset()
	k.mac.Write(k.header[:])
	k.mac.Write(b[HeaderSize:size])
	k.mac.Sum(k.sum[:0])
}
