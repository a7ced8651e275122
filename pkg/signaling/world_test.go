package signaling

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"gazpacho/pkg/room"
	"gazpacho/pkg/supervisor"
)

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

// workerBin is the real worker, built once.
var workerBin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "signaling")
	if err != nil {
		panic(err)
	}
	workerBin = filepath.Join(dir, "worker")
	if out, err := exec.Command("go", "build", "-o", workerBin, "gazpacho/cmd/worker").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "worker does not build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// world is a server over real workers.
type world struct {
	t       *testing.T
	workers *supervisor.Supervisor
	rooms   *room.Rooms
	server  *Server
	http    *httptest.Server
}

func newWorld(t *testing.T, change ...func(*room.Config)) *world {
	t.Helper()
	return newWorldWith(t, func(*Config) {}, change...)
}

// newWorldWith is newWorld with other settings of the server.
func newWorldWith(t *testing.T, set func(*Config), change ...func(*room.Config)) *world {
	t.Helper()
	w := &world{t: t}
	var err error
	w.workers, err = supervisor.Start(t.Context(), supervisor.Config{
		Workers: 1, WorkerBin: workerBin, RTC: supervisor.RTC{Listen: []netip.Addr{netip.MustParseAddr("127.0.0.1")}},
		Log: slog.New(slog.DiscardHandler), Output: func(slot int, line string) { t.Logf("worker %d: %s", slot, line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := room.Config{Place: w.workers.Place, Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&cfg)
	}
	w.rooms = room.New(cfg)
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the page") })
	server := Config{Rooms: w.rooms, Page: page, Version: "Gazpacho test", Log: slog.New(slog.DiscardHandler)}
	set(&server)
	w.server = New(server)
	w.http = httptest.NewServer(w.server)
	t.Cleanup(func() {
		w.rooms.Close()
		w.server.Close()
		w.http.Close()
		w.workers.Close()
	})
	return w
}

// client is a protoo client. Requests of the server are agreed to unless answer says otherwise.
type client struct {
	t    *testing.T
	conn *websocket.Conn

	mu       sync.Mutex
	answer   func(method string, data json.RawMessage) (code int, reason string)
	lastID   int
	answers  map[int]wire
	received []wire // requests and notifications
	seen     map[string]int
	changed  chan struct{}
	closed   error // why reading ended
}

// wire is any message, as it came.
type wire struct {
	Request, Response, Notification, OK bool
	ID                                  json.Number
	Method                              string
	Data                                json.RawMessage
	ErrorCode                           int
	ErrorReason                         string
}

func (w *world) address(query string) string {
	return "ws" + strings.TrimPrefix(w.http.URL, "http") + "/?" + query
}

func (w *world) dial(roomID, peerID string) *client {
	w.t.Helper()
	return w.connect(url.Values{"roomId": {roomID}, "peerId": {peerID}}.Encode())
}

func (w *world) connect(query string) *client {
	w.t.Helper()
	conn, _, err := websocket.Dial(w.t.Context(), w.address(query), &websocket.DialOptions{Subprotocols: []string{"protoo"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.client(conn)
}

// client reads what comes on a connection, and agrees.
func (w *world) client(conn *websocket.Conn) *client {
	conn.SetReadLimit(4 << 20)
	c := &client{t: w.t, conn: conn, answers: map[int]wire{}, seen: map[string]int{}, changed: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.read()
	}()
	w.t.Cleanup(func() {
		conn.CloseNow()
		<-done
	})
	return c
}

func (c *client) read() {
	for {
		_, text, err := c.conn.Read(context.Background())
		if err != nil {
			c.note(func() { c.closed = err })
			return
		}
		var m wire
		if err := json.Unmarshal(text, &m); err != nil {
			c.t.Errorf("the server says %s", text)
			return
		}
		c.note(func() {
			if m.Response {
				id, _ := m.ID.Int64()
				c.answers[int(id)] = m
			} else {
				c.received = append(c.received, m)
			}
		})
		if m.Request {
			c.agree(m)
		}
	}
}

func (c *client) agree(m wire) {
	c.mu.Lock()
	answer := c.answer
	c.mu.Unlock()
	reply := fmt.Sprintf(`{"response":true,"id":%s,"ok":true,"data":{}}`, m.ID)
	if answer != nil {
		if code, reason := answer(m.Method, m.Data); code < 0 {
			return
		} else if code != 0 {
			reply = fmt.Sprintf(`{"response":true,"id":%s,"ok":false,"errorCode":%d,"errorReason":%q}`, m.ID, code, reason)
		}
	}
	c.say(reply)
}

func (c *client) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// say sends a message as it is. That the server is gone shows in what does not come back.
func (c *client) say(text string) {
	_ = c.conn.Write(context.Background(), websocket.MessageText, []byte(text))
}

// until waits until f, called with the client locked, is satisfied.
func (c *client) until(what string, f func() bool) {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		ok, changed := f(), c.changed
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.t.Fatalf("%s did not come; received: %s; closed: %v", what, methodsOf(c.received), c.closed)
		}
	}
}

func methodsOf(list []wire) (names []string) {
	for _, m := range list {
		names = append(names, m.Method+string(m.Data))
	}
	return names
}

// ask sends a request and returns the answer.
func (c *client) ask(method string, data any) wire {
	c.t.Helper()
	body, err := json.Marshal(data)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.askRaw(method, string(body))
}

func (c *client) askRaw(method, data string) wire {
	c.t.Helper()
	c.mu.Lock()
	c.lastID++
	id := c.lastID
	c.mu.Unlock()
	c.say(fmt.Sprintf(`{"request":true,"id":%d,"method":%q,"data":%s}`, id, method, data))
	var m wire
	c.until("the answer to "+method, func() (ok bool) {
		m, ok = c.answers[id]
		return ok || c.closed != nil
	})
	return m
}

// must is ask for what must succeed; the answer is decoded into *result unless that is nil.
func (c *client) must(method string, data, result any) {
	c.t.Helper()
	m := c.ask(method, data)
	if !m.OK {
		c.t.Fatalf("%s: %d %s (connection: %v)", method, m.ErrorCode, m.ErrorReason, c.closed)
	}
	if result != nil {
		if err := json.Unmarshal(m.Data, result); err != nil {
			c.t.Fatalf("%s: %s: %v", method, m.Data, err)
		}
	}
}

// refused is ask for what must fail with a code and a reason that contains text.
func (c *client) refused(method string, data any, code int, text string) {
	c.t.Helper()
	m := c.ask(method, data)
	if !m.Response || m.OK || m.ErrorCode != code || !strings.Contains(m.ErrorReason, text) {
		c.t.Errorf("%s %v: ok %t, %d %q; want %d …%s…", method, data, m.OK, m.ErrorCode, m.ErrorReason, code, text)
	}
}

// next waits for the next message of a method from the server that was not returned yet.
func (c *client) next(method string, data any) wire {
	c.t.Helper()
	var found wire
	c.until(method, func() bool {
		n := 0
		for _, m := range c.received {
			if m.Method != method {
				continue
			}
			if n++; n > c.seen[method] {
				c.seen[method]++
				found = m
				return true
			}
		}
		return false
	})
	if data != nil {
		if err := json.Unmarshal(found.Data, data); err != nil {
			c.t.Fatalf("%s: %s: %v", method, found.Data, err)
		}
	}
	return found
}

// count is how many messages of a method came so far.
func (c *client) count(method string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.received {
		if m.Method == method {
			n++
		}
	}
	return n
}

// closes waits for the end of the connection and returns its close code, or -1 if there was none.
func (c *client) closes() websocket.StatusCode {
	c.t.Helper()
	c.until("the end", func() bool { return c.closed != nil })
	return websocket.CloseStatus(c.closed)
}

// joined is a client that has joined with both transports.
type joined struct {
	*client
	send, recv string // transports
	peers      []room.PeerInfo
}

func (w *world) join(roomID, peerID string) *joined {
	w.t.Helper()
	j := &joined{client: w.dial(roomID, peerID)}
	j.enter(peerID)
	return j
}

// joinAs is join with a token.
func (w *world) joinAs(token, roomID, peerID string) *joined {
	w.t.Helper()
	j := &joined{client: w.connect(url.Values{"roomId": {roomID}, "peerId": {peerID}, "token": {token}}.Encode())}
	j.enter(peerID)
	return j
}

func (j *joined) enter(name string) {
	j.t.Helper()
	var caps json.RawMessage
	j.must("getRouterRtpCapabilities", nil, &caps)
	j.send = j.transport(map[string]any{"producing": true})
	j.recv = j.transport(map[string]any{"consuming": true})
	var result room.JoinResult
	j.must("join", map[string]any{"displayName": name, "device": map[string]any{"flag": "go", "name": "Go", "version": "1"}, "rtpCapabilities": caps}, &result)
	j.peers = result.Peers
}

func (c *client) transport(options map[string]any) string {
	c.t.Helper()
	var info struct{ ID string }
	c.must("createWebRtcTransport", options, &info)
	return info.ID
}

// produce makes a producer and returns its id.
func (j *joined) produce(kind string, ssrc int) string {
	j.t.Helper()
	var made struct{ ID string }
	j.must("produce", map[string]any{
		"transportId": j.send, "kind": kind, "rtpParameters": json.RawMessage(parameters(kind, ssrc)), "appData": map[string]any{"source": kind},
	}, &made)
	return made.ID
}

// parameters are what a browser sends of one kind.
func parameters(kind string, ssrc int) string {
	if kind == "audio" {
		return fmt.Sprintf(`{"mid":"%d","codecs":[{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2,
			"parameters":{"useinbandfec":1},"rtcpFeedback":[{"type":"transport-cc","parameter":""}]}],
			"headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:ssrc-audio-level","id":1,"encrypt":false,"parameters":{}}],
			"encodings":[{"ssrc":%d}],"rtcp":{"cname":"test","reducedSize":true}}`, ssrc, ssrc)
	}
	return fmt.Sprintf(`{"mid":"%d","codecs":[{"mimeType":"video/VP8","payloadType":96,"clockRate":90000,"parameters":{},
			"rtcpFeedback":[{"type":"nack","parameter":""},{"type":"nack","parameter":"pli"}]},
			{"mimeType":"video/rtx","payloadType":97,"clockRate":90000,"parameters":{"apt":96},"rtcpFeedback":[]}],
		"headerExtensions":[],"encodings":[{"ssrc":%d,"rtx":{"ssrc":%d}},{"ssrc":%d,"rtx":{"ssrc":%d}}],
		"rtcp":{"cname":"test","reducedSize":true}}`, ssrc, ssrc, ssrc+1, ssrc+2, ssrc+3)
}
