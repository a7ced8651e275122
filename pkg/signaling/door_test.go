package signaling

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"gazpacho/pkg/auth"
)

func bearer(token string) []string {
	if token == "" {
		return nil
	}
	return []string{"Authorization", "Bearer " + token}
}

// handshake tries to open a WebSocket and returns the status of the answer, its headers and its text.
func (w *world) handshake(query string, header http.Header) (int, http.Header, string) {
	w.t.Helper()
	conn, response, err := websocket.Dial(w.t.Context(), w.address(query), &websocket.DialOptions{
		Subprotocols: []string{"protoo"}, HTTPHeader: header,
	})
	if response == nil {
		w.t.Fatal(err)
	}
	if err == nil {
		conn.CloseNow()
		return response.StatusCode, response.Header, ""
	}
	text := make([]byte, 1024)
	n, _ := response.Body.Read(text)
	return response.StatusCode, response.Header, string(text[:n])
}

// SECURITY.md R-WS-1, R-WS-3: who may not come in is told so before a room hears of it.
func TestTokens(t *testing.T) {
	good := tokens{"r": allOf("r"), "r-p": func() auth.Grant { g := allOf("r"); g.Peer = "p"; return g }(), "any": {Admin: true}, "none": {}}
	w := newSecureWorld(t, good)
	for _, tt := range []struct {
		query  string
		header []string
		status int
		text   string
	}{
		{"roomId=r&peerId=p&token=r", nil, 101, ""},
		{"roomId=r&peerId=p", bearer("r"), 101, ""},
		{"roomId=r&peerId=p", []string{"Authorization", "bearer  r "}, 101, ""},
		{"roomId=r&peerId=p&token=r-p", nil, 101, ""},
		{"roomId=r&peerId=p&token=any", nil, 101, ""},
		{"roomId=r&peerId=p&token=r", []string{"Authorization", "Basic cHJveHk6eA=="}, 101, ""}, // a proxy's
		{"roomId=r&peerId=p", nil, 401, "an access token is needed"},
		{"roomId=r&peerId=p&token=", nil, 401, "an access token is needed"},
		{"roomId=r&peerId=p", []string{"Authorization", "Bearer"}, 401, "an access token is needed"},
		{"roomId=r&peerId=p", []string{"Authorization", "Basic cHJveHk6eA=="}, 401, "an access token is needed"},
		{"roomId=r&peerId=p&token=wrong", nil, 401, "proves nothing"},
		{"roomId=r&peerId=p&token=r", bearer("r"), 401, "not several"},
		{"roomId=r&peerId=p", append(bearer("r"), bearer("r")...), 401, "not several"},
		{"roomId=r&peerId=p&token=r&token=r", nil, 400, "twice (token)"},
		{"roomId=r&peerId=p&token=r&roomId=s", nil, 400, "twice (roomId)"},
		{"roomId=r&peerId=p&peerId=q&token=r", nil, 400, "twice (peerId)"},
		{"roomId=r;peerId=p&token=r", nil, 400, "malformed"},
		{"roomId=s&peerId=p&token=r", nil, 403, "not for this room"},
		{"roomId=r&peerId=q&token=r-p", nil, 403, "another peer id"},
		{"roomId=r&peerId=p&token=none", nil, 403, "not for this room"},
		{"peerId=p&token=r", nil, 400, "roomId"},
		{"peerId=p", nil, 401, "token"}, // who it is comes before what it wants
	} {
		header := http.Header{}
		for i := 0; i < len(tt.header); i += 2 {
			header.Add(tt.header[i], tt.header[i+1])
		}
		status, answer, text := w.handshake(tt.query, header)
		if status != tt.status || !strings.Contains(text, tt.text) {
			t.Errorf("%s %q: %d %s, want %d %s", tt.query, tt.header, status, text, tt.status, tt.text)
		}
		if status == 101 {
			continue
		}
		if answer.Get("Cache-Control") != "no-store" || answer.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", tt.query, answer)
		}
		// RFC 7235 section 3.1: "The server generating a 401 response MUST send a WWW-Authenticate header field".
		if asked := answer.Get("WWW-Authenticate"); (asked != "") != (status == 401) || status == 401 &&
			strings.Contains(asked, "invalid_token") == strings.Contains(text, "is needed:") {
			t.Errorf("%s: %s, but WWW-Authenticate: %s", tt.query, text, asked)
		}
	}
	want := map[string]uint64{refusedToken: 8, refusedForbidden: 3, refusedRequest: 5}
	if got := w.server.Stats().Refused; !maps.Equal(got, want) {
		t.Errorf("refused %v, want %v", got, want)
	}
	if got := w.rooms.Stats(); got.RoomsOpened > 6 || got.Refusals["forbidden"] != 0 {
		t.Errorf("the rooms heard of it: %+v", got)
	}
}

