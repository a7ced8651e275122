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
	worker       *Worker
	id           string
	capabilities proto.RTPCapabilities
	told         func(Reason)

	// state
	mu            sync.Mutex
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
func (r *Router) RTPCapabilities() proto.RTPCapabilities { return r.capabilities }

// Dump tells what lives in the router.
func (r *Router) Dump(ctx context.Context) (proto.RouterDump, error) {
	return ask[proto.RouterDump](ctx, r.worker, proto.RouterDumpMethod, r.id, nil)
}

// CanConsume tells whether an endpoint with these capabilities can take a producer; not one that is unknown.
func (r *Router) CanConsume(producerID string, capabilities proto.RTPCapabilities) bool {
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
	if r.end() && r.told != nil {
		r.told(reason)
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
		o.end()
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
