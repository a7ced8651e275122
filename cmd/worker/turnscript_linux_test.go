package main

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/turn"
)

// write writes down one message: all of it but what differs from one run to the next.
func (s *exchange) write(who string, b []byte) {
	s.t.Helper()
	s.previous = bytes.Clone(b)
	if turn.IsChannelData(b) {
		fmt.Fprintf(s, "%s: ChannelData %x, %d bytes: %q\n", who, b[:2], b[3], b[4:])
		return
	}
	var m stun.Message
	if !m.Parse(b) {
		s.t.Fatalf("%x is not STUN", b)
	}
	fmt.Fprintf(s, "%s: class %d, method %d\n", who, m.Class, m.Method)
	for at := stun.HeaderSize; at < len(b); {
		t, size := stun.AttributeType(b[at])<<8|stun.AttributeType(b[at+1]), int(b[at+2])<<8|int(b[at+3])
		fmt.Fprintf(s, "\t%04x %s\n", uint16(t), s.value(&m, t, b[at+4:at+4+size]))
		at += 4 + (size+3)&^3
	}
}

func (s *exchange) value(m *stun.Message, t stun.AttributeType, v []byte) string {
	switch t {
	case stun.AttrXORMappedAddress, stun.AttrXORRelayedAddress, stun.AttrXORPeerAddress:
		a, _ := m.XORAddress(t)
		if t == stun.AttrXORRelayedAddress {
			s.names[a] = "the relay"
		}
		return s.name(a)
	case stun.AttrNonce:
		return fmt.Sprintf("NONCE of %d bytes", len(v))
	case stun.AttrMessageIntegrity:
		if !s.proof.Check(m) {
			s.t.Error("MESSAGE-INTEGRITY is wrong")
		}
		return "MESSAGE-INTEGRITY"
	case stun.AttrSoftware, stun.AttrRealm, stun.AttrUsername, stun.AttrData:
		return fmt.Sprintf("%q", v)
	case stun.AttrErrorCode:
		return fmt.Sprintf("%d %q", codeOf(m), v[4:])
	}
	return fmt.Sprintf("%x", v)
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is now\n%s", name, got)
	}
}
