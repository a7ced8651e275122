package ice

import (
	"bytes"
	"testing"
)

// The owner of many agents finds the one a check is for by its username, once FINGERPRINT says that it
// is STUN (R-ICE-2).
func TestLocalUsername(t *testing.T) {
	w := newWorld(t, 0)
	good := w.build(check{fragment: "somebody", password: "guess"})
	broken := bytes.Clone(good)
	broken[len(broken)-1] ^= 1
	for _, test := range []struct {
		name string
		b    []byte
		want string
	}{
		{"check", good, "somebody"},
		{"wrong fingerprint", broken, ""},
		{"no fingerprint", w.build(check{noFingerprint: true}), ""},
		{"cut", good[:len(good)-4], ""},
		{"not STUN", []byte("\x16\xfe\xfd and so on, a DTLS record"), ""},
		{"empty", nil, ""},
	} {
		got, ok := LocalUsername(test.b)
		if string(got) != test.want || ok != (test.want != "") {
			t.Errorf("%s: %q, %v, want %q", test.name, got, ok, test.want)
		}
		if ok && !IsMessage(test.b) {
			t.Errorf("%s: has a username but is no message", test.name)
		}
	}
	expect(t, "DTLS is STUN", IsMessage([]byte("\x16\xfe\xfd and so on, a DTLS record")), false)
}

func TestLocalUsernameWithoutAllocating(t *testing.T) {
	check := checks(1)[0]
	found := true
	if n := testing.AllocsPerRun(100, func() {
		fragment, ok := LocalUsername(check)
		found = found && ok && len(fragment) == len(testFragment)
	}); n != 0 || !found {
		t.Errorf("%v allocations, found %v", n, found)
	}
}
