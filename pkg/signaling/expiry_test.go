package signaling

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/room"
)

// watched is an expiry that writes down when it does what.
func watched(notice time.Duration) (*expiry, func() []string) {
	start := time.Now()
	var done []string
	note := func(what string) { done = append(done, time.Since(start).String()+" "+what) }
	e := &expiry{now: time.Now, notice: notice, warn: func(time.Time) { note("warn") }, end: func() { note("end") }}
	return e, func() []string {
		e.mu.Lock()
		defer e.mu.Unlock()
		return slices.Clone(done)
	}
}

func TestExpiry(t *testing.T) {
	for name, tt := range map[string]struct {
		run  func(e *expiry)
		want []string
	}{
		"in time":  {func(e *expiry) { e.set(time.Now().Add(10 * time.Minute)) }, []string{"9m0s warn", "10m0s end"}},
		"soon":     {func(e *expiry) { e.set(time.Now().Add(20 * time.Second)) }, []string{"0s warn", "20s end"}},
		"over":     {func(e *expiry) { e.set(time.Now()) }, []string{"0s end"}},
		"never":    {func(e *expiry) { e.set(time.Time{}) }, nil},
		"stopped":  {func(e *expiry) { e.set(time.Now().Add(time.Minute * 5)); e.stop() }, nil},
		"too late": {func(e *expiry) { e.stop(); e.set(time.Now().Add(time.Minute)) }, nil},
		"renewed": {func(e *expiry) {
			e.set(time.Now().Add(90 * time.Second))
			time.Sleep(time.Minute)
			e.set(time.Now().Add(4 * time.Minute))
		}, []string{"30s warn", "4m0s warn", "5m0s end"}},
		"for good": {func(e *expiry) { e.set(time.Now().Add(90 * time.Second)); time.Sleep(time.Minute); e.set(time.Time{}) }, []string{"30s warn"}},
		"shortened": {func(e *expiry) {
			e.set(time.Now().Add(time.Hour))
			time.Sleep(time.Minute)
			e.set(time.Now().Add(30 * time.Second))
		}, []string{"1m0s warn", "1m30s end"}},
		"twice": {func(e *expiry) { e.set(time.Now()); e.set(time.Now().Add(time.Minute)) }, []string{"0s end"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, done := watched(time.Minute)
				tt.run(e)
				time.Sleep(2 * time.Hour)
				if got := done(); !slices.Equal(got, tt.want) {
					t.Errorf("%v, want %v", got, tt.want)
				}
			})
		})
	}
}

// A token expires by the clock on the wall. That it was set is found out within a minute, whichever way it was.
func TestExpiryWhenTheClockIsSet(t *testing.T) {
	for name, tt := range map[string]struct {
		by   time.Duration
		want []string
	}{
		"forward": {2 * time.Hour, []string{"1m0s end"}},
		"back":    {-time.Hour, []string{"1h59m0s warn", "2h0m0s end"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, done := watched(time.Minute)
				var set time.Duration
				e.now = func() time.Time { return time.Now().Add(set) }
				e.set(time.Now().Add(time.Hour))
				e.mu.Lock()
				set = tt.by
				e.mu.Unlock()
				time.Sleep(5 * time.Hour)
				if got := done(); !slices.Equal(got, tt.want) {
					t.Errorf("%v, want %v", got, tt.want)
				}
			})
		})
	}
}

// clock is one that tests can set forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func TestExpiredSession(t *testing.T) {
	var soon atomic.Int64 // when the short token expires
	w := newWorldWith(t, func(c *Config) {
		c.Verify = func(_ context.Context, token string) (auth.Grant, error) {
			g := allOf("r")
			g.Expires = time.Now().Add(time.Hour)
			if token == "short" { // it is as long as the test needs
				g.Expires = time.Now().Add(time.Second)
				soon.Store(g.Expires.UnixNano())
			}
			return g, nil
		}
	})
	stays := w.joinAs("long", "r", "stays")
	c := w.joinAs("long", "r", "goes")
	if n := c.count("tokenExpires"); n != 0 {
		t.Errorf("%d notices an hour before", n)
	}
	c.must("renewToken", map[string]any{"token": "short"}, nil)
	var notice tokenExpires
	c.next("tokenExpires", &notice)
	at := time.Unix(0, soon.Load())
	if notice.Expires != at.Unix() {
		t.Errorf("tokenExpires says %d, want %d", notice.Expires, at.Unix())
	}
	if code := c.closes(); code != room.CloseTokenExpired || time.Now().Before(at) {
		t.Errorf("closed with %d, %v before its time", code, time.Until(at))
	}
	stays.must("getRouterRtpCapabilities", nil, nil)
	w.eventually("counting it", func() bool { return w.server.Stats().Closed[closedExpired] == 1 })
}

// A token that is renewed in time is as good as a later one, for the same room and peer.
func TestRenewToken(t *testing.T) {
	old := allOf("r")
	old.Expires = time.Now().Add(50 * time.Second)
	lasting, listener, foreign, other := allOf("r"), allOf("r"), allOf("s"), allOf("r")
	lasting.Expires = time.Now().Add(time.Hour)
	listener.Publish = auth.Publish{}
	other.Peer = "other"
	var c clock
	good := tokens{"old": old, "new": lasting, "listener": listener, "foreign": foreign, "other": other}
	w := newSecureWorld(t, good, func(cfg *Config) { cfg.Now = c.now })
	p, lazy := w.joinAs("old", "r", "p"), w.joinAs("old", "r", "lazy")
	producer := p.produce("audio", 1000)
	p.next("tokenExpires", nil)
	p.refused("renewToken", map[string]any{}, 400, "token")
	p.refused("renewToken", map[string]any{"token": 7}, 400, "token")
	p.refused("renewToken", map[string]any{"token": "wrong"}, 401, "proves nothing")
	p.refused("renewToken", map[string]any{"token": "foreign"}, 403, "not for this room")
	p.refused("renewToken", map[string]any{"token": "other"}, 403, "another peer")
	var answer tokenExpires
	p.must("renewToken", map[string]any{"token": "new"}, &answer)
	if answer.Expires != lasting.Expires.Unix() {
		t.Errorf("renewed until %d, want %d", answer.Expires, lasting.Expires.Unix())
	}
	c.ahead.Store(int64(10 * time.Minute))
	p.must("pauseProducer", map[string]any{"producerId": producer}, nil)
	lazy.refused("getRouterRtpCapabilities", nil, 401, "expired")
	lazy.refused("renewToken", map[string]any{"token": "new"}, 401, "expired")
	// A token that allows less takes away what it does not allow.
	p.must("renewToken", map[string]any{"token": "listener"}, &answer)
	if answer.Expires != 0 {
		t.Errorf("a token for ever is good until %d", answer.Expires)
	}
	p.next("producerClosed", nil)
	p.refused("resumeProducer", map[string]any{"producerId": producer}, 403, "canPublish")
}

func TestRenewInOpenMode(t *testing.T) {
	c := newWorld(t).dial("r", "p")
	c.refused("renewToken", map[string]any{"token": "new"}, 403, "asks for no tokens")
}
