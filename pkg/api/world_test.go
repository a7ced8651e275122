package api

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/control"
	"gazpacho/pkg/simtest"
	"gazpacho/pkg/supervisor"
	"gazpacho/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a control API on real workers in this process.
type world struct {
	t       testing.TB
	server  *Server
	address string

	mu      sync.Mutex
	running []*supervisor.Worker
	slots   int
}

func (w *world) Place(ctx context.Context) (*supervisor.Worker, error) {
	var best *supervisor.Worker
	for _, x := range w.Running() {
		if x.Err() == nil && (best == nil || x.Routers() < best.Routers()) {
			best = x
		}
	}
	if best == nil {
		return nil, errors.New("none")
	}
	return best, nil
}

func (w *world) Running() []*supervisor.Worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*supervisor.Worker(nil), w.running...)
}

func (w *world) Stats() supervisor.Stats {
	return supervisor.Stats{Slots: make([]supervisor.SlotStats, w.slots)}
}

// remove is what a supervisor does when a worker has died.
func (w *world) remove(x *supervisor.Worker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.running {
		if w.running[i] == x {
			w.running = append(w.running[:i:i], w.running[i+1:]...)
			return
		}
	}
}

var loopback = proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}

// attachWorker starts a worker in this process and attaches to it.
func attachWorker(t testing.TB) *control.Worker {
	t.Helper()
	w, err := control.Attach(t.Context(), simtest.DialWorker(t), control.Options{Epoch: 1, Software: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Detach)
	return w
}

// newWorld starts so many workers, each with the server that rooms share.
func newWorld(t testing.TB, workers int) *world {
	t.Helper()
	w := &world{t: t, slots: workers}
	for i := range workers {
		x := &supervisor.Worker{Worker: attachWorker(t), Slot: i}
		var err error
		if x.Server, err = x.CreateWebRTCServer(t.Context(), []proto.ListenInfo{loopback}); err != nil {
			t.Fatal(err)
		}
		w.running = append(w.running, x)
	}
	w.address = "unix:" + filepath.Join(t.TempDir(), "c.sock")
	l, err := Listen(w.address)
	if err != nil {
		t.Fatal(err)
	}
	w.server = New(l, Config{Workers: w, Version: "v9", Log: slog.New(slog.DiscardHandler)})
	served := make(chan error, 1)
	go func() { served <- w.server.Serve() }()
	t.Cleanup(func() {
		w.server.Close()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return w
}

// dial is a client by package control.
func (w *world) dial(keep bool) *control.Controller {
	w.t.Helper()
	c, err := control.Dial(w.t.Context(), w.address, control.DialOptions{Software: "test", Keep: keep})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

// bare is a client of the protocol, which keeps what it is told.
type bare struct {
	*channel.Client
	t      testing.TB
	mu     sync.Mutex
	events []channel.Notification
}

func (w *world) bare(onDisconnect string) *bare {
	w.t.Helper()
	b := &bare{t: w.t}
	var answer proto.AttachClientResult
	c, err := channel.Dial(w.t.Context(), w.address, channel.Options{
		Notification: func(n channel.Notification) {
			if n.Event == proto.EventDirectTransportRTCP {
				return // comes by the clock, and is no concern of these tests
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			b.events = append(b.events, n)
		},
		Door: &channel.Door{
			Hello: proto.EventControllerHello, Attach: proto.ControllerAttach, Result: &answer,
			Body: proto.AttachClient{Protocol: proto.Current, OnDisconnect: onDisconnect},
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	b.Client = c
	w.t.Cleanup(func() { c.Close() })
	return b
}

// told are the events that came so far, as "name of id: reason".
func (b *bare) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, n := range b.events {
		text := n.Event + " of " + n.HandlerID
		var c proto.Closed
		if channel.Decode(n.Body, &c) == nil && c.Reason != "" {
			text += ": " + c.Reason
		}
		list = append(list, text)
	}
	b.events = nil
	return list
}

// ask is a request that succeeds.
func ask[R any](b *bare, method, id string, body any) R {
	b.t.Helper()
	var r R
	if err := b.Request(b.t.Context(), method, id, body, &r); err != nil {
		b.t.Fatalf("%s of %s: %v", method, id, err)
	}
	return r
}

// refused is a request that does not.
func (b *bare) refused(method, id string, body any) *proto.Error {
	b.t.Helper()
	var e *proto.Error
	if err := b.Request(b.t.Context(), method, id, body, nil); !errors.As(err, &e) {
		b.t.Fatalf("%s of %s: %v", method, id, err)
	}
	return e
}

// soon waits for what must come.
func soon(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it does not come to that", what)
		}
	}
}

var codecs = []proto.RTPCodecCapability{
	{Kind: proto.Audio, MimeType: "audio/opus", ClockRate: 48000, Channels: 2}, {Kind: proto.Video, MimeType: "video/VP8", ClockRate: 90000},
}

func opus(ssrc uint32) proto.RTPParameters {
	return proto.RTPParameters{
		Codecs:    []proto.RTPCodecParameters{{MimeType: "audio/opus", PayloadType: 111, ClockRate: 48000, Channels: 2}},
		Encodings: []proto.RTPEncodingParameters{{SSRC: ssrc}},
	}
}

func vp8(ssrcs ...uint32) proto.RTPParameters {
	p := proto.RTPParameters{Codecs: []proto.RTPCodecParameters{{
		MimeType: "video/VP8", PayloadType: 110, ClockRate: 90000,
		RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}},
	}}}
	for _, ssrc := range ssrcs {
		p.Encodings = append(p.Encodings, proto.RTPEncodingParameters{SSRC: ssrc})
	}
	return p
}

func codeOf(err error) string {
	var e *proto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
