package simtest

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/worker"
	"gazpacho/proto"
)

// Worker is a worker in this process and the test's end of its channel.
type Worker struct {
	t       testing.TB
	address string
	client  *channel.Client
	stop    context.CancelFunc
	ended   chan struct{}
	err     error // once it has ended

	mu     sync.Mutex
	events []Event
	more   chan struct{} // closed and replaced at every event
	next   int           // number of the next id
}

// Event is what the worker said about one of its objects.
type Event struct {
	Name, Target string
	Body         channel.Raw
}

// StartWorker runs a worker until the test ends, and fails the test if it does not end well.
func StartWorker(t testing.TB) *Worker {
	t.Helper()
	return StartWorkerWith(t, worker.Config{DetachGrace: time.Minute})
}

// StartWorkerWith runs a worker with a configuration whose channel, version and log are filled in.
func StartWorkerWith(t testing.TB, cfg worker.Config) *Worker {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &Worker{
		t: t, address: "unix:" + filepath.Join(t.TempDir(), "run", "w.sock"), stop: cancel,
		ended: make(chan struct{}), more: make(chan struct{}),
	}
	cfg.Channel, cfg.Version = w.address, "test"
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	go func() {
		defer close(w.ended)
		w.err = worker.Run(ctx, cfg)
	}()
	t.Cleanup(func() {
		w.Detach()
		cancel()
		if err := w.Ended(); err != nil {
			t.Errorf("worker: %v", err)
		}
	})
	w.Attach(1)
	return w
}

// AttachTo is for a worker in a process of its own, which the test started and ends.
func AttachTo(t testing.TB, address string) *Worker {
	t.Helper()
	w := &Worker{t: t, address: address, ended: make(chan struct{}), more: make(chan struct{})}
	t.Cleanup(w.Detach)
	w.Attach(1)
	return w
}

// Attach connects to the worker's channel, and keeps trying until it listens.
func (w *Worker) Attach(epoch uint64) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		client, err := channel.Dial(ctx, w.address, channel.Options{Epoch: epoch, Notification: w.note})
		if err == nil {
			w.client = client
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("no worker at %s: %v", w.address, err)
		case <-w.ended:
			w.t.Fatalf("the worker at %s ended: %v", w.address, w.err)
		case <-time.After(time.Millisecond):
		}
	}
}

// Detach closes the channel. The worker forwards on for its grace.
func (w *Worker) Detach() {
	if w.client != nil {
		w.client.Close()
		w.client = nil
	}
}

// Client is the test's end of the channel.
func (w *Worker) Client() *channel.Client { return w.client }

// Address is where the channel listens.
func (w *Worker) Address() string { return w.address }

// Stop asks the worker to end, as a signal does.
func (w *Worker) Stop() { w.stop() }

// Ended waits for the worker to end and returns what it ended with.
func (w *Worker) Ended() error {
	w.t.Helper()
	select {
	case <-w.ended:
		return w.err
	case <-time.After(patience):
		w.t.Fatal("the worker does not end")
		return nil
	}
}

// patience is how long tests wait for what must come: long, because it only costs time when it does not.
const patience = 30 * time.Second

func (w *Worker) note(n channel.Notification) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, Event{Name: n.Event, Target: n.HandlerID, Body: append(channel.Raw{}, n.Body...)})
	close(w.more)
	w.more = make(chan struct{})
}

// ID makes an id that starts with kind.
func (w *Worker) ID(kind string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	return fmt.Sprintf("%s-%d", kind, w.next)
}

// Request asks the worker and fails the test if it refuses.
func Request[R any](w *Worker, method, id string, body any) R {
	w.t.Helper()
	r, err := TryRequest[R](w, method, id, body)
	if err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
	return r
}

// TryRequest asks the worker.
func TryRequest[R any](w *Worker, method, id string, body any) (R, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var r R
	err := w.client.Request(ctx, method, id, body, &r)
	return r, err
}

// Do is Request for methods without a result.
func (w *Worker) Do(method, id string, body any) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.client.Request(ctx, method, id, body, nil); err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
}

// Wait waits for an event of a target, past or to come, whose body satisfies match, and returns the body. It fails the test when none comes.
func Wait[B any](w *Worker, name, target string, match func(B) bool) B {
	w.t.Helper()
	deadline := time.After(patience)
	seen := 0
	for {
		w.mu.Lock()
		events, more := w.events[seen:], w.more
		w.mu.Unlock()
		seen += len(events)
		for _, e := range events {
			if e.Name != name || e.Target != target {
				continue
			}
			var b B
			if err := channel.Decode(e.Body, &b); err != nil {
				w.t.Fatalf("%s: %v", name, err)
			}
			if match == nil || match(b) {
				return b
			}
		}
		select {
		case <-more:
		case <-deadline:
			w.t.Fatalf("no %s of %s; there were %d events", name, target, seen)
		}
	}
}

// Router makes a router.
func (w *Worker) Router() string {
	w.t.Helper()
	id := w.ID("router")
	w.Do(proto.WorkerCreateRouter, "", proto.CreateRouter{RouterID: id})
	return id
}

// Server makes a WebRtcServer on loopback, UDP and TCP.
func (w *Worker) Server() string {
	w.t.Helper()
	id := w.ID("server")
	Request[proto.WebRTCServerDump](w, proto.WorkerCreateWebRTCServer, "", proto.CreateWebRTCServer{
		WebRTCServerID: id,
		ListenInfos:    []proto.ListenInfo{{Protocol: "udp", IP: "127.0.0.1"}, {Protocol: "tcp", IP: "127.0.0.1"}},
	})
	return id
}
