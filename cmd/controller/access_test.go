package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gazpacho/pkg/auth"
)

const goodSecret = "0123456789abcdef0123456789abcdef"

func secretFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return file
}

// The secret is the text of its file without the newline that editors add, and nothing less.
func TestSecretFile(t *testing.T) {
	for text, want := range map[string]string{
		goodSecret: goodSecret, goodSecret + "\n": goodSecret, goodSecret + "\r\n": goodSecret, goodSecret + "\n\n": goodSecret + "\n", " " + goodSecret + " ": " " + goodSecret + " ",
	} {
		cfg := testConfig(t)
		cfg.AuthSecretFile = secretFile(t, text, 0o600)
		s, err := cfg.check()
		if err != nil || string(s.auth.Secret) != want || s.open() || len(s.warnings) != 0 {
			t.Errorf("%q: %q, %v, %v", text, s.auth.Secret, err, s.warnings)
		}
	}
	for text, want := range map[string]string{
		"": "is empty; `openssl", "\n": "is empty; `openssl", goodSecret[1:] + "\n": "31 bytes are too few", strings.Repeat("x", maxSecretFile+1): "more than 65536 bytes",
	} {
		cfg := testConfig(t)
		cfg.AuthSecretFile = secretFile(t, text, 0o600)
		if _, err := cfg.check(); err == nil || !strings.HasPrefix(err.Error(), "--auth-secret-file: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	cfg := testConfig(t)
	cfg.AuthSecretFile = t.TempDir()
	if _, err := cfg.check(); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("%v", err)
	}
	cfg.AuthSecretFile = secretFile(t, goodSecret, 0o644)
	if s, err := cfg.check(); err != nil || len(s.warnings) != 1 || !strings.Contains(s.warnings[0], "chmod 600") {
		t.Errorf("%v, %v", s.warnings, err)
	}
}

// RFC 7518 section 3.2: "A key of the same size as the hash output (for instance, 256 bits for "HS256") or larger MUST be used with
// this algorithm."
func TestSecretSize(t *testing.T) {
	for n, ok := range map[int]bool{1: false, 31: false, 32: true, 44: true, 1000: true} {
		cfg := testConfig(t)
		cfg.AuthSecret = strings.Repeat("x", n)
		_, err := cfg.check()
		if (err == nil) != ok {
			t.Errorf("%d bytes: %v", n, err)
		}
		if err != nil && (strings.Contains(err.Error(), "x"+strings.Repeat("x", n)) || !strings.Contains(err.Error(), "openssl rand -base64 32")) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestAlgorithms(t *testing.T) {
	for _, tt := range []struct{ secret, jwks, algorithm, want string }{
		{goodSecret, "", "", auth.HS256},
		{goodSecret, "", "HS256", auth.HS256},
		{goodSecret, "", "ES256", ""},
		{goodSecret, "", "none", ""},
		{goodSecret, "", "hs256", ""},
		{"", "keys.json", "", auth.ES256},
		{"", "keys.json", "RS256", auth.RS256},
		{"", "keys.json", "EdDSA", auth.EdDSA},
		{"", "keys.json", "HS256", ""},
		{"", "keys.json", "none", ""},
	} {
		cfg := testConfig(t)
		cfg.AuthSecret, cfg.AuthJWKS, cfg.AuthAlgorithm = tt.secret, tt.jwks, tt.algorithm
		s, err := cfg.check()
		if tt.want == "" {
			if err == nil || !strings.HasPrefix(err.Error(), "--auth-algorithm: ") {
				t.Errorf("%+v: %v", tt, err)
			}
		} else if err != nil || s.auth.Algorithm != tt.want {
			t.Errorf("%+v: %s, %v", tt, s.auth.Algorithm, err)
		}
	}
}

// Who says how tokens are checked believes that they are.
func TestHalfOfAuth(t *testing.T) {
	for _, set := range []func(*config){
		func(c *config) { c.AuthAlgorithm = "HS256" }, func(c *config) { c.AuthIssuer = "x" }, func(c *config) { c.AuthAudience = "x" },
	} {
		cfg := testConfig(t)
		set(&cfg)
		if _, err := cfg.check(); err == nil || !strings.Contains(err.Error(), "says how tokens are checked, but none are") {
			t.Errorf("%v", err)
		}
	}
}

// A secret on the command line works, and is worth a warning that names better places; there it is worth none.
func TestSecretOnCommandLine(t *testing.T) {
	s, err := configured(t, nil, "--auth-secret", goodSecret).check()
	if err != nil || len(s.warnings) != 1 {
		t.Fatalf("%v, %v", s.warnings, err)
	}
	for _, want := range []string{"--auth-secret: ", "GAZPACHO_AUTH_SECRET", "auth-secret-file"} {
		if !strings.Contains(s.warnings[0], want) {
			t.Errorf("no %s in %s", want, s.warnings[0])
		}
	}
	if s, err = configured(t, []string{"GAZPACHO_AUTH_SECRET=" + goodSecret}).check(); err != nil || len(s.warnings) != 0 {
		t.Errorf("%v, %v", s.warnings, err)
	}
	if s, err = configured(t, nil, "--auth-secret-file", secretFile(t, goodSecret, 0o600)).check(); err != nil || len(s.warnings) != 0 {
		t.Errorf("%v, %v", s.warnings, err)
	}
}

// A key set's URL is printed and logged.
func TestPasswordInURL(t *testing.T) {
	cfg := testConfig(t)
	cfg.AuthJWKS = "https://user:hunter2@keys.example/jwks.json"
	if _, err := cfg.check(); err == nil || !strings.HasPrefix(err.Error(), "--auth-jwks: ") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestProxies(t *testing.T) {
	cfg := testConfig(t)
	cfg.TrustedProxies = []string{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1"}
	s, err := cfg.check()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range s.proxies {
		got = append(got, p.String())
	}
	if text := strings.Join(got, " "); text != "10.0.0.0/8 192.0.2.1/32 2001:db8::/32 ::1/128" {
		t.Error(text)
	}
	for _, bad := range []string{"proxy", "10.0.0.1/8", "10.0.0.0/33", "::/0", "fe80::1%eth0", "10.0.0.0/"} {
		cfg.TrustedProxies = []string{bad}
		if _, err := cfg.check(); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestOrigins(t *testing.T) {
	for origin, ok := range map[string]bool{
		"*": true, "https://app.example": true, "http://localhost:3000": true, "app.example": true, "app.example:8443": true, "https://[::1]:1": true,
		"https://app.example/": false, "https://app.example/x": false, "https://*.example": false, "https://": false, "https://u@a.example": false, "a b": false, "https://a?x": false,
		"://a": false,
	} {
		cfg := testConfig(t)
		cfg.AllowedOrigins = []string{"https://first.example", origin}
		if _, err := cfg.check(); (err == nil) != ok {
			t.Errorf("%s: %v", origin, err)
		}
	}
}
