package srtp

import (
	"errors"
	"testing"
)

func TestProfiles(t *testing.T) {
	for _, c := range []struct {
		profile   Profile
		id        uint16
		name      string
		key, salt int
	}{
		{AES128GCM, 0x0007, "AEAD_AES_128_GCM", 16, 12},
		{AES256GCM, 0x0008, "AEAD_AES_256_GCM", 32, 12},
		{AES128CM80, 0x0001, "AES_CM_128_HMAC_SHA1_80", 16, 14},
		{AES128CM32, 0x0002, "AES_CM_128_HMAC_SHA1_32", 16, 14},
	} {
		if uint16(c.profile) != c.id || c.profile.String() != c.name {
			t.Errorf("%v is %#x", c.profile, uint16(c.profile))
		}
		if c.profile.KeyLen() != c.key || c.profile.SaltLen() != c.salt {
			t.Errorf("%v: key %d, salt %d", c.profile, c.profile.KeyLen(), c.profile.SaltLen())
		}
		if p, ok := ParseProfile(c.name); !ok || p != c.profile {
			t.Errorf("ParseProfile(%q) = %v, %v", c.name, p, ok)
		}
	}
	for _, name := range []string{"", "unknown", "AES_CM_256_HMAC_SHA1_80", "aead_aes_128_gcm"} {
		if p, ok := ParseProfile(name); ok {
			t.Errorf("ParseProfile(%q) = %v", name, p)
		}
	}
	if p := Profile(3); p.String() != "unknown" || p.KeyLen() != 0 || p.SaltLen() != 0 {
		t.Errorf("profile 3 is known")
	}
}

func TestNewSessionErrors(t *testing.T) {
	if _, err := NewSession(5, nil, nil, nil, nil); !errors.Is(err, ErrProfile) {
		t.Errorf("unknown profile: %v", err)
	}
	eachProfile(t, func(t *testing.T, profile Profile) {
		names := [4]string{"send key", "send salt", "receive key", "receive salt"}
		for i, name := range names {
			for _, by := range []int{-1, 1} {
				k := newKeyring(profile, 1)
				parts := [4][]byte{k.keyA, k.saltA, k.keyB, k.saltB}
				want := KeyLengthError{Profile: profile, Name: name, Want: len(parts[i]), Got: len(parts[i]) + by}
				parts[i] = make([]byte, want.Got)
				_, err := NewSession(profile, parts[0], parts[1], parts[2], parts[3])
				var got *KeyLengthError
				if !errors.As(err, &got) || *got != want {
					t.Errorf("%s off by %d: %v", name, by, err)
				}
			}
		}
	})
	err := &KeyLengthError{Profile: AES128GCM, Name: "send key", Want: 16, Got: 3}
	if got := err.Error(); got != "srtp: send key of AEAD_AES_128_GCM has 3 bytes, want 16" {
		t.Errorf("message %q", got)
	}
}

func TestReasonNames(t *testing.T) {
	seen := map[string]bool{}
	for r := range NumReasons {
		name := r.String()
		if name == "" || name == "unknown" || seen[name] {
			t.Errorf("reason %d is called %q", r, name)
		}
		seen[name] = true
	}
	if NumReasons.String() != "unknown" {
		t.Error("a reason out of range has a name")
	}
}
