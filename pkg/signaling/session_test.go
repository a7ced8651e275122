package signaling

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/room"
)

func TestHandshake(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		query        string
		subprotocols []string
		status       int
	}{
		{"roomId=r&peerId=p", []string{"protoo"}, 101},
		{"roomId=r&peerId=p&consumerReplicas=1", []string{"other", "protoo"}, 101},
		{"roomId=r&peerId=p", nil, 403},
		{"roomId=r&peerId=p", []string{"mqtt"}, 403},
		{"roomId=r", []string{"protoo"}, 400},
		{"peerId=p", []string{"protoo"}, 400},
		{"roomId=&peerId=p", []string{"protoo"}, 400},
		{"roomId=r&peerId=" + strings.Repeat("p", 257), []string{"protoo"}, 400},
		{"roomId=r&peerId=p&consumerReplicas=17", []string{"protoo"}, 400},
		{"roomId=r&peerId=p&consumerReplicas=many", []string{"protoo"}, 400},
	} {
		conn, response, err := websocket.Dial(t.Context(), w.address(tt.query), &websocket.DialOptions{
			Subprotocols: tt.subprotocols, CompressionMode: websocket.CompressionContextTakeover,
		})
		if response == nil || response.StatusCode != tt.status {
			t.Errorf("%s %v: %v, %v", tt.query, tt.subprotocols, response, err)
			continue
		}
		if err == nil {
			if conn.Subprotocol() != "protoo" || response.Header.Get("Sec-Websocket-Extensions") != "" {
				t.Errorf("%s: subprotocol %q, extensions %q", tt.query, conn.Subprotocol(), response.Header.Get("Sec-Websocket-Extensions"))
			}
			conn.CloseNow()
		}
	}
}

