package stun

import (
	"bytes"
	"net/netip"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, text := range []string{rfc5769Request, rfc5769ResponseIPv4, rfc5769ResponseIPv6, rfc5769LongTerm} {
		f.Add(vector(f, text))
	}
	seal := make([]byte, integritySize)
	f.Add([]byte(rawRequest()))
	f.Add([]byte(rawRequest().attr(AttrUseCandidate).attr(AttrNominationOld, 0, 0, 0, 1).attr(AttrNomination, 0, 0, 0, 2)))
	f.Add([]byte(rawRequest().attr(AttrMessageIntegrity, seal...).attr(AttrUsername, 'x').attr(0x7777).attr(AttrFingerprint, 1, 2, 3, 4)))
	f.Add([]byte(rawRequest().attr(AttrMessageIntegrity, seal...).attr(AttrMessageIntegritySHA256, seal...).attr(AttrMessageIntegritySHA256)))
	f.Add([]byte(rawRequest().attr(AttrErrorCode, 0, 0, 4, 87).attr(AttrUnknownAttributes, 0, 2).attr(AttrPriority, 1)))
	k := NewIntegrity([]byte(rfc5769Password))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		var m Message
		if !m.Parse(b) {
			return
		}
		m.LocalUsername()
		m.Priority()
		m.Nomination()
		m.Uint64(AttrICEControlling)
		m.XORAddress(AttrXORMappedAddress)
		m.ErrorCode()
		k.Check(&m)
		for _, a := range m.Unknown() {
			if !a.Required() || slotOf(a) != slotNone {
				t.Fatalf("%#04x is called unknown", uint16(a))
			}
		}
		comparePion(t, &m, b)
		if !bytes.Equal(b, before) {
			t.Fatal("the datagram was changed")
		}
	})
}

// FuzzBuild writes into a buffer of any size; what Finish accepts can be read back.
func FuzzBuild(f *testing.F) {
	f.Add(uint16(200), []byte{192, 0, 2, 1}, uint16(4443), []byte("reason"), 487)
	f.Add(uint16(20), []byte{}, uint16(0), []byte{}, 300)
	f.Add(uint16(77), bytes.Repeat([]byte{0x20}, 16), uint16(1), []byte("x"), 699)
	k := NewIntegrity([]byte("secret"))
	f.Fuzz(func(t *testing.T, size uint16, ip []byte, port uint16, text []byte, code int) {
		address, ok := netip.AddrFromSlice(ip)
		if !ok || code < 300 || code > 699 {
			return
		}
		want := netip.AddrPortFrom(address.Unmap(), port)
		b := make([]byte, size)
		w := Build(b, ErrorResponse, Binding, testID)
		w.AddXORAddress(AttrXORMappedAddress, want)
		w.AddErrorCode(code, string(text))
		w.Add(AttrSoftware, text)
		w.AddIntegrity(k)
		w.AddFingerprint()
		n := w.Finish()
		if n == 0 {
			return
		}
		m := mustParse(t, b[:n])
		gotAddress, _ := m.XORAddress(AttrXORMappedAddress)
		gotCode, gotReason, _ := m.ErrorCode()
		if gotAddress != want || gotCode != code || !bytes.Equal(gotReason, text) || !bytes.Equal(m.Value(AttrSoftware), text) {
			t.Fatalf("wrote %v %d %q, read %v %d %q", want, code, text, gotAddress, gotCode, gotReason)
		}
		if !k.Check(m) || !m.CheckFingerprint() {
			t.Fatal("the seals are not valid")
		}
	})
}
