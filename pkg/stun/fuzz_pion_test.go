package stun

import (
	"bytes"
	"encoding/binary"
	"testing"

	pion "github.com/pion/stun/v3"
)

// FuzzRefusal compares what we refuse with pion, and both on MESSAGE-INTEGRITY. pion is laxer where it reads messages out of a stream, and leaves
// to the application what the RFC says of proofs; it may refuse nothing that we take, which FuzzParse sees to.
func FuzzRefusal(f *testing.F) {
	for _, text := range []string{rfc5769Request, rfc5769ResponseIPv4, rfc5769ResponseIPv6, rfc5769LongTerm} {
		f.Add(vector(f, text))
	}
	f.Add([]byte(rawRequest().attr(AttrFingerprint, 1, 2, 3)))
	f.Add([]byte(rawRequest().attr(AttrFingerprint, 1, 2, 3, 4).attr(AttrPriority, 1, 2, 3, 4)))
	f.Add([]byte(rawRequest().attr(AttrMessageIntegrity, 1)))
	ours, theirs := NewIntegrity([]byte(rfc5769Password)), pion.NewShortTermIntegrity(rfc5769Password)
	f.Fuzz(func(t *testing.T, b []byte) {
		other := &pion.Message{Raw: bytes.Clone(b)}
		err := other.Decode()
		var m Message
		if m.Parse(b) {
			// Of several the first counts here, and both look for it; what pion would seal differs when more than the proofs follow it.
			if sealed := other.Contains(pion.AttrMessageIntegrity); sealed && onlyProofsFollow(other) && ours.Check(&m) != (theirs.Check(other) == nil) {
				t.Fatalf("integrity of %x: we say %v, pion %v", b, ours.Check(&m), theirs.Check(other))
			}
			return
		}
		// "The message length MUST contain the size of the message in bytes" (RFC 8489 section 5): a datagram is one message.
		if err != nil || len(b) < HeaderSize || int(binary.BigEndian.Uint16(b[2:])) != len(b)-HeaderSize || len(b)%4 != 0 || b[0]&0xc0 != 0 || len(b) > 0xffff {
			return
		}
		for i, a := range other.Attributes {
			switch AttributeType(a.Type) {
			case AttrFingerprint:
				if len(a.Value) != fingerprintSize || i < len(other.Attributes)-1 {
					return
				}
			case AttrMessageIntegrity:
				if len(a.Value) != integritySize {
					return
				}
			}
		}
		t.Fatalf("refused %x, pion reads %v", b, other)
	})
}

// onlyProofsFollow tells whether behind MESSAGE-INTEGRITY there is nothing but a FINGERPRINT.
func onlyProofsFollow(m *pion.Message) bool {
	behind := false
	for _, a := range m.Attributes {
		if behind && a.Type != pion.AttrFingerprint {
			return false
		}
		behind = behind || a.Type == pion.AttrMessageIntegrity
	}
	return true
}