// What keeps a token from being looked at is no reason to let anybody in, and none to tell them.
func TestBrokenVerifier(t *testing.T) {
	w := newWorldWith(t, func(c *Config) {
		c.Verify = func(_ context.Context, token string) (auth.Grant, error) {
			return auth.Everything(), errors.New("key set of " + token + " is not there")
		}
	})
	status, _, text := w.handshake("roomId=r&peerId=p&token=secret", nil)
	if status != 503 || !strings.Contains(text, "cannot be verified now") || strings.Contains(text, "secret") {
		t.Errorf("%d %s", status, text)
	}
	if got := w.server.Stats().Refused; !maps.Equal(got, map[string]uint64{refusedVerification: 1}) {
		t.Errorf("refused %v", got)
	}
}

func TestOrigins(t *testing.T) {
	list := []string{"https://app.example", "http://dev.example:3000/", "other.example", "local.example:8080", "HTTPS://UPPER.example:443"}
	for origin, want := range map[string]bool{
		"":                                 true, // no browser
		"https://sfu.example":              true,
		"https://SFU.example":              true,
		"https://sfu.example:4443":         true,
		"http://sfu.example:3000":          true,
		"https://app.example":              true,
		"https://app.example:443":          true,
		"https://app.example:444":          false,
		"http://app.example":               false,
		"http://dev.example:3000":          true,
		"http://dev.example":               false,
		"http://other.example:1":           true,
		"https://other.example":            true,
		"https://local.example:8080":       true,
		"https://local.example":            false,
		"https://upper.example":            true,
		"https://evil.example":             false,
		"https://sfu.example.evil":         false,
		"https://evilsfu.example":          false,
		"https://x.sfu.example":            false,
		"https://sfu.example@evil.example": false,
		"null":                             false,
		"https://":                         false,
		"file://sfu.example":               false,
		"chrome-extension://sfu.example":   false,
		"sfu.example":                      false,
		"https://[::1":                     false,
	} {
		r := httptest.NewRequest("GET", "https://sfu.example:4443/", nil)
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		if got := newOrigins(list).allow(r); got != want {
			t.Errorf("%q: %t", origin, got)
		}
		if !newOrigins([]string{"*"}).allow(r) {
			t.Errorf("%q is refused where all are allowed", origin)
		}
	}
	for host, origin := range map[string]string{"[2001:db8::1]:4443": "https://[2001:db8::1]", "[2001:db8::1]": "https://[2001:db8::1]:8443", "192.0.2.2": "http://192.0.2.2:1"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		r.Header.Set("Origin", origin)
		if !newOrigins(nil).allow(r) {
			t.Errorf("%s on %s is refused", origin, host)
		}
		r.Header.Add("Origin", origin)
		if newOrigins(nil).allow(r) {
			t.Error("two origins are allowed")
		}
	}
}

// A page of a foreign origin opens no WebSocket and changes nothing; one that is allowed may also read the answers.
func TestForeignPages(t *testing.T) {
	w := newWorldWith(t, func(c *Config) { c.Origins = []string{"https://app.example"} })
	own := "http://127.0.0.1:3000"
	for origin, want := range map[string]int{"https://evil.example": 403, "null": 403, "https://app.example": 101, own: 101} {
		if status, _, _ := w.handshake("roomId=r&peerId=visitor", http.Header{"Origin": {origin}}); status != want {
			t.Errorf("a WebSocket of %s: %d", origin, status)
		}
	}
	p := w.join("r", "p")
	body := `{"id":"b","displayName":"B","device":{"name":"x"}}`
	for _, tt := range []struct {
		origin, method, path string
		status               int
		shared               bool
	}{
		{"https://evil.example", "POST", "/rooms/r/broadcasters", 403, false},
		{"https://evil.example", "DELETE", "/rooms/r", 403, false},
		{"https://evil.example", "GET", "/rooms/r", 200, false}, // which its page cannot read
		{"https://evil.example", "OPTIONS", "/rooms/r", 403, false},
		{"https://app.example", "OPTIONS", "/rooms/r", 204, true},
		{"https://app.example", "OPTIONS", "/access", 204, true},
		{"https://app.example", "GET", "/access", 200, true},
		{"https://app.example", "POST", "/rooms/r/broadcasters", 200, true},
		{own, "DELETE", "/rooms/r/broadcasters/b", 200, true},
		{"", "GET", "/rooms/r", 200, false},
	} {
		var header []string
		if tt.origin != "" {
			header = []string{"Origin", tt.origin}
		}
		response, text := w.callWith(header, tt.method, tt.path, body)
		shared := response.Header.Get("Access-Control-Allow-Origin")
		if response.StatusCode != tt.status || (shared != "") != tt.shared || tt.shared && shared != tt.origin {
			t.Errorf("%s %s of %s: %d %s, shared with %q", tt.method, tt.path, tt.origin, response.StatusCode, text, shared)
		}
		if response.StatusCode == 204 && (response.Header.Get("Access-Control-Allow-Methods") == "" ||
			!strings.Contains(response.Header.Get("Access-Control-Allow-Headers"), "Authorization") || shared == "*") {
			t.Errorf("preflight: %v", response.Header)
		}
		if slices.Contains(response.Header.Values("Access-Control-Allow-Credentials"), "true") {
			t.Error("cookies are allowed")
		}
	}
	p.must("getRouterRtpCapabilities", nil, nil)
	if got := w.server.Stats().Refused; got[refusedOrigin] != 5 {
		t.Errorf("refused %v", got)
	}
}

