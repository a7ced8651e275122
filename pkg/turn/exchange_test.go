package turn

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

var update = flag.Bool("update", false, "rewrite golden files")

// script writes down every message as bytes.
type script struct {
	bytes.Buffer
	*client
}

func (s *script) note(who string, b []byte) {
	fmt.Fprintf(s, "%s %d bytes\n", who, len(b))
	if IsChannelData(b) {
		fmt.Fprintf(s, "\t%x %x %x\n", b[:2], b[2:4], b[4:])
		return
	}
	fmt.Fprintf(s, "\t%x %x\n", b[:8], b[8:20])
	for at := stun.HeaderSize; at < len(b); {
		size := 4 + padded(int(b[at+2])<<8|int(b[at+3]))
		fmt.Fprintf(s, "\t%x %s\n", b[at:at+4], hex.EncodeToString(b[at+4:at+size]))
		at += size
	}
}

func (s *script) say(title string, b []byte) {
	fmt.Fprintf(s, "\n# %s\n", title)
	s.note("client", b)
	s.deliver(b)
	for _, p := range s.toPeers() {
		fmt.Fprintf(s, "to peer %v, DF %v\n\t%x\n", p.to, p.df, p.data)
	}
	for _, p := range s.sent {
		s.note("server", p.data)
	}
}

// answer takes the answer to the last message.
func (s *script) answer(code int, want ...stun.AttributeType) *stun.Message {
	s.Helper()
	b := s.take()
	m := parse(s, b)
	if codeOf(m) != code {
		s.Fatalf("answered %d, want %d", codeOf(m), code)
	}
	if got := attributes(b); !slices.Equal(got, want) {
		s.Fatalf("the answer has %x, want %x", got, want)
	}
	return m
}

func (s *script) peerSays(from netip.AddrPort, text string) {
	fmt.Fprintf(s, "\n# the peer %v answers\n", from)
	s.server.HandleRelay(s.now, s.allocation().firstRelay(), from, []byte(text))
	for _, p := range s.sent {
		s.note("server", p.data)
	}
}

// The exchange that must work to the letter, as bytes in testdata/exchange.txt.
func TestExchange(t *testing.T) {
	links = 0
	w := newWorld(t)
	s := &script{client: w.client(clientAddr)}
	software := bytesAttr(stun.AttrSoftware, []byte("Example client, version 1.03")...)

	s.say("1. Allocate without credentials", s.plain(stun.Request, stun.Allocate, software, lifetime(3600), transportUDP, dontFragment))
	m := s.answer(401, stun.AttrErrorCode, stun.AttrRealm, stun.AttrNonce, stun.AttrPasswordAlgorithms, stun.AttrSoftware)
	if string(m.Value(stun.AttrRealm)) != realm || string(m.Value(stun.AttrSoftware)) != "Gazpacho" {
		t.Errorf("REALM %q, SOFTWARE %q", m.Value(stun.AttrRealm), m.Value(stun.AttrSoftware))
	}
	s.nonce = string(m.Value(stun.AttrNonce))

	s.say("2. Allocate with them", s.signed(stun.Allocate, software, lifetime(3600), transportUDP, dontFragment))
	m = s.answer(0, stun.AttrLifetime, stun.AttrXORRelayedAddress, stun.AttrXORMappedAddress, stun.AttrSoftware, stun.AttrMessageIntegrity)
	s.sealed(m)
	if v, _ := m.Uint32(stun.AttrLifetime); v != 1200 {
		t.Errorf("LIFETIME %d, want the operator's 1200", v)
	}
	if a, _ := m.XORAddress(stun.AttrXORMappedAddress); a != clientAddr {
		t.Errorf("XOR-MAPPED-ADDRESS %v", a)
	}
	if a, _ := m.XORAddress(stun.AttrXORRelayedAddress); a != s.allocation().relays[ipv4].Address() || a.Addr() != serverAddr.Addr() {
		t.Errorf("XOR-RELAYED-ADDRESS %v", a)
	}

	s.say("3. CreatePermission", s.signed(stun.CreatePermission, peer(netip.AddrPortFrom(peerAddr.Addr(), 0))))
	s.sealed(s.answer(0, stun.AttrMessageIntegrity))

	s.say("4. Send with DONT-FRAGMENT", s.plain(stun.Indication, stun.Send, peer(peerAddr), dontFragment, data("hello")))
	s.silent()
	s.say("4. Send without", s.plain(stun.Indication, stun.Send, peer(peerAddr), data("hello")))
	s.silent()
	s.peerSays(peerAddr, "world")
	m = parse(t, s.sent[0].data)
	if got := attributes(s.take()); !slices.Equal(got, []stun.AttributeType{stun.AttrXORPeerAddress, stun.AttrData}) || m.Class != stun.Indication || m.Method != stun.Data {
		t.Errorf("the Data indication has %x", got)
	}

	s.say("5. ChannelBind", s.signed(stun.ChannelBind, channelNumber(0x4000), peer(otherPeer)))
	s.sealed(s.answer(0, stun.AttrMessageIntegrity))
	s.say("5. ChannelData", channelData(0x4000, "hello", 0))
	s.silent()
	s.peerSays(otherPeer, "world")
	if b := s.take(); !bytes.Equal(b, channelData(0x4000, "world", 0)) {
		t.Errorf("the peer's answer comes as %x", b)
	}

	w.advance(11 * time.Minute)
	s.say("6. Refresh when the nonce has aged", s.signed(stun.Refresh, lifetime(3600)))
	m = s.answer(438, stun.AttrErrorCode, stun.AttrRealm, stun.AttrNonce, stun.AttrPasswordAlgorithms, stun.AttrSoftware)
	if fresh := string(m.Value(stun.AttrNonce)); fresh == s.nonce {
		t.Error("the nonce is the old one")
	} else {
		s.nonce = fresh
	}
	s.say("6. again, without LIFETIME", s.signed(stun.Refresh))
	m = s.answer(0, stun.AttrLifetime, stun.AttrSoftware, stun.AttrMessageIntegrity)
	s.sealed(m)
	if v, _ := m.Uint32(stun.AttrLifetime); v != 600 {
		t.Errorf("LIFETIME %d, want the default of 600", v)
	}
	s.say("6. LIFETIME 0", s.signed(stun.Refresh, lifetime(0)))
	s.sealed(s.answer(0, stun.AttrLifetime, stun.AttrSoftware, stun.AttrMessageIntegrity))
	s.say("6. after that", s.signed(stun.Refresh, lifetime(0)))
	s.sealed(s.answer(437, stun.AttrErrorCode, stun.AttrSoftware, stun.AttrMessageIntegrity))

	golden(t, "testdata/exchange.txt", s.Bytes())
}

// sealed expects MESSAGE-INTEGRITY of the client's key.
func (s *script) sealed(m *stun.Message) {
	s.Helper()
	if !s.key().Check(m) {
		s.Fatal("the answer is not sealed")
	}
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
