package stun

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

// RFC 8489 section 5: "the class and method bits are interleaved"; the types of Binding are those
// of RFC 8489 section 5, those of Allocate of RFC 8656.
func TestMessageType(t *testing.T) {
	for _, test := range []struct {
		class  Class
		method Method
		want   uint16
	}{
		{Request, Binding, 0x0001},
		{Indication, Binding, 0x0011},
		{SuccessResponse, Binding, 0x0101},
		{ErrorResponse, Binding, 0x0111},
		{ErrorResponse, 3, 0x0113},
		{Request, 0xfff, 0x3eef},
	} {
		if got := messageType(test.class, test.method); got != test.want {
			t.Errorf("type of class %d, method %d is %#04x, want %#04x", test.class, test.method, got, test.want)
		}
	}
	for want := range uint16(1 << 14) {
		if got := messageType(splitType(want)); got != want {
			t.Fatalf("%#04x becomes %#04x", want, got)
		}
	}
}

func TestIsMessage(t *testing.T) {
	whole := rawRequest().attr(AttrPriority, 1, 2, 3, 4)
	change := func(at int, value byte) []byte {
		b := bytes.Clone(whole)
		b[at] = value
		return b
	}
	for _, test := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"message", whole, true},
		{"header alone", rawRequest(), true},
		{"empty", nil, false},
		{"one byte short of a header", rawRequest()[:HeaderSize-1], false},
		{"cut", whole[:len(whole)-1], false},
		{"trailing byte", append(bytes.Clone(whole), 0), false},
		// RFC 7983 section 7: 0..3 STUN, 20..63 DTLS, 128..191 RTP and RTCP.
		{"first byte of DTLS", change(0, 22), true}, // only the cookie tells: 22 is a method, too
		{"first byte of ChannelData", change(0, 0x40), false},
		{"first byte of RTP", change(0, 0x80), false},
		{"RFC 3489, no cookie", change(4, 0), false},
	} {
		if got := IsMessage(test.b); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	integrity, fingerprint := make([]byte, integritySize), make([]byte, fingerprintSize)
	cut := rawRequest().attr(AttrPriority, 1, 2, 3, 4)
	binary.BigEndian.PutUint16(cut[HeaderSize+2:], 5)
	huge := rawRequest().attr(AttrPriority, 1, 2, 3, 4)
	binary.BigEndian.PutUint16(huge[HeaderSize+2:], 0xffff)
	for name, b := range map[string][]byte{
		"not STUN": []byte("\x80\x60 this is RTP or so"),
		// "the last 2 bits of this field are always zero" (RFC 8489 section 5).
		"length that is not a multiple of 4": append(rawRequest(), 0x80, 0x22, 0).fixed(),
		"half an attribute header":           append(rawRequest(), 0x80, 0x22).fixed(),
		"value beyond the end":               cut,
		"value far beyond the end":           huge,
		"short MESSAGE-INTEGRITY":            rawRequest().attr(AttrMessageIntegrity, integrity[1:]...),
		"long MESSAGE-INTEGRITY":             rawRequest().attr(AttrMessageIntegrity, append(integrity, 0)...),
		"short FINGERPRINT":                  rawRequest().attr(AttrFingerprint, fingerprint[1:]...),
		"long FINGERPRINT":                   rawRequest().attr(AttrFingerprint, append(fingerprint, 0)...),
		// "the FINGERPRINT attribute MUST be the last attribute in the message" (RFC 8489 section 14.7).
		"attribute behind FINGERPRINT": rawRequest().attr(AttrFingerprint, fingerprint...).attr(AttrUseCandidate),
		"second FINGERPRINT":           rawRequest().attr(AttrFingerprint, fingerprint...).attr(AttrFingerprint, fingerprint...),
	} {
		if new(Message).Parse(b) {
			t.Errorf("parsed: %s", name)
		}
	}
}

// A datagram cannot be longer than 65,507 bytes; offsets are 16 bits wide.
func TestParseRefusesWhatOffsetsCannotReach(t *testing.T) {
	b := rawRequest()
	for len(b) < 0xffff {
		b = b.attr(AttrSoftware, make([]byte, 252)...)
	}
	b = b[:HeaderSize+0xfffc]
	if !IsMessage(b.fixed()) || new(Message).Parse(b) {
		t.Error("parsed a message longer than any datagram")
	}
}

