package worker

import (
	"context"
	"log/slog"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"gazpacho/pkg/data"
	"gazpacho/pkg/router"
	"gazpacho/proto"
)

// inside is a worker with a router, seen from its own loop: without channel, so that only what is within is measured.
type inside struct {
	*Worker
	t      testing.TB
	router *router.Router
	emit   func(target string, e proto.Event)
}

// Emit is the way up.
func (i *inside) Emit(target string, e proto.Event) { i.emit(target, e) }

// newInside starts one, whose events go to emit, on the loop.
func newInside(t testing.TB, emit func(target string, e proto.Event)) *inside {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w, err := start(ctx, Config{Channel: "unix:" + filepath.Join(t.TempDir(), "w.sock"), Log: slog.New(slog.DiscardHandler)}, cancel)
	if err != nil {
		t.Fatal(err)
	}
	i := &inside{Worker: w, t: t, emit: emit}
	w.env.Events = i
	ended := make(chan error, 1)
	go func() { ended <- w.loop.Run(ctx) }()
	i.do(func(now time.Time) {
		if _, err := w.createRouter(now, &proto.CreateRouter{RouterID: "router"}); err != nil {
			t.Error(err)
		}
		i.router = w.routers["router"]
	})
	t.Cleanup(func() {
		i.do(i.router.Close)
		cancel()
		w.channel.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return i
}

// do runs f on the loop and waits for it.
func (i *inside) do(f func(now time.Time)) {
	i.t.Helper()
	done := make(chan struct{})
	i.loop.Post(func(now time.Time) {
		defer close(done)
		f(now)
	})
	await(i.t, done)
}

// ask makes a request of the router, on the loop, which must not be refused.
func (i *inside) ask(now time.Time, method, id string, body any) any {
	r, err := i.router.HandleRequest(now, router.Request{Method: method, HandlerID: id, Decode: as(body)})
	if err != nil {
		i.t.Errorf("%s: %v", method, err)
	}
	return r
}

// say gives a message to a direct data producer, on the loop.
func (i *inside) say(now time.Time, id string, payload []byte) {
	i.router.HandleNotification(now, router.Notification{
		Name: proto.NotifyDataProducerSend, HandlerID: id, Payload: payload, Decode: as(proto.DataProducerSend{PPID: data.PPIDBinary}),
	})
}

// as decodes to a body that is known.
func as(body any) func(any) *proto.Error {
	return func(to any) *proto.Error {
		reflect.ValueOf(to).Elem().Set(reflect.ValueOf(body))
		return nil
	}
}

// await waits for what must come: long, because it only costs time when it does not.
func await[E any](t testing.TB, event <-chan E) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(30 * time.Second):
		t.Fatal("it does not happen")
	}
}
