package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func ecdsaKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// web is a web server's part of an origin: what it answers is set by tests.
type web struct {
	keyURL // its changed

	mu    sync.Mutex
	set   string
	err   error
	hold  chan struct{} // not answered before it is closed; nil: at once
	reads int
}

func (w *web) read(ctx context.Context) ([]byte, error) {
	w.mu.Lock()
	w.reads++
	hold := w.hold
	w.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return []byte(w.set), w.err
}

func (w *web) answer(set string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set, w.err = set, err
}

func (w *web) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reads
}

// withOrigin is a verifier whose key set comes from a web server of the test's.
func withOrigin(t testing.TB, algorithm, set string) (*Verifier, *web) {
	t.Helper()
	c, err := Config{JWKS: "https://issuer.example/keys", Algorithm: algorithm}.complete()
	if err != nil {
		t.Fatal(err)
	}
	w := &web{set: set}
	s, err := openSource(t.Context(), c, w, now)
	if err != nil {
		t.Fatal(err)
	}
	return &Verifier{cfg: c, keys: s}, w
}

// A new key is found by the first token that is signed with it, and asked for once a minute at most.
func TestUnknownKey(t *testing.T) {
	old, young := testKeys()[ES256], ecdsaKey(t)
	v, w := withOrigin(t, ES256, jwks(jwk(old, "old", "")))
	claims := `{"exp":1777650000}`
	verify := func(kid string, key *ecdsa.PrivateKey, after time.Duration) error {
		_, err := v.Verify(t.Context(), signed(t, ES256, kid, key, claims), now.Add(after))
		return err
	}
	for range 3 {
		if err := verify("young", young, time.Second); err == nil || w.count() != 1 {
			t.Fatalf("%v after %d reads", err, w.count())
		}
	}
	w.answer(jwks(jwk(old, "old", ""), jwk(young, "young", "")), nil)
	if err := verify("young", young, refreshPause-1); err == nil || w.count() != 1 {
		t.Errorf("%v after %d reads", err, w.count())
	}
	if err := verify("young", young, refreshPause); err != nil || w.count() != 2 {
		t.Errorf("%v after %d reads", err, w.count())
	}
	// Keys that were never there cost the source nothing more, and the others nothing at all.
	for i := range 10 {
		if err := verify("never", young, refreshPause+time.Duration(i)*time.Second); err == nil || w.count() != 2 {
			t.Errorf("%v after %d reads", err, w.count())
		}
	}
	if err := verify("old", old.(*ecdsa.PrivateKey), refreshPause); err != nil {
		t.Error(err)
	}
}

// A key that was withdrawn is not accepted after the set was read again, even if none is left.
func TestWithdrawnKey(t *testing.T) {
	key := testKeys()[ES256]
	v, w := withOrigin(t, ES256, jwks(jwk(key, "k", "")))
	token := signed(t, ES256, "k", key, `{"exp":1777650000}`)
	w.answer(jwks(), nil)
	if _, err := v.Verify(t.Context(), token, now.Add(refreshEvery-1)); err != nil || w.count() != 1 {
		t.Errorf("%v after %d reads", err, w.count())
	}
	if _, err := v.Verify(t.Context(), token, now.Add(refreshEvery)); err == nil || w.count() != 2 {
		t.Errorf("%v after %d reads", err, w.count())
	}
}

// While the source is down, or answers nonsense, the old keys stay, and it is asked again a minute later.
func TestSourceDown(t *testing.T) {
	key := testKeys()[ES256]
	var log bytes.Buffer
	v, w := withOrigin(t, ES256, jwks(jwk(key, "k", "")))
	v.keys.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	token := signed(t, ES256, "k", key, `{"exp":1777650000}`)
	for i, tt := range []struct {
		after time.Duration
		set   string
		err   error
	}{
		{refreshEvery, "", errors.New("is on fire")},
		{refreshEvery + refreshPause, "<html>", nil},
		{refreshEvery + 2*refreshPause, jwks(`{"kty":"oct","k":"c2VjcmV0"}`), nil},
		{refreshEvery + 3*refreshPause, jwks(jwk(key, "k", "")), nil},
	} {
		w.answer(tt.set, tt.err)
		for range 2 {
			if _, err := v.Verify(t.Context(), token, now.Add(tt.after)); err != nil || w.count() != i+2 {
				t.Errorf("after %v: %v, %d reads", tt.after, err, w.count())
			}
		}
	}
	if n := bytes.Count(log.Bytes(), []byte("the old keys stay")); n != 3 || !bytes.Contains(log.Bytes(), []byte("is on fire")) {
		t.Errorf("%d warnings: %s", n, log.String())
	}
}

// Many tokens at a time ask the source once; those whose key is known do not wait for those whose key is not, and for a source that
// hangs nobody waits long.
func TestSingleFlight(t *testing.T) {
	key, young := testKeys()[ES256], ecdsaKey(t)
	known, unknown := signed(t, ES256, "k", key, `{"exp":1777650000}`), signed(t, ES256, "young", young, `{"exp":1777650000}`)
	synctest.Test(t, func(t *testing.T) {
		v, w := withOrigin(t, ES256, jwks(jwk(key, "k", "")))
		w.hold = make(chan struct{})
		w.answer(jwks(jwk(key, "k", ""), jwk(young, "young", "")), nil)
		var crowd sync.WaitGroup
		for range 20 {
			crowd.Go(func() {
				if _, err := v.Verify(t.Context(), unknown, now.Add(refreshPause)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		if _, err := v.Verify(t.Context(), known, now.Add(refreshPause)); err != nil || time.Since(start) != 0 {
			t.Errorf("a known key: %v after %v", err, time.Since(start))
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := v.Verify(impatient, unknown, now.Add(refreshPause)); err == nil || time.Since(start) != time.Second {
			t.Errorf("who gives up: %v after %v", err, time.Since(start))
		}
		close(w.hold)
		crowd.Wait()
		if w.count() != 2 {
			t.Errorf("%d reads", w.count())
		}
	})
}

func TestSourceHangs(t *testing.T) {
	key := testKeys()[ES256]
	token := signed(t, ES256, "k", key, `{"exp":1777650000}`)
	synctest.Test(t, func(t *testing.T) {
		v, w := withOrigin(t, ES256, jwks(jwk(key, "k", "")))
		w.hold = make(chan struct{})
		start := time.Now()
		if _, err := v.Verify(t.Context(), token, now.Add(refreshEvery)); err != nil || time.Since(start) != patience {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		unknown := signed(t, ES256, "x", key, `{"exp":1777650000}`)
		if _, err := v.Verify(t.Context(), unknown, now.Add(refreshEvery)); err == nil || time.Since(start) != fetchTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if w.count() != 2 {
			t.Errorf("%d reads", w.count())
		}
	})
}
