package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, []byte(jwks(jwk(testKeys()[ES256], "k", ""))), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		c         Config
		setting   string // at fault; "": none
		algorithm string
	}{
		{Config{Secret: secret}, "", HS256},
		{Config{Secret: secret, Algorithm: HS256}, "", HS256},
		{Config{JWKS: file}, "", ES256},
		{Config{JWKS: file, Algorithm: ES256}, "", ES256},
		{Config{}, "auth-secret", ""},
		{Config{Secret: secret[:31]}, "auth-secret", ""},
		{Config{Secret: secret, JWKS: file}, "auth-jwks", ""},
		{Config{Secret: secret, Algorithm: RS256}, "auth-algorithm", ""},
		{Config{Secret: secret, Algorithm: "none"}, "auth-algorithm", ""},
		{Config{Secret: secret, Algorithm: "hs256"}, "auth-algorithm", ""},
		{Config{JWKS: file, Algorithm: HS256}, "auth-algorithm", ""},
		{Config{JWKS: file, Algorithm: "HS512"}, "auth-algorithm", ""},
		{Config{Secret: secret, Leeway: -1}, "auth-leeway", ""},
		{Config{JWKS: file, Algorithm: RS256}, "auth-jwks", ""}, // no such key in it
		{Config{JWKS: file + ".not"}, "auth-jwks", ""},
		{Config{JWKS: filepath.Dir(file)}, "auth-jwks", ""},
		{Config{JWKS: "http://issuer.example/keys"}, "auth-jwks", ""},
		{Config{JWKS: "ftp://issuer.example/keys"}, "auth-jwks", ""},
		{Config{JWKS: "https://"}, "auth-jwks", ""},
		{Config{JWKS: "https://%zz"}, "auth-jwks", ""},
	} {
		// What is wrong with the sources themselves only reading them shows.
		if err := tt.c.Check(); err != nil && tt.setting == "" || err == nil && tt.setting != "" && tt.setting != "auth-jwks" {
			t.Errorf("%v: checked: %v", tt.c, err)
		}
		v, err := New(t.Context(), tt.c)
		var e *ConfigError
		switch {
		case tt.setting == "" && (err != nil || v.Algorithm() != tt.algorithm):
			t.Errorf("%v: %v", tt.c, err)
		case tt.setting != "" && (!errors.As(err, &e) || e.Setting != tt.setting || errors.Unwrap(e) == nil):
			t.Errorf("%v: %v, want one of %s", tt.c, err, tt.setting)
		}
	}
}

// The secret appears in nothing that is printed, logged or written as JSON, and in no error.
func TestSecretIsHidden(t *testing.T) {
	hidden := []byte("tell-nobody-tell-nobody-tell-nobody-")
	c := Config{Secret: hidden}
	v, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, x := range []any{c, &c, v, *v, struct{ C Config }{c}, struct{ v *Verifier }{v}, struct{ v Verifier }{*v}, map[string]any{"c": c, "v": v}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			fmt.Fprintf(&out, verb+"\n", x)
		}
		if text, err := json.Marshal(x); err == nil {
			out.Write(text)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "x", x)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "x", x)
	}
	_, err = v.Verify(t.Context(), said(`{}`), now)
	fmt.Fprintln(&out, err)
	for _, short := range []Config{{Secret: hidden[:20]}, {Secret: hidden, Algorithm: RS256}, {Secret: hidden, JWKS: "x"}} {
		_, err := New(t.Context(), short)
		fmt.Fprintln(&out, err)
		_, err = short.Sign(Grant{Expires: now}, now)
		fmt.Fprintln(&out, err)
	}
	text := strings.ToLower(out.String())
	for _, leak := range []string{
		string(hidden[:12]), fmt.Sprintf("%x", hidden[:6]), "116 101 108 108", "0x74, 0x65, 0x6c", b64(hidden[:6]),
	} {
		if strings.Contains(text, strings.ToLower(leak)) {
			t.Errorf("%q is in what is shown", leak)
		}
	}
	if !strings.Contains(text, "hidden") {
		t.Error("nothing was shown at all")
	}
}

// What Sign makes, Verify takes.
func TestSign(t *testing.T) {
	c := Config{Secret: secret, Issuer: "me", Audience: "sfu"}
	v := withSecret(t, func(with *Config) { *with = c })
	for _, g := range []Grant{
		{Room: "r"},
		{Room: "r", Peer: "p", Subscribe: true},
		{Room: "r", Publish: Publish{Kinds: []string{"video"}, MaxBitrate: 1_000_000}, PublishData: true},
		{Room: "<r&\u2028>", Publish: Publish{Kinds: []string{"audio", "video"}}},
		{Admin: true},
	} {
		g.Expires = now.Add(time.Minute)
		token, err := c.Sign(g, now)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Verify(t.Context(), token, now)
		g.Expires = g.Expires.Add(DefaultLeeway).Local()
		got.Expires = got.Expires.Local()
		if err != nil || !same(got, g) {
			t.Errorf("%+v, %v; want %+v", got, err, g)
		}
	}
	for name, g := range map[string]Grant{
		"no expiry":           {Room: "r"},
		"expired":             {Room: "r", Expires: now.Add(-time.Minute)},
		"a kind":              {Room: "r", Expires: now.Add(time.Minute), Publish: Publish{Kinds: []string{"smell"}}},
		"a negative bitrate":  {Room: "r", Expires: now.Add(time.Minute), Publish: Publish{Kinds: []string{"audio"}, MaxBitrate: -1}},
		"bitrate of nothing":  {Room: "r", Expires: now.Add(time.Minute), Publish: Publish{MaxBitrate: 1}},
		"a room without end":  {Room: strings.Repeat("r", 300), Expires: now.Add(time.Minute)},
		"a year out of range": {Room: "r", Expires: now.AddDate(9000, 0, 0)},
	} {
		if token, err := Sign(secret, g, now); err == nil || token != "" {
			t.Errorf("%s: signed", name)
		}
	}
	if _, err := (Config{JWKS: "keys.json"}).Sign(Grant{Room: "r", Expires: now.Add(time.Minute)}, now); err == nil {
		t.Error("signed with a key set")
	}
	if _, err := Sign([]byte("short"), Grant{Expires: now.Add(time.Minute)}, now); err == nil {
		t.Error("signed with a short secret")
	}
}