// "Any attribute type MAY appear more than once in a STUN message. Unless specified otherwise, the
// order of appearance is significant: only the first occurrence needs to be processed by a receiver"
// (RFC 8489 section 14).
func TestFirstAttributeWins(t *testing.T) {
	m := mustParse(t, rawRequest().
		attr(AttrUsername, []byte("a:b")...).
		attr(AttrPriority, 0, 0, 0, 1).
		attr(AttrUsername, []byte("c:d")...).
		attr(AttrPriority, 0, 0, 0, 2))
	if got := string(m.Value(AttrUsername)); got != "a:b" {
		t.Errorf("USERNAME %q", got)
	}
	if got, _ := m.Priority(); got != 1 {
		t.Errorf("PRIORITY %d", got)
	}
}

// "With the exception of the MESSAGE-INTEGRITY-SHA256 and FINGERPRINT attributes [...], agents MUST
// ignore all other attributes that follow MESSAGE-INTEGRITY" (RFC 8489 section 14.5), and but for
// FINGERPRINT all that follow MESSAGE-INTEGRITY-SHA256 (section 14.6). Else anybody on the way could
// add a USE-CANDIDATE.
func TestNothingCountsBehindIntegrity(t *testing.T) {
	seal, other := make([]byte, integritySize), bytes.Repeat([]byte{1}, integritySize)
	for _, test := range []struct {
		name   string
		b      raw
		wantMI bool
		want   bool // of SHA256
	}{
		{"MESSAGE-INTEGRITY", rawRequest().attr(AttrMessageIntegrity, seal...), true, false},
		{"MESSAGE-INTEGRITY-SHA256", rawRequest().attr(AttrMessageIntegritySHA256, make([]byte, 32)...), false, true},
		{"both", rawRequest().attr(AttrMessageIntegrity, seal...).attr(AttrMessageIntegritySHA256, make([]byte, 32)...), true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := mustParse(t, test.b.
				attr(AttrUseCandidate).
				attr(AttrUsername, []byte("a:b")...).
				attr(0x7777, 1).
				attr(AttrMessageIntegrity, other...).
				attr(AttrFingerprint, 1, 2, 3, 4))
			if m.UseCandidate() || m.Has(AttrUsername) || len(m.Unknown()) != 0 {
				t.Error("an attribute without protection counts")
			}
			if m.Has(AttrMessageIntegrity) != test.wantMI || m.Has(AttrMessageIntegritySHA256) != test.want {
				t.Error("the attributes that protect are not those that were there")
			}
			if test.wantMI && !bytes.Equal(m.Value(AttrMessageIntegrity), seal) {
				t.Error("the second MESSAGE-INTEGRITY counts")
			}
			if !m.Has(AttrFingerprint) {
				t.Error("FINGERPRINT does not count")
			}
		})
	}
}

// RFC 8489 section 5: "Comprehension-required attributes are [...] 0x0000 to 0x7FFF".
func TestUnknownAttributes(t *testing.T) {
	m := mustParse(t, rawRequest().attr(0x0002, 1).attr(0x8001, 1).attr(AttrPriority, 1, 2, 3, 4).attr(0x7fff).attr(0xffff))
	if want := []AttributeType{0x0002, 0x7fff}; !slices.Equal(m.Unknown(), want) {
		t.Errorf("unknown %v, want %v", m.Unknown(), want)
	}
	if m.Has(0x0002) || m.Value(0x7fff) != nil {
		t.Error("an unknown attribute has a value")
	}
	b := rawRequest()
	for i := range AttributeType(20) {
		b = b.attr(0x4000 + i)
	}
	m = mustParse(t, b)
	if got := m.Unknown(); len(got) != maxUnknown || got[maxUnknown-1] != 0x4000+maxUnknown-1 {
		t.Errorf("of twenty unknown attributes %v are remembered", got)
	}
}

func TestEveryKnownAttributeHasASlotOfItsOwn(t *testing.T) {
	seen := map[slot]AttributeType{}
	for i := range 1 << 16 {
		a := AttributeType(i)
		s := slotOf(a)
		if other, ok := seen[s]; ok && s != slotNone {
			t.Errorf("%#04x and %#04x share slot %d", uint16(a), uint16(other), s)
		}
		seen[s] = a
	}
	if len(seen) != int(numSlots) {
		t.Errorf("%d slots are used, %d exist", len(seen), numSlots)
	}
}

func TestValuesOfOtherSizeAreAbsent(t *testing.T) {
	m := mustParse(t, rawRequest().
		attr(AttrPriority, 1, 2, 3).
		attr(AttrNomination, 1, 2, 3, 4, 5).
		attr(AttrNominationOld, 0, 0, 0, 7).
		attr(AttrICEControlling, 1, 2, 3, 4))
	if _, ok := m.Priority(); ok {
		t.Error("PRIORITY of three bytes")
	}
	if n, ok := m.Nomination(); n != 7 || !ok {
		t.Errorf("nomination %d, %v: want the old attribute's 7, the other is malformed", n, ok)
	}
	if _, ok := m.Uint64(AttrICEControlling); ok {
		t.Error("ICE-CONTROLLING of four bytes")
	}
}

