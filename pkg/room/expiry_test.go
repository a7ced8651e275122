package room

import (
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// A broadcaster, which nobody's connection ends, ends with the last grant that was shown for it.
func TestBroadcasterExpiry(t *testing.T) {
	until := func(d time.Duration, peer string, rights ...string) auth.Grant {
		g := grantOf("r", peer, rights...)
		if d != 0 {
			g.Expires = time.Now().Add(d)
		}
		return g
	}
	for name, tt := range map[string]struct {
		made  time.Duration // how long the first grant lasts; 0: for ever
		shown func() auth.Grant
		ends  time.Duration // 0: never
	}{
		"by itself":             {time.Minute, nil, time.Minute},
		"never":                 {0, nil, 0},
		"renewed":               {time.Minute, func() auth.Grant { return until(time.Hour, "x", "audio") }, time.Hour},
		"renewed for ever":      {time.Minute, func() auth.Grant { return until(0, "x", "audio") }, 0},
		"a shorter one":         {time.Hour, func() auth.Grant { return until(time.Minute, "x", "audio") }, time.Hour},
		"shorter than for ever": {0, func() auth.Grant { return until(time.Minute, "x", "audio") }, 0},
		"an administrator's":    {time.Minute, func() auth.Grant { return until(time.Hour, "boss", "admin") }, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, clients := bare(t, "a")
				start := time.Now()
				_, err := r.CreateBroadcaster(until(tt.made, "x", "audio"), CreateBroadcaster{ID: "x", DisplayName: "X", Device: &BroadcasterDevice{Name: "go"}})
				if err != nil {
					t.Fatal(err)
				}
				if tt.shown != nil {
					time.Sleep(time.Second)
					shown := tt.shown()
					shown.Expires = shiftBack(shown.Expires)
					if _, err := r.Broadcaster(shown, "x"); err != nil {
						t.Fatal(err)
					}
				}
				clients["a"].take()
				ended := time.Duration(0)
				for range 3 * 60 * 60 {
					time.Sleep(time.Second)
					synctest.Wait()
					if len(r.Info().Broadcasters) == 0 {
						ended = time.Since(start)
						break
					}
				}
				if ended != tt.ends {
					t.Errorf("ended after %v, want %v", ended, tt.ends)
				}
				if told := clients["a"].take(); (told == `peerClosed{"peerId":"x"}`) != (tt.ends != 0) {
					t.Errorf("told %q", told)
				}
				if err := r.DeleteBroadcaster(auth.Everything(), "x"); (code(err) == proto.CodeNotFound) != (tt.ends != 0) {
					t.Errorf("deleted: %v", err)
				}
			})
		})
	}
}

// shiftBack takes off the second that passed before a grant was shown.
func shiftBack(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.Add(-time.Second)
}

// With its room, or deleted, its timer ends.
func TestExpiryOfOneWhoIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, end := range []func(*Room){
			func(r *Room) { _ = r.DeleteBroadcaster(auth.Everything(), "x") },
			func(r *Room) { r.dismiss(CloseRestart, "") },
		} {
			r, clients := bare(t, "a")
			g := grantOf("r", "x", "audio")
			g.Expires = time.Now().Add(time.Minute)
			if _, err := r.CreateBroadcaster(g, CreateBroadcaster{ID: "x", DisplayName: "X", Device: &BroadcasterDevice{Name: "go"}}); err != nil {
				t.Fatal(err)
			}
			r.mu.Lock()
			x := r.broadcasters["x"]
			r.mu.Unlock()
			end(r)
			clients["a"].take()
			if x.expiry.Stop() {
				t.Error("the timer runs on")
			}
			x.expired() // it was under way
			if told := clients["a"].take(); told != "" {
				t.Errorf("told %s", told)
			}
		}
	})
}