// Behind a proxy it is the client's address that counts.
func TestProxies(t *testing.T) {
	w := newWorldWith(t, func(c *Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		c.Limits.UnauthenticatedPerIP = 2
	})
	// Requests that do not end: their bodies are never sent.
	hold := func(from string) net.Conn {
		return w.raw("POST /rooms/r/broadcasters HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\nX-Forwarded-For: " + from + "\r\n\r\n")
	}
	w.join("r", "p") // a session counts no more
	hold("192.0.2.1")
	hold("192.0.2.1")
	w.eventually("two requests", func() bool { return w.server.forwarded.Stats().Open == 2 })
	if status := w.answer(hold("192.0.2.1")); status != 429 {
		t.Errorf("the third one: %d", status)
	}
	hold("192.0.2.2")
	w.eventually("another address", func() bool { return w.server.forwarded.Stats().Sources == 2 })
	if got := w.server.Stats().Refused; !maps.Equal(got, map[string]uint64{refusedSockets: 1}) {
		t.Errorf("refused %v", got)
	}
	// A session counts until it has entered.
	header := http.Header{"X-Forwarded-For": {"192.0.2.3"}}
	for range 4 {
		conn, _, err := websocket.Dial(t.Context(), w.address("roomId=r&peerId=q"), &websocket.DialOptions{Subprotocols: []string{"protoo"}, HTTPHeader: header})
		if err != nil {
			t.Fatal(err)
		}
		c := w.client(conn)
		c.must("getRouterRtpCapabilities", nil, nil)
	}
}

// secrets is a log that may be read while it is written.
type secrets struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *secrets) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// No token is in any line of the log, at any level, nor in any answer.
func TestTokensAreNotTold(t *testing.T) {
	const secret = "SECRETTOKEN"
	var log secrets
	good := tokens{secret + "good": allOf("r"), secret + "other": allOf("s")}
	w := newSecureWorld(t, good, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 10}))
	})
	w.http.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(&log, nil), slog.LevelDebug)
	var said []string
	for _, query := range []string{"", "&token=x", "&%zz", ";", "&roomId=r", "&peerId=", "&consumerReplicas=x"} {
		_, header, text := w.handshake("roomId=r&peerId=p&token="+secret+"bad"+query, nil)
		said = append(said, fmt.Sprint(header)+text)
		_, header, text = w.handshake("roomId=t&peerId=p&token="+secret+"good"+query, nil)
		said = append(said, fmt.Sprint(header)+text)
		for _, path := range []string{"/access", "/rooms", "/rooms/r", "/rooms/none/x", "/rooms//x", "/"} {
			response, text := w.callWith(bearer(secret+"bad"), "GET", path+"?x=y"+query, "")
			said = append(said, fmt.Sprint(response.Header)+text)
			response, text = w.callWith(nil, "DELETE", path+"?token="+secret+"good"+query, "")
			said = append(said, fmt.Sprint(response.Header)+text)
		}
	}
	p := w.joinAs(secret+"good", "r", "p")
	for _, token := range []string{"good", "other", "bad"} {
		m := p.ask("renewToken", map[string]any{"token": secret + token})
		said = append(said, m.ErrorReason+string(m.Data))
	}
	m := p.askRaw("renewToken", `{"token":{"x":"`+secret+`"}}`)
	said = append(said, m.ErrorReason)
	p.conn.CloseNow()
	w.eventually("the end", func() bool { return w.server.Stats().Sessions == 0 })
	log.mu.Lock()
	defer log.mu.Unlock()
	if text := log.b.String(); strings.Contains(text, secret) || !strings.Contains(text, "client gone") {
		t.Errorf("the log says\n%s", text)
	}
	for _, text := range said {
		if strings.Contains(text, secret) {
			t.Errorf("an answer says %s", text)
		}
	}
}

// FuzzQuery: whatever the URL says, at most one room, peer and token are read from it.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"roomId=r&peerId=p&token=t", "roomId=r&roomId=s", "a=%zz", "token=a;token=b", "roomId=%00&%74oken=x"} {
		f.Add(seed)
	}
	open := &Server{}
	f.Fuzz(func(t *testing.T, text string) {
		r := &http.Request{URL: &url.URL{RawQuery: text}, Header: http.Header{}}
		query, err := queryOf(r)
		if err != nil {
			if statusOf(err) != 400 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		token, err := tokenOf(r, query)
		if (err == nil) != (query.Get("token") != "") || err == nil && token != query.Get("token") {
			t.Fatalf("%q: token %q, %v", text, token, err)
		}
		if e, err := open.entryOf(r); err == nil && (e.RoomID != query.Get("roomId") || len(query["roomId"]) != 1 || len(query["peerId"]) != 1) {
			t.Fatalf("%q: %+v", text, e)
		}
	})
}