func TestNomination(t *testing.T) {
	for _, test := range []struct {
		name string
		b    raw
		want uint32
		ok   bool
	}{
		{"registered", rawRequest().attr(AttrNomination, 0, 0, 1, 0), 256, true},
		{"old", rawRequest().attr(AttrNominationOld, 0, 0, 0, 9), 9, true},
		{"zero", rawRequest().attr(AttrNomination, 0, 0, 0, 0), 0, true},
		{"both", rawRequest().attr(AttrNominationOld, 0, 0, 0, 9).attr(AttrNomination, 0, 0, 0, 8), 8, true},
		{"none", rawRequest().attr(AttrUseCandidate), 0, false},
	} {
		if got, ok := mustParse(t, test.b).Nomination(); got != test.want || ok != test.ok {
			t.Errorf("%s: %d, %v, want %d, %v", test.name, got, ok, test.want, test.ok)
		}
	}
}

func TestLocalUsername(t *testing.T) {
	for _, test := range []struct{ username, want string }{
		{"local:remote", "local"},
		{"local:", "local"},
		{"a:b:c", "a"},
		{":remote", ""},
		{"local", ""},
		{"", ""},
	} {
		m := mustParse(t, rawRequest().attr(AttrUsername, []byte(test.username)...))
		if got := string(m.LocalUsername()); got != test.want {
			t.Errorf("%q: %q, want %q", test.username, got, test.want)
		}
	}
	if mustParse(t, rawRequest()).LocalUsername() != nil {
		t.Error("a message without USERNAME has one")
	}
}

func TestXORAddressRefuses(t *testing.T) {
	for name, value := range map[string][]byte{
		"absent":              nil,
		"no family":           {0, 0, 1, 2, 3, 4, 5, 6},
		"short IPv4":          {0, 1, 1, 2, 3, 4, 5},
		"IPv6 of IPv4's size": {0, 2, 1, 2, 3, 4, 5, 6},
		"IPv4 of IPv6's size": append([]byte{0, 1}, make([]byte, 18)...),
		"three bytes":         {0, 1, 1},
	} {
		b := rawRequest()
		if value != nil {
			b = b.attr(AttrXORMappedAddress, value...)
		}
		if a, ok := mustParse(t, b).XORAddress(AttrXORMappedAddress); ok || a != (netip.AddrPort{}) {
			t.Errorf("%s: %v", name, a)
		}
	}
}

// RFC 8489 section 14.8: "The Class [...] value MUST be between 3 and 6. The Number [...] value MUST
// be between 0 and 99."
func TestErrorCode(t *testing.T) {
	for _, test := range []struct {
		name   string
		value  []byte
		code   int
		reason string
		ok     bool
	}{
		{"role conflict", []byte{0, 0, 4, 87, 'R', 'C'}, 487, "RC", true},
		{"no reason", []byte{0, 0, 3, 0}, 300, "", true},
		{"reserved bits", []byte{0xff, 0xff, 0xfe, 99}, 699, "", true},
		{"class 2", []byte{0, 0, 2, 0}, 0, "", false},
		{"class 7", []byte{0, 0, 7, 0}, 0, "", false},
		{"number 100", []byte{0, 0, 4, 100}, 0, "", false},
		{"short", []byte{0, 0, 4}, 0, "", false},
	} {
		m := mustParse(t, rawRequest().attr(AttrErrorCode, test.value...))
		if code, reason, ok := m.ErrorCode(); code != test.code || string(reason) != test.reason || ok != test.ok {
			t.Errorf("%s: %d %q %v, want %d %q %v", test.name, code, reason, ok, test.code, test.reason, test.ok)
		}
	}
}

func TestIntegrityNeedsTheAttribute(t *testing.T) {
	if NewIntegrity(nil).Check(mustParse(t, rawRequest())) {
		t.Error("a message without MESSAGE-INTEGRITY is valid")
	}
}

// Whoever checks a borrowed datagram leaves it as it is.
func TestChecksLeaveTheDatagramAlone(t *testing.T) {
	b := vector(t, rfc5769Request)
	before := bytes.Clone(b)
	m := mustParse(t, b)
	NewIntegrity([]byte(rfc5769Password)).Check(m)
	m.CheckFingerprint()
	if !bytes.Equal(b, before) {
		t.Error("the datagram was changed")
	}
}
