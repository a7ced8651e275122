package stun

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	pion "github.com/pion/stun/v3"
)

// The vector of RFC 8489 appendix B.1, with PASSWORD-ALGORITHM and the length as its erratum has them.
const rfc8489LongTerm = ` // appendix B.1
	00010090 2112a442 78ad3433 c6ad72c0 29da412e
	001e0020 4a3cf38f ef6992bd a952c678 0417da0f 24819415 569e60b2 05c46e41 407f1704
	00150029 6f624d61 744a6f73 32414141 43662f2f 3439396b 39353464 364f4c33 346f4c39 46535476 79363473 41000000
	0014000b 6578616d 706c652e 6f726700
	001d0004 00020000
	001c0020 b5c7bf00 5b6c52a2 1c51c5e8 92f81924 136296cb 927c4314 9309278c c6518e65`

// "key = SHA-256(username ":" OpaqueString(realm) ":" OpaqueString(password))" (RFC 8489 section 18.5.1.2), and USERHASH is SHA-256(username ":" realm).
func TestRFC8489LongTermCredentials(t *testing.T) {
	b := vector(t, rfc8489LongTerm)
	m := mustParse(t, b)
	hash := sha256.Sum256([]byte("マトリックス:example.org"))
	if !bytes.Equal(m.Value(AttrUserhash), hash[:]) {
		t.Errorf("USERHASH %x, want %x", m.Value(AttrUserhash), hash)
	}
	if got := string(m.Value(AttrNonce)); got != "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA" {
		t.Errorf("NONCE %q", got)
	}
	if got := m.Value(AttrPasswordAlgorithm); !bytes.Equal(got, []byte{0, 2, 0, 0}) {
		t.Errorf("PASSWORD-ALGORITHM %x", got)
	}
	key := sha256.Sum256([]byte("マトリックス:example.org:TheMatrIX"))
	k := NewIntegritySHA256(key[:])
	if !k.Check(m) {
		t.Error("integrity is not valid")
	}
	if NewIntegrity(key[:]).Check(m) {
		t.Error("MESSAGE-INTEGRITY is valid, and not there")
	}
	old := md5.Sum([]byte("マトリックス:example.org:TheMatrIX"))
	if NewIntegritySHA256(old[:]).Check(m) {
		t.Error("the key of MD5 is valid")
	}
	for bit := range (len(b) - 36) * 8 {
		broken := bytes.Clone(b)
		broken[bit/8] ^= 1 << (bit % 8)
		var m Message
		if m.Parse(broken) && k.Check(&m) {
			t.Errorf("integrity is valid with bit %d changed", bit)
		}
	}

	// And written again, byte for byte.
	again := make([]byte, 200)
	w := Build(again, Request, Binding, m.TransactionID())
	w.Add(AttrUserhash, hash[:])
	w.AddString(AttrNonce, "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA")
	w.AddString(AttrRealm, "example.org")
	w.Add(AttrPasswordAlgorithm, []byte{0, 2, 0, 0})
	w.AddIntegrity(k)
	if !bytes.Equal(again[:w.Finish()], b) {
		t.Errorf("written %x", again[:w.Finish()])
	}
}

// MESSAGE-INTEGRITY-SHA256 "MUST be at least 16 bytes and MUST be a multiple of 4 bytes", and may be cut to that (RFC 8489 section 14.6). The length field
// that is hashed counts what is there.
func TestTruncatedIntegrity(t *testing.T) {
	k := NewIntegritySHA256([]byte("key"))
	for size := range 41 {
		b := make([]byte, 200)
		w := Build(b, Request, Binding, testID)
		w.AddUint32(AttrLifetime, 600)
		sealed := w.size
		if v := w.reserve(AttrMessageIntegritySHA256, size); v != nil {
			k.compute(b, sealed, size)
			copy(v, k.sum[:])
		}
		m := mustParse(t, b[:w.Finish()])
		if want := size >= 16 && size <= 32 && size%4 == 0; k.Check(m) != want {
			t.Errorf("%d bytes: %v", size, !want)
		}
	}
}

