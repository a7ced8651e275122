package stun

import (
	"bytes"
	"net"
	"net/netip"
	"testing"

	pion "github.com/pion/stun/v3"
	"pgregory.net/rapid"
)

func drawID(t *rapid.T) (id TransactionID) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "transaction"))
	return id
}

func drawAddress(t *rapid.T) netip.AddrPort {
	size := rapid.SampledFrom([]int{4, 16}).Draw(t, "address size")
	ip, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "address"))
	return netip.AddrPortFrom(ip.Unmap(), rapid.Uint16().Draw(t, "port"))
}

// pion reads what we write.
func TestPionReadsOurs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id, address := drawID(t), drawAddress(t)
		password := rapid.StringN(1, 32, 100).Draw(t, "password")
		reason := rapid.StringN(0, 20, 60).Draw(t, "reason")
		code := rapid.IntRange(300, 699).Draw(t, "code")
		software := rapid.StringN(0, 20, 60).Draw(t, "software")
		unknown := rapid.SliceOfN(rapid.Uint16(), 0, 9).Draw(t, "unknown")

		b := make([]byte, 1500)
		w := Build(b, ErrorResponse, Binding, id)
		w.AddXORAddress(AttrXORMappedAddress, address)
		w.AddErrorCode(code, reason)
		w.AddString(AttrSoftware, software)
		types := make([]AttributeType, len(unknown))
		for i, u := range unknown {
			types[i] = AttributeType(u)
		}
		w.AddUnknownAttributes(types)
		w.AddIntegrity(NewIntegrity([]byte(password)))
		w.AddFingerprint()

		m := &pion.Message{Raw: b[:w.Finish()]}
		var gotAddress pion.XORMappedAddress
		var gotCode pion.ErrorCodeAttribute
		var gotSoftware pion.Software
		var gotUnknown pion.UnknownAttributes
		for _, err := range []error{
			m.Decode(), gotAddress.GetFrom(m), gotCode.GetFrom(m), gotSoftware.GetFrom(m), gotUnknown.GetFrom(m),
			pion.NewShortTermIntegrity(password).Check(m), pion.Fingerprint.Check(m),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if m.Type != pion.BindingError || m.TransactionID != id {
			t.Fatalf("type %v, transaction %x", m.Type, m.TransactionID)
		}
		if ip, _ := netip.AddrFromSlice(gotAddress.IP); ip.Unmap() != address.Addr() || gotAddress.Port != int(address.Port()) {
			t.Fatalf("address %v, want %v", gotAddress, address)
		}
		if int(gotCode.Code) != code || string(gotCode.Reason) != reason || gotSoftware.String() != software {
			t.Fatalf("code %d %q, software %q", gotCode.Code, gotCode.Reason, gotSoftware)
		}
		if len(gotUnknown) != len(unknown) {
			t.Fatalf("unknown %v, want %v", gotUnknown, unknown)
		}
		for i, u := range gotUnknown {
			if uint16(u) != unknown[i] {
				t.Fatalf("unknown %v, want %v", gotUnknown, unknown)
			}
		}
	})
}

// We read what pion writes.
func TestWeReadPions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id, address := drawID(t), drawAddress(t)
		username := rapid.StringN(0, 40, 100).Draw(t, "username")
		password := rapid.StringN(1, 32, 100).Draw(t, "password")
		sealed := rapid.Bool().Draw(t, "fingerprint")
		setters := []pion.Setter{
			pion.NewTransactionIDSetter(id),
			pion.NewType(pion.MethodBinding, pion.MessageClass(rapid.IntRange(0, 3).Draw(t, "class"))),
			pion.NewUsername(username),
			&pion.XORMappedAddress{IP: net.IP(address.Addr().AsSlice()), Port: int(address.Port())},
			pion.NewShortTermIntegrity(password),
		}
		if sealed {
			setters = append(setters, pion.Fingerprint)
		}
		want, err := pion.Build(setters...)
		if err != nil {
			t.Fatal(err)
		}
		var m Message
		if !m.Parse(want.Raw) {
			t.Fatalf("not parsed: %x", want.Raw)
		}
		if int(m.Class) != int(want.Type.Class) || m.Method != Binding || m.TransactionID() != id {
			t.Fatalf("class %d, method %d, transaction %x", m.Class, m.Method, m.TransactionID())
		}
		if got := string(m.Value(AttrUsername)); got != username {
			t.Fatalf("username %q, want %q", got, username)
		}
		if got, ok := m.XORAddress(AttrXORMappedAddress); !ok || got != address {
			t.Fatalf("address %v, want %v", got, address)
		}
		if m.CheckFingerprint() != sealed || !NewIntegrity([]byte(password)).Check(&m) {
			t.Fatal("the seals are not valid")
		}
		if NewIntegrity([]byte(password + "x")).Check(&m) {
			t.Fatal("valid under another password")
		}
	})
}

// comparePion compares what both read of a message that we took. It is the body of the fuzz target.
func comparePion(t *testing.T, m *Message, b []byte) {
	t.Helper()
	if bytes.Contains(b, []byte{0x80, 0x20}) {
		return // pion takes 0x8020 of an old draft for XOR-MAPPED-ADDRESS
	}
	other := &pion.Message{Raw: bytes.Clone(b)}
	if err := other.Decode(); err != nil {
		t.Fatalf("we take what pion refuses: %v", err)
	}
	if int(m.Class) != int(other.Type.Class) || uint16(m.Method) != uint16(other.Type.Method) {
		t.Fatalf("class %d, method %d; pion has %v", m.Class, m.Method, other.Type)
	}
	covered := true
	seen := map[AttributeType]bool{}
	for _, a := range other.Attributes {
		at := AttributeType(a.Type)
		counts := covered || at == AttrFingerprint || at == AttrMessageIntegritySHA256 && !seen[at]
		if counts && !seen[at] && slotOf(at) != slotNone && !bytes.Equal(m.Value(at), a.Value) {
			t.Fatalf("%v: %x, pion has %x", a.Type, m.Value(at), a.Value)
		}
		if !counts && !seen[at] && m.Has(at) {
			t.Fatalf("%v counts though nothing protects it", a.Type)
		}
		seen[at] = seen[at] || counts
		if at == AttrMessageIntegrity || at == AttrMessageIntegritySHA256 {
			covered = false
		}
	}
	for at := range seen {
		if seen[at] && slotOf(at) != slotNone && !m.Has(at) {
			t.Fatalf("%#04x is lost", uint16(at))
		}
	}
	if m.Has(AttrFingerprint) && m.CheckFingerprint() != (pion.Fingerprint.Check(other) == nil) {
		t.Fatal("fingerprint: we and pion disagree")
	}
}
