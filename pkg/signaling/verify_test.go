package signaling

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/auth"
)

// SECURITY.md R-WS-1: handshake and auth ≤ 5 s. A key set that does not answer holds nobody up for longer.
func TestVerifyTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{cfg: Config{
			Log: slog.New(slog.DiscardHandler),
			Verify: func(ctx context.Context, _ string) (auth.Grant, error) {
				<-ctx.Done()
				return auth.Grant{}, ctx.Err()
			},
		}}
		start := time.Now()
		if _, err := s.verify(t.Context(), "x"); statusOf(err) != 503 || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// With real tokens: what an application's server signs is what its clients may do.
func TestRealTokens(t *testing.T) {
	secret := []byte(strings.Repeat("k", auth.MinSecret))
	verifier, err := auth.New(t.Context(), auth.Config{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldWith(t, func(c *Config) {
		c.Verify = func(ctx context.Context, token string) (auth.Grant, error) {
			return verifier.Verify(ctx, token, time.Now())
		}
	})
	sign := func(secret []byte, g auth.Grant, lasts time.Duration) string {
		t.Helper()
		g.Expires = time.Now().Add(lasts)
		token, err := auth.Sign(secret, g, time.Now().Add(-2*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	listener := auth.Grant{Room: "r", Peer: "listener", Subscribe: true}
	good := sign(secret, listener, time.Hour)
	body, signature := good[:strings.LastIndexByte(good, '.')], good[strings.LastIndexByte(good, '.')+1:]
	for name, tt := range map[string]struct {
		token  string
		status int
	}{
		"good":            {good, 101},
		"of another room": {sign(secret, auth.Grant{Room: "s", Subscribe: true}, time.Hour), 403},
		"of another peer": {sign(secret, auth.Grant{Room: "r", Peer: "p", Subscribe: true}, time.Hour), 403},
		"expired":         {sign(secret, listener, -time.Hour), 401},
		"another key":     {sign([]byte(strings.Repeat("x", auth.MinSecret)), listener, time.Hour), 401},
		"no signature":    {body + ".", 401},
		"cut":             {good[:len(good)-4], 401},
		"nonsense":        {"nonsense", 401},
		"twice":           {good + "." + signature, 401},
		"long":            {strings.Repeat("a", 9000), 401},
	} {
		status, _, text := w.handshake(url.Values{"roomId": {"r"}, "peerId": {"listener"}, "token": {tt.token}}.Encode(), nil)
		if status != tt.status || tt.token != "" && strings.Contains(text, tt.token) {
			t.Errorf("%s: %d %s, want %d", name, status, text, tt.status)
		}
	}
	c := w.connect(url.Values{"roomId": {"r"}, "peerId": {"listener"}, "token": {good}}.Encode())
	c.refused("createWebRtcTransport", object("producing", true), 403, "canPublish")
	recv := c.transport(object("consuming", true))
	var caps json.RawMessage
	c.must("getRouterRtpCapabilities", nil, &caps)
	c.must("join", object("displayName", "listener", "rtpCapabilities", caps), nil)
	c.refused("produce", object("transportId", recv, "kind", "audio"), 403, "canPublish")
	from := w.joinAs(sign(secret, allOf("r"), time.Hour), "r", "from")
	from.produce("audio", 1000)
	c.next("newConsumer", nil)
}
