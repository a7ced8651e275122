package attack

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// secret is what the tokens are signed with.
const secret = "the secret of the attack suite, of thirty-two bytes and more"

// token lets a peer into a room, to do everything but administer.
func token(t testing.TB, room, peer string) string {
	t.Helper()
	g := auth.Everything()
	g.Room, g.Peer, g.Admin, g.Expires = room, peer, false, time.Now().Add(time.Hour)
	text, err := auth.Sign([]byte(secret), g, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// wire is any message of the server.
type wire struct {
	Request, Response, OK bool
	ID                    json.Number
	Method                string
	Data                  json.RawMessage
	ErrorCode             int
	ErrorReason           string
}

// client is a protoo client. It agrees to all that it is offered once offered was called with it.
type client struct {
	t       testing.TB
	conn    *websocket.Conn
	offered func(wire)

	mu      sync.Mutex
	lastID  int
	answers map[int]wire
	seen    map[string][]json.RawMessage // requests and notifications, by method
	changed chan struct{}
	closed  error
}

// address is where a peer enters a room.
func address(c *simtest.Controller, room, peer, token string) string {
	return "wss" + strings.TrimPrefix(c.URL, "https") + "/?" + url.Values{"roomId": {room}, "peerId": {peer}, "token": {token}}.Encode()
}

// from is an HTTP client that comes from an address of loopback.
func from(c *simtest.Controller, n int) *http.Client {
	h := c.Client()
	dialer := &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(loopback(n))}
	h.Transport.(*http.Transport).DialContext = dialer.DialContext
	h.Timeout = 0 // which would end WebSockets, too
	return h
}

// tryEnter opens a session, or tells how it was refused.
func tryEnter(t testing.TB, h *http.Client, where string) (*client, int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, where, &websocket.DialOptions{HTTPClient: h, Subprotocols: []string{"protoo"}})
	if err != nil {
		status := 0
		if response != nil {
			status = response.StatusCode
		}
		return nil, status, err
	}
	conn.SetReadLimit(4 << 20)
	c := &client{t: t, conn: conn, lastID: 1000, answers: map[int]wire{}, seen: map[string][]json.RawMessage{}, changed: make(chan struct{})}
	return c, response.StatusCode, nil
}

// enter opens a session that must be let in.
func enter(t testing.TB, h *http.Client, where string, offered func(wire)) *client {
	t.Helper()
	c, _, err := tryEnter(t, h, where)
	if err != nil {
		t.Fatal(err)
	}
	c.offered = offered
	c.serve()
	return c
}

// serve reads until the session or the test ends.
func (c *client) serve() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.read()
	}()
	c.t.Cleanup(func() {
		c.conn.CloseNow()
		<-done
	})
}

func (c *client) read() {
	offers := make(chan wire, 100)
	defer close(offers)
	go func() {
		for m := range offers {
			c.offered(m)
			c.say(`{"response":true,"id":` + m.ID.String() + `,"ok":true,"data":{}}`)
		}
	}()
	for {
		_, text, err := c.conn.Read(context.Background())
		var m wire
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		if err != nil {
			c.note(func() { c.closed = err })
			return
		}
		c.note(func() {
			if m.Response {
				id, _ := m.ID.Int64()
				c.answers[int(id)] = m
			} else {
				c.seen[m.Method] = append(c.seen[m.Method], m.Data)
			}
		})
		switch {
		case m.Request && m.Method == "newConsumer" && c.offered != nil:
			offers <- m // negotiating takes a while, and what else comes must be read meanwhile
		case m.Request:
			c.say(`{"response":true,"id":` + m.ID.String() + `,"ok":true,"data":{}}`)
		}
	}
}

func (c *client) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// say sends a message. That the server is gone shows in what does not come back.
func (c *client) say(text string) {
	_ = c.conn.Write(context.Background(), websocket.MessageText, []byte(text))
}

// until waits until f, called with the client locked, is satisfied, and tells whether it was.
func (c *client) until(f func() bool) bool {
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		ok, changed := f(), c.changed
		c.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-deadline:
			return false
		}
	}
}

// ask sends a request and returns the answer; ok is false when the session ended instead.
func (c *client) ask(method, data string) (m wire, ok bool) {
	c.mu.Lock()
	c.lastID++
	id := c.lastID
	c.mu.Unlock()
	c.say(fmt.Sprintf(`{"request":true,"id":%d,"method":%q,"data":%s}`, id, method, data))
	c.until(func() bool {
		m, ok = c.answers[id]
		return ok || c.closed != nil
	})
	return m, ok
}

// must asks for what must be granted.
func (c *client) must(method string, data, result any) {
	c.t.Helper()
	body, err := json.Marshal(data)
	if err != nil {
		c.t.Fatal(err)
	}
	m, ok := c.ask(method, string(body))
	if !ok || !m.OK {
		c.t.Fatalf("%s: %d %s (%v)", method, m.ErrorCode, m.ErrorReason, c.closed)
	}
	if result != nil {
		if err := json.Unmarshal(m.Data, result); err != nil {
			c.t.Fatalf("%s: %s: %v", method, m.Data, err)
		}
	}
}

// object is a JSON object.
type object map[string]any

// transport makes one, for a peer.
func (c *client) transport(sending bool, o simtest.PeerOptions) *simtest.Peer {
	c.t.Helper()
	var dump proto.WebRTCTransportDump
	c.must("createWebRtcTransport", object{"producing": sending, "consuming": !sending}, &dump)
	return simtest.ConnectTo(c.t, dump, sending, o, func(body proto.ConnectWebRTCTransport) {
		c.must("connectWebRtcTransport", object{"transportId": dump.ID, "dtlsParameters": body.DTLSParameters}, nil)
	})
}

// join says who it is, and what it can receive.
func (c *client) join() {
	c.t.Helper()
	var capabilities json.RawMessage
	c.must("getRouterRtpCapabilities", object{}, &capabilities)
	c.must("join", object{"displayName": "somebody", "device": object{"flag": "go"}, "rtpCapabilities": capabilities}, nil)
}