// Behind MESSAGE-INTEGRITY there may be MESSAGE-INTEGRITY-SHA256, which covers it (RFC 8489 section 14.6).
func TestBothSeals(t *testing.T) {
	one, two := NewIntegrity([]byte("key")), NewIntegritySHA256([]byte("key"))
	b := make([]byte, 200)
	w := Build(b, Request, Refresh, testID)
	w.AddUint32(AttrLifetime, 600)
	w.AddIntegrity(one)
	w.AddIntegrity(two)
	w.AddFingerprint()
	m := mustParse(t, b[:w.Finish()])
	if !one.Check(m) || !two.Check(m) || !m.CheckFingerprint() {
		t.Errorf("%v, %v, %v", one.Check(m), two.Check(m), m.CheckFingerprint())
	}
	b[40]++ // within the first seal
	if m = mustParse(t, b[:w.Finish()]); one.Check(m) || two.Check(m) {
		t.Error("a seal is valid that was changed")
	}
}

// All finds each attribute of a type, in order, and none behind the seal.
func TestAll(t *testing.T) {
	peers := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("[2001:db8::1]:2"), netip.MustParseAddrPort("192.0.2.3:3")}
	b := make([]byte, 300)
	w := Build(b, Request, CreatePermission, testID)
	for i, p := range peers {
		w.AddXORAddress(AttrXORPeerAddress, p)
		w.Add(AttrData, make([]byte, i))
	}
	unsealed, plain := w, bytes.Clone(b[:w.Finish()])
	collect := func(b []byte) (got []netip.AddrPort) {
		m := mustParse(t, b)
		for v := range m.All(AttrXORPeerAddress) {
			a, ok := m.DecodeXORAddress(v)
			if !ok {
				t.Fatalf("%x is no address", v)
			}
			got = append(got, a)
		}
		return got
	}
	if got := collect(plain); !slices.Equal(got, peers) {
		t.Errorf("without a seal: %v", got)
	}
	for name, seal := range map[string]func(*Builder){
		"SHA-1": func(w *Builder) { w.AddIntegrity(NewIntegrity(nil)); w.AddXORAddress(AttrXORPeerAddress, peers[0]) },
		"SHA-256": func(w *Builder) {
			w.AddIntegrity(NewIntegritySHA256(nil))
			w.AddXORAddress(AttrXORPeerAddress, peers[0])
		},
		"fingerprint": func(w *Builder) { w.AddFingerprint() },
	} {
		w := unsealed
		seal(&w)
		if got := collect(b[:w.Finish()]); !slices.Equal(got, peers) {
			t.Errorf("%s: %v", name, got)
		}
	}
	m := mustParse(t, plain)
	for v := range m.All(AttrXORPeerAddress) {
		if !bytes.Equal(v, m.Value(AttrXORPeerAddress)) {
			t.Error("the first is not the first")
		}
		break
	}
	if n := testing.AllocsPerRun(100, func() {
		for v := range m.All(AttrXORPeerAddress) {
			m.DecodeXORAddress(v)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// MAPPED-ADDRESS and ALTERNATE-SERVER are written as they are (RFC 8489 section 14.1).
func TestAddAddress(t *testing.T) {
	for _, test := range []struct{ address, want string }{
		{"192.0.2.1:4660", "0001 1234 c0000201"},
		{"[2001:db8::1]:4660", "0002 1234 20010db8 00000000 00000000 00000001"},
	} {
		b := make([]byte, 100)
		w := Build(b, ErrorResponse, Allocate, testID)
		w.AddAddress(AttrAlternateServer, netip.MustParseAddrPort(test.address))
		m := mustParse(t, b[:w.Finish()])
		if want := bytesOf(t, test.want); !bytes.Equal(m.Value(AttrAlternateServer), want) {
			t.Errorf("%s: %x, want %x", test.address, m.Value(AttrAlternateServer), want)
		}
		other := &pion.Message{Raw: bytes.Clone(b[:w.Finish()])}
		var alternate pion.AlternateServer
		if err := other.Decode(); err != nil {
			t.Fatal(err)
		}
		if err := alternate.GetFrom(other); err != nil || netip.AddrPortFrom(netip.MustParseAddr(alternate.IP.String()), uint16(alternate.Port)).String() != test.address {
			t.Errorf("%s: pion reads %v, %v", test.address, alternate, err)
		}
	}
	w := Build(make([]byte, 27), ErrorResponse, Allocate, testID)
	if w.AddAddress(AttrAlternateServer, netip.MustParseAddrPort("192.0.2.1:1")); w.Finish() != 0 {
		t.Error("it fits into nothing")
	}
}

// The numbers of TURN, as pion has them.
func TestNumbersOfTURN(t *testing.T) {
	for ours, theirs := range map[AttributeType]pion.AttrType{
		AttrChannelNumber: pion.AttrChannelNumber, AttrLifetime: pion.AttrLifetime, AttrXORPeerAddress: pion.AttrXORPeerAddress, AttrData: pion.AttrData,
		AttrXORRelayedAddress: pion.AttrXORRelayedAddress, AttrRequestedAddressFamily: pion.AttrRequestedAddressFamily, AttrEvenPort: pion.AttrEvenPort,
		AttrRequestedTransport: pion.AttrRequestedTransport, AttrDontFragment: pion.AttrDontFragment, AttrReservationToken: pion.AttrReservationToken,
		AttrConnectionID: pion.AttrConnectionID, AttrAlternateServer: pion.AttrAlternateServer, AttrMessageIntegritySHA256: pion.AttrMessageIntegritySHA256,
		AttrPasswordAlgorithm: pion.AttrPasswordAlgorithm, AttrUserhash: pion.AttrUserhash, AttrPasswordAlgorithms: pion.AttrPasswordAlgorithms,
		AttrAdditionalFamily: 0x8000, AttrAddressErrorCode: 0x8001, AttrICMP: 0x8004, // RFC 8656 section 18; pion has them not
	} {
		if uint16(ours) != uint16(theirs) {
			t.Errorf("%#04x is %#04x at pion", uint16(ours), uint16(theirs))
		}
		if slotOf(ours) == slotNone {
			t.Errorf("%#04x has no slot", uint16(ours))
		}
	}
	for ours, theirs := range map[Method]pion.Method{
		Binding: pion.MethodBinding, Allocate: pion.MethodAllocate, Refresh: pion.MethodRefresh, Send: pion.MethodSend, Data: pion.MethodData,
		CreatePermission: pion.MethodCreatePermission, ChannelBind: pion.MethodChannelBind, Connect: pion.MethodConnect,
		ConnectionBind: pion.MethodConnectionBind, ConnectionAttempt: pion.MethodConnectionAttempt,
	} {
		b := make([]byte, HeaderSize)
		w := Build(b, Indication, ours, testID)
		if uint16(ours) != uint16(theirs) || MethodOf(b[:w.Finish()]) != ours {
			t.Errorf("method %d is %d at pion", ours, theirs)
		}
	}
	if AttrMobilityTicket != 0x8030 { // RFC 8016 section 4; pion has it not
		t.Error("MOBILITY-TICKET")
	}
}

// Each attribute has a slot of its own: what is read of one type is never another's.
func TestSlots(t *testing.T) {
	seen := map[slot]AttributeType{}
	for n := range 1 << 16 {
		a := AttributeType(n)
		s := slotOf(a)
		if s == slotNone {
			continue
		}
		if other, ok := seen[s]; ok {
			t.Errorf("%#04x and %#04x share a slot", n, uint16(other))
		}
		seen[s] = a
		b := rawRequest()
		b = b.attr(a, binary.BigEndian.AppendUint32(nil, 7)...)
		var m Message
		if a != AttrMessageIntegrity && (!m.Parse(b) || !m.Has(a) || len(m.Value(a)) != 4) {
			t.Errorf("%#04x is not read", n)
		}
	}
	if len(seen) != int(numSlots)-1 {
		t.Errorf("%d slots for %d attributes", numSlots-1, len(seen))
	}
}