// SECURITY.md R-WS-2: a client's message can end that client's session and nothing else.
func TestMalformedMessages(t *testing.T) {
	w := newWorld(t)
	c := w.dial("r", "p")
	for _, text := range []string{
		"", "x", "null", "[]", `{"request":true}`, `{"response":true,"id":99,"ok":true}`, `{"response":true,"id":-1,"ok":true}`,
		`{"response":true,"id":1,"ok":false,"errorCode":"x","errorReason":7}`, `{"notification":true,"method":"m"}`, `{"notification":true}`,
		`{"request":true,"id":"x","method":"join"}`, "\xff\xfe",
	} {
		c.say(text)
	}
	if err := c.conn.Write(t.Context(), websocket.MessageBinary, []byte{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	for id, tt := range map[int]struct{ text, reason string }{
		901: {`"method":7`, "method"}, 902: {`"method":"join","data":7`, "data"}, 903: {`"method":"join","data":{"a":1,"a":1}`, "twice"},
		904: {`"method":"join","data":{"a":` + nested(50) + `}`, "deeply"},
	} {
		c.say(fmt.Sprintf(`{"request":true,"id":%d,%s}`, id, tt.text))
		var m wire
		c.until("an answer", func() (ok bool) { m, ok = c.answers[id]; return })
		if m.OK || m.ErrorCode != 400 || !strings.HasPrefix(m.ErrorReason, "TypeError: ") || !strings.Contains(m.ErrorReason, tt.reason) {
			t.Errorf("%s: ok %t, %d %s", tt.text, m.OK, m.ErrorCode, m.ErrorReason)
		}
	}
	c.must("getRouterRtpCapabilities", nil, nil) // still there
}

// SECURITY.md R-WS-1: frames ≤ 64 KiB before join, 256 KiB after.
func TestMessageSize(t *testing.T) {
	w := newWorld(t)
	pad := func(n int) map[string]any { return map[string]any{"pad": strings.Repeat("x", n)} }
	early := w.dial("r", "early")
	early.must("getRouterRtpCapabilities", pad(60<<10), nil)
	early.say(`{"pad":"` + strings.Repeat("x", 70<<10) + `"}`)
	if code := early.closes(); code != websocket.StatusMessageTooBig {
		t.Errorf("70 KiB before join close with %d", code)
	}
	late := w.join("r", "late")
	late.must("getRouterRtpCapabilities", pad(250<<10), nil)
	late.say(`{"pad":"` + strings.Repeat("x", 257<<10) + `"}`)
	if code := late.closes(); code != websocket.StatusMessageTooBig {
		t.Errorf("257 KiB after join close with %d", code)
	}
	w.eventually("counting both", func() bool { return w.server.Stats().Closed[closedTooLarge] == 2 })
}

// A peer that connects again replaces its older self, which must not come back.
func TestReplacedPeer(t *testing.T) {
	w := newWorld(t)
	other := w.join("r", "other")
	old := w.join("r", "p")
	other.next("newPeer", nil)
	young := w.join("r", "p")
	if code := old.closes(); code != room.CloseFinal {
		t.Errorf("the old one is closed with %d", code)
	}
	other.next("peerClosed", nil)
	other.next("newPeer", nil)
	if len(young.peers) != 1 || young.peers[0].ID != "other" {
		t.Errorf("the new one meets %v", young.peers)
	}
	young.must("changeDisplayName", map[string]any{"displayName": "x"}, nil)
	other.next("peerDisplayNameChanged", nil)
	if n := other.count("peerClosed"); n != 1 {
		t.Errorf("%d peers closed", n)
	}
}

// A room ends with its last peer: the next one finds a new room, without broadcasters of the old.
func TestEmptyRoomCloses(t *testing.T) {
	w := newWorld(t)
	c := w.join("r", "p")
	c.conn.CloseNow()
	deadline := time.Now().Add(patience)
	for {
		if _, err := w.rooms.Room(auth.Everything(), "r"); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the room outlives its last peer")
		}
	}
	for _, worker := range w.workers.Running() {
		for worker.Routers() > 0 {
			if time.Now().After(deadline) {
				t.Fatal("the router outlives its room")
			}
		}
	}
	w.join("r", "p")
}

// A dead worker is replaced and its rooms' peers are told, who come back and find each other.
func TestWorkerDies(t *testing.T) {
	w := newWorld(t)
	a, b := w.join("r", "a"), w.join("r", "b")
	running := w.workers.Running()
	if err := syscall.Kill(running[0].Hello().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*joined{a, b} {
		if code := c.closes(); code != room.CloseRestart {
			t.Errorf("closed with %d", code)
		}
	}
	w.join("r", "a")
	again := w.join("r", "b")
	if len(again.peers) != 1 || again.peers[0].ID != "a" {
		t.Errorf("the peers that came back meet %v", again.peers)
	}
}

// A server that goes down tells its clients to come back.
func TestGoingDown(t *testing.T) {
	w := newWorld(t)
	c := w.join("r", "p")
	w.rooms.Close()
	if code := c.closes(); code != room.CloseGoingAway {
		t.Errorf("closed with %d", code)
	}
	late := w.dial("r", "late")
	if code := late.closes(); code != room.CloseTryLater {
		t.Errorf("who comes late is closed with %d", code)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w.server.Wait(ctx)
	if ctx.Err() != nil {
		t.Error("sessions outlive their rooms")
	}
	w.server.Close()
	_, response, err := websocket.Dial(t.Context(), w.address("roomId=r&peerId=p"), &websocket.DialOptions{Subprotocols: []string{"protoo"}})
	if err == nil || response.StatusCode != 503 {
		t.Errorf("a closed server answers %v, %v", response, err)
	}
}

// Nobody is let in while no worker runs, and they are told to try later.
func TestNoWorker(t *testing.T) {
	w := newWorld(t)
	w.workers.Close()
	c := w.dial("r", "p")
	if code := c.closes(); code != room.CloseTryLater && code != room.CloseUnexpected {
		t.Errorf("closed with %d", code)
	}
}

// A client that does not read is closed when 1 MiB waits for it, and harms nobody.
func TestSlowReader(t *testing.T) {
	w := newWorld(t)
	socket, _ := net.Pipe()
	s := newSession(w.server, room.Entry{})
	s.socket = socket
	big := json.RawMessage(`"` + strings.Repeat("x", 300<<10) + `"`)
	for range 4 {
		s.Notify("m", big)
	}
	if code, _ := s.out.why(); code != room.CloseTryLater {
		t.Errorf("an overflowing outbox closes with %d", code)
	}
	if why := s.cause.get(); why != closedSlow {
		t.Errorf("it counts as %q", why)
	}
	if m, closed := s.out.take(); m != nil || !closed {
		t.Error("the overflow is kept")
	}
}

// What a client does not read fills the kernel's buffers and then ours; its socket is closed though it never takes our goodbye.
func TestStuckClient(t *testing.T) {
	server := New(Config{Log: slog.New(slog.DiscardHandler), Page: http.NotFoundHandler()})
	server.goodbye = 100 * time.Millisecond
	ended := make(chan *session, 1)
	stuck := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hijacked := &hijacker{ResponseWriter: w, limits: DefaultLimits()}
		conn, err := websocket.Accept(hijacked, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		s := newSession(server, room.Entry{})
		s.conn, s.socket = conn, hijacked.conn
		s.ctx, s.cancel = context.WithCancel(t.Context())
		defer s.cancel()
		go s.write()
		big := json.RawMessage(`"` + strings.Repeat("x", 100<<10) + `"`)
		for !s.out.isClosed() {
			s.Notify("m", big)
		}
		<-s.written
		ended <- s
	}))
	defer stuck.Close()
	conn, _, err := websocket.Dial(t.Context(), stuck.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	select {
	case s := <-ended:
		if code, _ := s.out.why(); code != room.CloseTryLater || s.cause.get() != closedSlow {
			t.Errorf("closed with %d, %s", code, s.cause.get())
		}
	case <-time.After(patience):
		t.Error("it holds us up")
	}
}

// A client whose network or machine has gone says no goodbye: it is found out by pings, regular ones and those asked for.
func TestSilentClient(t *testing.T) {
	for name, p := range map[string]pings{
		"ping":  {every: time.Millisecond, pong: time.Millisecond, probe: time.Hour},
		"probe": {every: time.Hour, pong: time.Hour, probe: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(ended)
				hijacked := &hijacker{ResponseWriter: w, limits: DefaultLimits()}
				conn, err := websocket.Accept(hijacked, r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				s := &session{
					conn: conn, socket: hijacked.conn, pings: p, probe: make(chan struct{}, 1), ctx: conn.CloseRead(context.Background()),
				}
				defer func() {
					if why := s.cause.get(); why != closedSilent {
						t.Errorf("it counts as %q", why)
					}
				}()
				if name == "probe" {
					s.Probe()
					s.Probe() // a second one is the same
				}
				s.ping()
			}))
			defer server.Close()
			// A client answers pings while it reads, and this one never does.
			conn, _, err := websocket.Dial(t.Context(), server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.CloseNow()
			select {
			case <-ended:
			case <-time.After(patience):
				t.Error("it was not found out")
			}
		})
	}
}
