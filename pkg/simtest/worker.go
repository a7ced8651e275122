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
	t      testing.TB
	client *channel.Client

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
	ctx, cancel := context.WithCancel(context.Background())
	address := "unix:" + filepath.Join(t.TempDir(), "run", "w.sock")
	ended := make(chan error, 1)
	go func() {
		ended <- worker.Run(ctx, worker.Config{Channel: address, Version: "test", Log: slog.New(slog.DiscardHandler)})
	}()
	w := &Worker{t: t, more: make(chan struct{})}
	t.Cleanup(func() {
		if w.client != nil {
			w.client.Close()
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("worker: %v", err)
		}
	})
	w.client = dial(t, ctx, address, channel.Options{Epoch: 1, Notification: w.note})
	return w
}

// dial retries until the worker listens.
func dial(t testing.TB, ctx context.Context, address string, o channel.Options) *channel.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		client, err := channel.Dial(ctx, address, o)
		if err == nil {
			return client
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no worker at %s: %v", address, err)
		case <-time.After(time.Millisecond):
		}
	}
}

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
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var r R
	err := w.client.Request(ctx, method, id, body, &r)
	return r, err
}

// Do is Request for methods without a result.
func (w *Worker) Do(method, id string, body any) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.client.Request(ctx, method, id, body, nil); err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
}

// Wait waits for an event of a target, past or to come, whose body satisfies match, and returns the body. It fails the test after ten seconds.
func Wait[B any](w *Worker, name, target string, match func(B) bool) B {
	w.t.Helper()
	deadline := time.After(10 * time.Second)
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
