package auth

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestKeyURL(t *testing.T) {
	key := testKeys()[ES256]
	mux := http.NewServeMux()
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, jwks(jwk(key, "k", ""))) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys", http.StatusFound) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://attacker.example/keys", http.StatusFound)
	})
	mux.HandleFunc("/circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/circle", http.StatusFound) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "broken", http.StatusInternalServerError) })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for path, reason := range map[string]string{
		"/keys": "", "/moved": "", "/away": "not https", "/circle": "one place to the other", "/broken": "500", "/none": "404", "/endless": "bytes",
	} {
		v, err := New(t.Context(), Config{JWKS: server.URL + path})
		if reason != "" {
			if err == nil || !strings.Contains(err.Error(), reason) || !strings.HasPrefix(err.Error(), "auth-jwks: ") {
				t.Errorf("%s: %v, want …%s…", path, err, reason)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if _, err := v.Verify(t.Context(), signed(t, ES256, "k", key, goodClaims), now); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	// A certificate that nobody knows is no https.
	other := httptest.NewUnstartedServer(mux)
	other.Config.ErrorLog = log.New(io.Discard, "", 0)
	other.StartTLS()
	defer other.Close()
	if _, err := New(t.Context(), Config{JWKS: other.URL + "/keys"}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown certificate: %v", err)
	}
	hasty, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(hasty, Config{JWKS: server.URL + "/keys"}); err == nil {
		t.Error("read although nobody waits")
	}
}

func TestTrustworthy(t *testing.T) {
	for where, ok := range map[string]bool{
		"https://issuer.example/keys": true, "http://localhost:80/": true, "http://127.0.0.1/": true, "http://[::1]:8080/": true,
		"http://issuer.example/": false, "http://localhost.attacker.example/": false, "http://127.0.0.1.attacker.example/": false,
		"http://10.0.0.1/": false, "http://[::]/": false, "file:///etc/passwd": false, "https:///keys": false, "HTTPS://issuer.example": true,
	} {
		if o, err := originOf(where); (err == nil) != ok || ok == (o == nil) {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// A file is read again when it was written or replaced, and at no other time.
func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	old, young := testKeys()[ES256].(*ecdsa.PrivateKey), ecdsaKey(t)
	tick := 0
	write := func(text string) {
		t.Helper()
		tick++
		// Beside it and over it, and with a time of its own, as fast as this test is.
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		stamp := now.Add(time.Duration(tick) * time.Second)
		if err := os.Chtimes(path+".new", stamp, stamp); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write(jwks(jwk(old, "old", "")))
	v, err := New(t.Context(), Config{JWKS: path})
	if err != nil {
		t.Fatal(err)
	}
	check := func(step string, oldWorks, youngWorks bool) {
		t.Helper()
		_, oldErr := v.Verify(t.Context(), signed(t, ES256, "old", old, goodClaims), now)
		_, youngErr := v.Verify(t.Context(), signed(t, ES256, "young", young, goodClaims), now)
		if (oldErr == nil) != oldWorks || (youngErr == nil) != youngWorks {
			t.Errorf("%s: old %v, young %v", step, oldErr, youngErr)
		}
	}
	check("at first", true, false)
	write(jwks(jwk(old, "old", ""), jwk(young, "young", "")))
	check("one more", true, true)
	write(jwks(jwk(young, "young", "")))
	check("one less", false, true)
	write("{")
	check("broken", false, true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("gone", false, true)
	write(jwks(jwk(old, "old", "")))
	check("back", true, false)
}
