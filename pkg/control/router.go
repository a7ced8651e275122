package control

import (
	"context"
	"sync"

	"gazpacho/pkg/ortc"
	"gazpacho/proto"
)

// Router forwards media between the transports in it.
type Router struct {
	// passed in
	worker   *Worker
	workerID string // over a controller
	id       string
	opts     RouterOptions

	joining sync.Mutex // held while the end of a pipe is looked for or adopted, over a controller

	// state
	mu            sync.Mutex
	capabilities  proto.RTPCapabilities
	transports    map[string]*Transport
	observers     map[string]rtpObserver
	producers     map[string]*Producer // of all transports: what can be consumed
	dataProducers map[string]*DataProducer
	pairs         map[*Router]*joint // with routers of higher ids
	closed        bool
}

// ID is the router's.
func (r *Router) ID() string { return r.id }

// RTPCapabilities is what the router forwards. The caller must not change it.
func (r *Router) RTPCapabilities() proto.RTPCapabilities {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.capabilities
}

// WorkerID names the worker it lives in, of a controller; empty over a worker's own channel.
func (r *Router) WorkerID() string { return r.workerID }

// Closed tells whether the router has ended.
func (r *Router) Closed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// UpdateMediaCodecs has the router forward other codecs, of producers that are made after it. Errors: those of Worker.CreateRouter.
func (r *Router) UpdateMediaCodecs(ctx context.Context, codecs []proto.RTPCodecCapability) error {
	capabilities, err := r.updated(ctx, codecs)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.capabilities = capabilities
	return nil
}

func (r *Router) updated(ctx context.Context, codecs []proto.RTPCodecCapability) (proto.RTPCapabilities, error) {
	if r.worker.remote {
		return ask[proto.RTPCapabilities](ctx, r.worker, proto.RouterUpdateMediaCodecs, r.id, proto.UpdateMediaCodecs{MediaCodecs: codecs})
	}
	capabilities, refused := capabilitiesOf(codecs)
	if refused != nil {
		return capabilities, refused
	}
	return capabilities, nil
}

// capabilitiesOf is what a router of these codecs forwards.
func capabilitiesOf(codecs []proto.RTPCodecCapability) (proto.RTPCapabilities, *proto.Error) {
	capabilities, refused := ortc.GenerateRouterRTPCapabilities(codecs)
	if refused != nil {
		return capabilities, refused
	}
	describe(&capabilities)
	return capabilities, nil
}

// admit has the events of something in the router led to o, and enters it where it belongs. An id that is taken is refused: the worker would do so,
// too, but by then the events of who has it would be led to another.
func (r *Router) admit(address string, o object, weight int, enter func() error) error {
	if err := r.worker.listen(address, listener{o, r}, weight); err != nil {
		return err
	}
	if err := enter(); err != nil {
		r.worker.forget(address, weight)
		return err
	}
	return nil
}

// Dump tells what lives in the router.
func (r *Router) Dump(ctx context.Context) (proto.RouterDump, error) {
	return ask[proto.RouterDump](ctx, r.worker, proto.RouterDumpMethod, r.id, nil)
}

// CanConsume tells whether an endpoint with these capabilities can take a producer; not one that is unknown.
func (r *Router) CanConsume(producerID string, capabilities proto.RTPCapabilities) bool {
	if r.worker.remote {
		return r.canConsumeRemotely(producerID, capabilities)
	}
	p := r.producer(producerID)
	if p == nil {
		return false
	}
	can, refused := ortc.CanConsume(p.consumable, capabilities)
	return refused == nil && can
}

// Close closes the router and all that is in it.
func (r *Router) Close() {
	if r.end() {
		r.worker.tell(proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: r.id})
	}
}

// closeBy closes the router because of something else.
func (r *Router) closeBy(reason Reason) {
	if r.end() {
		call(r.opts.Closed, reason)
	}
}

// end closes what is in the router first, so that whoever hears of the router finds the rest done.
func (r *Router) end() bool {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return false
	}
	r.closed = true
	transports, observers := values(r.transports), values(r.observers)
	r.mu.Unlock()
	r.worker.disown(r)
	for _, t := range transports {
		t.closeBy(RouterClosed)
	}
	for _, o := range observers {
		o.closeBy(RouterClosed)
	}
	return true
}

func (r *Router) producer(id string) *Producer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.producers[id]
}

// add puts v into one of the router's tables, unless the router is closed.
func add[V any](r *Router, table map[string]V, id string, v V) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errClosed("router", r.id)
	}
	table[id] = v
	return nil
}

func remove[V any](r *Router, table map[string]V, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(table, id)
}

func errClosed(kind, id string) *proto.Error {
	return proto.InvalidState("%s %q is closed", kind, id)
}
