package auth

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	refreshEvery = 10 * time.Minute // a key set from a URL is read again
	refreshPause = time.Minute      // at least, between two attempts, whatever tokens ask for
	fetchTimeout = 5 * time.Second
	// patience is how long a token whose key we have waits for a newer set: it may be that the key was withdrawn, and it may be that
	// the source is down.
	patience = time.Second
)

// origin is where a key set comes from.
type origin interface {
	// read returns the text of the set.
	read(ctx context.Context) ([]byte, error)
	// changed tells whether it is worth while to read again, given the times of the last success and the last attempt. asked: a key is
	// missing.
	changed(now, readAt, triedAt time.Time, asked bool) bool
}

// source is a key set that is read again when it changes. When it cannot be, the old keys stay.
type source struct {
	// passed in
	cfg    Config
	origin origin

	mu      sync.Mutex
	set     keySet
	readAt  time.Time
	triedAt time.Time
	flight  *attempt // under way; nil: none is
}

// attempt to read the set.
type attempt struct {
	done  chan struct{} // closed at its end
	asked bool          // by a token whose key we do not have, which may be anybody's: who has a key does not wait for it
}

// newSource reads the set for the first time.
func newSource(ctx context.Context, c Config, now time.Time) (*source, error) {
	o, err := originOf(c.JWKS)
	if err != nil {
		return nil, err
	}
	return openSource(ctx, c, o, now)
}

func openSource(ctx context.Context, c Config, o origin, now time.Time) (*source, error) {
	s := &source{cfg: c, origin: o, triedAt: now}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	set, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	if len(set.keys) == 0 {
		return nil, fmt.Errorf("has no key for %s (%d others)", c.Algorithm, set.ignored)
	}
	s.set, s.readAt = set, now
	return s, nil
}

func (s *source) load(ctx context.Context) (keySet, error) {
	text, err := s.origin.read(ctx)
	if err != nil {
		return keySet{}, err
	}
	return readKeySet(text, s.cfg.Algorithm)
}

// find returns the keys for a token, or why there are none. It may ask the source first.
func (s *source) find(ctx context.Context, kid string, now time.Time) ([]any, error) {
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s.refresh(soon, now, false)
	if keys := s.now().find(kid); keys != nil {
		return keys, nil
	}
	s.refresh(ctx, now, true)
	keys := s.now().find(kid)
	switch {
	case keys != nil:
		return keys, nil
	case kid == "":
		return nil, refuse("the token's kid is missing")
	}
	return nil, refuse("the token's kid is not in the key set")
}

func (s *source) now() keySet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set
}

// refresh reads the set again if that is due, once for all who ask at a time, and waits until ctx ends.
func (s *source) refresh(ctx context.Context, now time.Time, asked bool) {
	s.mu.Lock()
	if s.flight == nil && s.origin.changed(now, s.readAt, s.triedAt, asked) {
		s.flight, s.triedAt = &attempt{make(chan struct{}), asked}, now
		go s.fetch(now, s.flight)
	}
	flight := s.flight
	s.mu.Unlock()
	if flight == nil || flight.asked && !asked {
		return
	}
	select {
	case <-flight.done:
	case <-ctx.Done():
	}
}

// fetch is one attempt. It is on nobody's context: many may wait for it.
func (s *source) fetch(now time.Time, a *attempt) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	set, err := s.load(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		// Even without keys: they were withdrawn.
		s.set, s.readAt = set, now
		s.cfg.Log.Debug("key set read", "keys", len(set.keys), "ignored", set.ignored)
	} else {
		s.cfg.Log.Warn("key set cannot be read; the old keys stay", "error", err)
	}
	s.flight = nil
	close(a.done)
}
