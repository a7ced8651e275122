package room

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/control"
	"gazpacho/pkg/simtest"
	"gazpacho/pkg/supervisor"
	"gazpacho/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeClient writes down what it is told, and agrees to everything.
type fakeClient struct {
	mu      sync.Mutex
	told    []string
	changed chan struct{}
	code    int
}

func newFake() *fakeClient { return &fakeClient{changed: make(chan struct{})} }

func (c *fakeClient) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *fakeClient) Notify(method string, data any) {
	text, _ := json.Marshal(data)
	c.note(func() { c.told = append(c.told, method+string(text)) })
}

func (c *fakeClient) Request(method string, data any) <-chan error {
	c.Notify(method, data)
	agreed := make(chan error, 1)
	agreed <- nil
	return agreed
}

func (c *fakeClient) Probe() { c.note(func() { c.told = append(c.told, "probe") }) }

func (c *fakeClient) Close(code int, _ string) { c.note(func() { c.code = code }) }

// take returns what was told since it was called last, joined by spaces.
func (c *fakeClient) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	told := strings.Join(c.told, " ")
	c.told = nil
	return told
}

func (c *fakeClient) closed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.code
}

// await waits until a message of method comes.
func (c *fakeClient) await(t *testing.T, method string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		c.mu.Lock()
		changed := c.changed
		found := false
		for _, m := range c.told {
			found = found || strings.HasPrefix(m, method+"{")
		}
		c.mu.Unlock()
		if found {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s does not come; told %s", method, c.take())
		}
	}
}

// open is an entry in the open mode, where no token is needed.
func open(room, peer string) Entry {
	return Entry{RoomID: room, PeerID: peer, Grant: auth.Everything()}
}

// bare is a room without a worker, for what needs none.
func bare(t *testing.T, peers ...string) (*Room, map[string]*fakeClient) {
	t.Helper()
	rs := New(Config{Log: slog.New(slog.DiscardHandler)})
	r := &Room{
		rooms: rs, id: "r", log: rs.cfg.Log, peers: map[string]*Peer{}, broadcasters: map[string]*Broadcaster{},
		producers: map[string]*producer{}, dataProducers: map[string]*dataProducer{},
	}
	clients := map[string]*fakeClient{}
	for _, id := range peers {
		clients[id] = newFake()
		p, err := r.enter(open("r", id), clients[id])
		if p == nil {
			t.Fatalf("cannot enter: %v", err)
		}
		if err := p.Join(Join{DisplayName: id}, func(JoinResult) {}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range clients {
		c.take()
	}
	return r, clients
}

// newWorker is a real worker in this process.
func newWorker(t *testing.T) *supervisor.Worker {
	t.Helper()
	w, err := control.Attach(t.Context(), simtest.DialWorker(t), control.Options{Epoch: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Detach)
	listen := proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}
	server, err := w.CreateWebRTCServer(t.Context(), []proto.ListenInfo{listen})
	if err != nil {
		t.Fatal(err)
	}
	return &supervisor.Worker{Worker: w, Server: server, Plain: listen}
}

// placed is rooms on one worker.
func placed(t *testing.T, change ...func(*Config)) (*Rooms, *supervisor.Worker) {
	t.Helper()
	w := newWorker(t)
	return New(onWorker(w, change...)), w
}

// onWorker configures rooms on one worker.
func onWorker(w *supervisor.Worker, change ...func(*Config)) Config {
	cfg := Config{Place: func(context.Context) (*supervisor.Worker, error) { return w, nil }, Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&cfg)
	}
	return cfg
}

func mustJSON(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

func opus(ssrc int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"codecs":[{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2}],
		"encodings":[{"ssrc":%d}],"rtcp":{"cname":"c"}}`, ssrc))
}
