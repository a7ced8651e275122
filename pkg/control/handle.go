package control

import (
	"context"
	"sync"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// kind is what a sort of handle calls things.
type kind struct {
	pause, resume string
	close         string // of the transport
	closing       func(id string) any
	weight        int // in Worker.Load
}

var (
	producerKind = &kind{
		pause: proto.ProducerPause, resume: proto.ProducerResume, close: proto.TransportCloseProducer, weight: 1,
		closing: func(id string) any { return proto.CloseProducer{ProducerID: id} },
	}
	consumerKind = &kind{
		pause: proto.ConsumerPause, resume: proto.ConsumerResume, close: proto.TransportCloseConsumer, weight: 1,
		closing: func(id string) any { return proto.CloseConsumer{ConsumerID: id} },
	}
	dataProducerKind = &kind{
		pause: proto.DataProducerPause, resume: proto.DataProducerResume, close: proto.TransportCloseDataProducer,
		closing: func(id string) any { return proto.CloseDataProducer{DataProducerID: id} },
	}
	dataConsumerKind = &kind{
		pause: proto.DataConsumerPause, resume: proto.DataConsumerResume, close: proto.TransportCloseDataConsumer,
		closing: func(id string) any { return proto.CloseDataConsumer{DataConsumerID: id} },
	}
)

// handle is what producers and consumers, of media and of data, have in common: they are part of a transport, and are paused, resumed and closed.
type handle struct {
	ending

	// passed in
	kindOf    *kind
	transport *Transport
	id        string
	told      func(Reason) // may be nil
	leave     func()       // takes it out of the tables it is in

	// address is what requests for it go to, and events come from: its id, but of what came through a pipe on another machine's word.
	address string

	// state
	mu      sync.Mutex
	paused  bool
	closed  bool
	changed func()                                 // it, or what it is of, was paused or resumed; may be nil
	asked   func(ctx context.Context, paused bool) // it was paused or resumed by us; may be nil
}

// handleOf is a handle that is not entered anywhere.
func (t *Transport) handleOf(k *kind, id string, told func(Reason)) handle {
	return handle{kindOf: k, transport: t, id: id, address: id, told: told}
}

// ID is its id.
func (h *handle) ID() string { return h.id }

// Transport is what it is part of.
func (h *handle) Transport() *Transport { return h.transport }

// Paused tells whether it is paused itself.
func (h *handle) Paused() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.paused
}

// Closed tells whether it has ended.
func (h *handle) Closed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// Pause ends forwarding: of a producer to all its consumers, who are told.
func (h *handle) Pause(ctx context.Context) error { return h.setPaused(ctx, true) }

// Resume begins it again, of video with a key frame.
func (h *handle) Resume(ctx context.Context) error { return h.setPaused(ctx, false) }

func (h *handle) setPaused(ctx context.Context, paused bool) error {
	method := h.kindOf.resume
	if paused {
		method = h.kindOf.pause
	}
	if err := h.request(ctx, method, nil); err != nil {
		return err
	}
	h.set(func() { h.paused = paused })
	h.news()
	h.mu.Lock()
	asked := h.asked
	h.mu.Unlock()
	if asked != nil {
		asked(ctx, paused)
	}
	return nil
}

// OnPause has f called when it was paused or resumed by its Pause or Resume, with what that was given, before they return.
func (h *handle) OnPause(f func(ctx context.Context, paused bool)) { h.set(func() { h.asked = f }) }

// heard takes over a pause that somebody else asked for.
func (h *handle) heard(paused bool) {
	h.set(func() { h.paused = paused })
	h.news()
}

// news tells that a pause has begun or ended, with no lock held.
func (h *handle) news() {
	h.mu.Lock()
	changed := h.changed
	h.mu.Unlock()
	notify(changed)
}

// set changes the state.
func (h *handle) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// request asks something of it that has no result.
func (h *handle) request(ctx context.Context, method string, body any) error {
	return h.worker().client.Request(ctx, method, h.address, body, nil)
}

// Close ends it. The consumers of a producer end by the worker's events.
func (h *handle) Close() {
	if h.endBy("") {
		h.worker().tell(h.kindOf.close, h.transport.id, h.kindOf.closing(h.id))
	}
}

func (h *handle) closeBy(reason Reason) {
	if h.endBy(reason) {
		call(h.told, reason)
	}
}

func (h *handle) end() bool { return h.endBy("") }

func (h *handle) endBy(why Reason) bool {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return false
	}
	h.closed = true
	h.mu.Unlock()
	h.leave()
	h.worker().forget(h.address, h.kindOf.weight)
	h.happened(why)
	return true
}

func (h *handle) worker() *Worker { return h.transport.router.worker }

// kept is a handle unless it was not made.
func kept[H any](h *H, err error) (*H, error) {
	if err != nil {
		return nil, err
	}
	return h, nil
}

// heed gives the body of an event to whoever asked for it.
func heed[B any](body channel.Raw, f func(B)) {
	var b B
	if f != nil && channel.Decode(body, &b) == nil {
		f(b)
	}
}

// heedEnd closes what has ended elsewhere, by the word of a controller.
func heedEnd(body channel.Raw, closeBy func(Reason)) {
	heed(body, func(c proto.Closed) { closeBy(Reason(c.Reason)) })
}

// call and notify do nothing for a nil function.
func call[A any](f func(A), a A) {
	if f != nil {
		f(a)
	}
}

func notify(f func()) {
	if f != nil {
		f()
	}
}
