package turn

import (
	"bytes"
	"encoding/base64"
	"net/netip"
	"testing"
	"time"
)

func TestNonceIsBoundToClientAndTime(t *testing.T) {
	n := newNonces([]byte("key"), 10*time.Minute)
	for _, f := range []features{0, passwordAlgorithms, passwordAlgorithms | usernameAnonymity} {
		text := bytes.Clone(n.make(epoch, clientAddr, f))
		for name, test := range map[string]struct {
			now    time.Time
			client netip.AddrPort
			want   bool
		}{
			"at once":      {epoch, clientAddr, true},
			"at the end":   {epoch.Add(10*time.Minute - time.Second), clientAddr, true},
			"too late":     {epoch.Add(10 * time.Minute), clientAddr, false},
			"a day later":  {epoch.Add(24 * time.Hour), clientAddr, false},
			"16 bits late": {epoch.Add(65536 * time.Second), clientAddr, false}, // the part of the time that is written is the same again
			"before":       {epoch.Add(-time.Second), clientAddr, false},
			"another port": {epoch, netip.AddrPortFrom(clientAddr.Addr(), 40001), false},
			"another IP":   {epoch, netip.AddrPortFrom(clientAddr.Addr().Next(), 40000), false},
		} {
			got, ok := n.check(test.now, test.client, text)
			if ok != test.want || ok && got != f {
				t.Errorf("%s, features %b: %b, %v", name, f, got, ok)
			}
		}
		for i := range text {
			broken := bytes.Clone(text)
			broken[i] ^= 1
			if _, ok := n.check(epoch, clientAddr, broken); ok {
				t.Errorf("%q holds for %q", broken, text)
			}
		}
		other := newNonces([]byte("another"), 10*time.Minute)
		if _, ok := other.check(epoch, clientAddr, text); ok {
			t.Error("a nonce of another server holds")
		}
	}
	for _, text := range []string{"", "x", "obMatJos2", string(bytes.Repeat([]byte{'='}, 16)), string(bytes.Repeat([]byte{'A'}, 29)), nonceCookie + "====" + "AAAAAAAAAAAAAAAA"} {
		if _, ok := n.check(epoch, clientAddr, []byte(text)); ok {
			t.Errorf("%q holds", text)
		}
	}
}

// "the nonce cookie ... MUST be the string obMatJos2 followed by the base64 encoding of the 24-bit STUN Security Feature set" (RFC 8489 section 9.2). Who takes
// it off, to make a client take the worse algorithm, makes another nonce of it.
func TestNonceCookie(t *testing.T) {
	n := newNonces([]byte("key"), time.Minute)
	text := bytes.Clone(n.make(epoch, clientAddr, passwordAlgorithms))
	if len(text) != longNonceSize || string(text[:9]) != "obMatJos2" {
		t.Fatalf("%q", text)
	}
	set, err := base64.StdEncoding.DecodeString(string(text[9:13]))
	if err != nil || !bytes.Equal(set, []byte{0x80, 0, 0x01}) {
		t.Errorf("features %x, %v", set, err)
	}
	if _, ok := n.check(epoch, clientAddr, text[13:]); ok {
		t.Error("the nonce holds without its cookie")
	}
	stripped := append([]byte("obMatJos2AAAA"), text[13:]...)
	if _, ok := n.check(epoch, clientAddr, stripped); ok {
		t.Error("the nonce holds without its features")
	}
}

func TestNonceAllocatesNothing(t *testing.T) {
	n := newNonces([]byte("key"), time.Minute)
	good := true
	if a := testing.AllocsPerRun(100, func() {
		_, ok := n.check(epoch, clientAddr, n.make(epoch, clientAddr, passwordAlgorithms))
		good = good && ok
	}); a != 0 || !good {
		t.Errorf("%v allocations, %v", a, good)
	}
}
