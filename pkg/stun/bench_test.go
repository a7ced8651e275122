package stun

import (
	"net/netip"
	"testing"
)

// chromeCheck is a check as Chromium sends it.
func chromeCheck(t testing.TB, k *Integrity) []byte {
	t.Helper()
	b := make([]byte, 200)
	w := Build(b, Request, Binding, testID)
	w.AddString(AttrUsername, "k3q5x8f2m1z0w7c4:a1B2")
	w.Add(0xc057, []byte{0, 0, 0, 10}) // GOOG-NETWORK-INFO
	w.AddUint64(AttrICEControlling, 0x0123456789abcdef)
	w.Add(AttrUseCandidate, nil)
	w.AddUint32(AttrPriority, 0x6e001eff)
	w.AddIntegrity(k)
	w.AddFingerprint()
	if w.Finish() == 0 {
		t.Fatal("not built")
	}
	return b[:w.Finish()]
}

func TestNoAllocations(t *testing.T) {
	k := NewIntegrity([]byte(rfc5769Password))
	check := chromeCheck(t, k)
	reply := make([]byte, 200)
	to := netip.MustParseAddrPort("[2001:db8::1]:50000")
	good := true
	if n := testing.AllocsPerRun(100, func() {
		var m Message
		good = good && m.Parse(check) && m.CheckFingerprint() && k.Check(&m) && m.UseCandidate() && len(m.LocalUsername()) == 16
		w := Build(reply, ErrorResponse, Binding, m.TransactionID())
		w.AddXORAddress(AttrXORMappedAddress, to)
		w.AddErrorCode(CodeRoleConflict, "Role Conflict")
		w.AddUnknownAttributes(m.Unknown())
		w.AddIntegrity(k)
		w.AddFingerprint()
		good = good && w.Finish() > 0
	}); n != 0 {
		t.Fatalf("%v allocations per message", n)
	}
	if !good {
		t.Fatal("the check was not read or the answer not built")
	}
}

func BenchmarkIsMessage(b *testing.B) {
	check := chromeCheck(b, NewIntegrity(nil))
	for b.Loop() {
		if !IsMessage(check) {
			b.Fatal("refused")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	check := chromeCheck(b, NewIntegrity(nil))
	b.ReportAllocs()
	for b.Loop() {
		var m Message
		if !m.Parse(check) {
			b.Fatal("refused")
		}
	}
}

func BenchmarkCheckFingerprint(b *testing.B) {
	m := mustParse(b, chromeCheck(b, NewIntegrity(nil)))
	for b.Loop() {
		if !m.CheckFingerprint() {
			b.Fatal("refused")
		}
	}
}

func BenchmarkCheckIntegrity(b *testing.B) {
	k := NewIntegrity([]byte(rfc5769Password))
	m := mustParse(b, chromeCheck(b, k))
	b.ReportAllocs()
	for b.Loop() {
		if !k.Check(m) {
			b.Fatal("refused")
		}
	}
}

func BenchmarkBuildResponse(b *testing.B) {
	k := NewIntegrity([]byte(rfc5769Password))
	reply := make([]byte, 200)
	to := netip.MustParseAddrPort("192.0.2.1:50000")
	b.ReportAllocs()
	for b.Loop() {
		w := Build(reply, SuccessResponse, Binding, testID)
		w.AddXORAddress(AttrXORMappedAddress, to)
		w.AddIntegrity(k)
		w.AddFingerprint()
		if w.Finish() == 0 {
			b.Fatal("not built")
		}
	}
}

func BenchmarkNewIntegrity(b *testing.B) {
	key := []byte(rfc5769Password)
	b.ReportAllocs()
	for b.Loop() {
		NewIntegrity(key)
	}
}
