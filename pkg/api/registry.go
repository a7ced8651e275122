package api

import (
	"sync"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/control"
	"gazpacho/pkg/supervisor"
	"gazpacho/proto"
)

// workerOf is a worker by a short name.
type workerOf = supervisor.Worker

// Kinds of what is owned.
const (
	ofRouter = "router"
	ofServer = "webRtcServer"
)

// registry is everything clients have made, by what requests are addressed to.
type registry struct {
	pipes sync.Mutex // held while the end of a pipe is looked for or entered

	mu       sync.Mutex
	holdings map[string]*holding
	objects  map[string]*object
}

func newRegistry() *registry {
	return &registry{holdings: map[string]*holding{}, objects: map[string]*object{}}
}

// holding is what a client owns: a router with all that is in it, or a WebRtcServer. Those of the controller's rooms are not here.
type holding struct {
	// passed in
	kind   string
	id     string
	worker *workerOf
	origin channel.Raw // of its own events

	// state, under the registry's lock
	router   *control.Router       // nil until it is made
	server   *control.WebRTCServer // or this
	owner    *session              // nil: nobody
	watchers map[*session]struct{}
	parts    map[*object]struct{}
	closer   *session // who asked for its end
	ended    bool
}

// object is a part of a router.
type object struct {
	// passed in
	kind      string // of its target in proto.Methods
	sort      string // of transports and observers: their types
	id        string
	of        *holding
	transport *object // of producers and consumers

	// state, under the registry's lock
	maker   *session // who knows of it by an answer
	told    bool     // the others know of it
	address string   // what requests for it are addressed to: its id, unless another router had one of it before
	origin  channel.Raw
	handle  any // nil until it is made
	closer  *session
	ended   bool
}

// holding finds what is owned, once it is made.
func (r *registry) holding(kind, id string) *holding {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.holdings[id]; h != nil && h.kind == kind && (h.router != nil || h.server != nil) {
		return h
	}
	return nil
}

// object finds an object, once it is made.
func (r *registry) object(address string) *object {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.objects[address]; o != nil && o.handle != nil {
		return o
	}
	return nil
}

// in finds an object of a router by its id. The registry is locked.
func (r *registry) in(h *holding, id string) *object {
	if o := r.objects[id]; o != nil && o.of == h {
		return o
	}
	return r.objects[h.id+"/"+id]
}

// partOf finds a made object of a router by kind and id.
func (r *registry) partOf(h *holding, kind, id string) *object {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.in(h, id); o != nil && o.kind == kind && o.handle != nil {
		return o
	}
	return nil
}

// hold enters what is about to be made for a client.
func (r *registry) hold(h *holding, c *session) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holdings[h.id] != nil || r.objects[h.id] != nil {
		return proto.Duplicate(h.kind, clip(h.id))
	}
	h.owner, h.watchers, h.parts = c, map[*session]struct{}{c: {}}, map[*object]struct{}{}
	origin := proto.Origin{WorkerID: idOf(h.worker)}
	if h.kind == ofRouter {
		origin.RouterID = h.id
	}
	h.origin = encode(origin)
	r.holdings[h.id] = h
	return nil
}

// release forgets what was not made.
func (r *registry) release(h *holding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.ended = true
	delete(r.holdings, h.id)
}

// add enters an object that is about to be made, or that came through a pipe: it may have an id that is taken, and then is addressed by its router, too.
func (r *registry) add(o *object, piped bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	o.address = o.id
	if r.objects[o.id] != nil || r.holdings[o.id] != nil {
		if o.address = o.of.id + "/" + o.id; !piped || r.objects[o.address] != nil {
			return proto.Duplicate(o.kind, clip(o.id))
		}
	}
	if o.of.ended {
		return proto.InvalidState("router %q is closed", o.of.id)
	}
	origin := proto.Origin{WorkerID: idOf(o.of.worker), RouterID: o.of.id}
	if o.transport != nil {
		origin.TransportID = o.transport.id
	}
	o.origin = encode(origin)
	r.objects[o.address] = o
	o.of.parts[o] = struct{}{}
	return nil
}

// made lets requests to the object in, and tells of it.
func (r *registry) made(o *object, handle any) {
	if h, ok := handle.(pausable); ok {
		h.OnPause(func(ctx contextOf, paused bool) { r.paused(ctx, o, paused) })
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	o.handle = handle
	r.announce(o)
}

// drop forgets an object that was not made, or not wanted any more when it was.
func (r *registry) drop(o *object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.remove(o) && o.told {
		r.tell(o, o.maker, o.kind+".closed", proto.Closed{Reason: string(control.OtherClosed)})
	}
}

// remove takes an object out and tells whether it was in. The registry is locked.
func (r *registry) remove(o *object) bool {
	if o.ended {
		return false
	}
	o.ended = true
	if r.objects[o.address] == o {
		delete(r.objects, o.address)
	}
	delete(o.of.parts, o)
	return true
}

// part closes or leaves what a client that is gone owned.
func (r *registry) part(c *session) {
	r.mu.Lock()
	var over []*holding
	for _, h := range r.holdings {
		delete(h.watchers, c)
		if h.owner == c {
			h.owner = nil
			if !c.keep {
				over = append(over, h)
			}
		}
	}
	r.mu.Unlock()
	var closing sync.WaitGroup // side by side: a worker that does not answer holds up its own only
	for _, h := range over {
		closing.Go(func() { r.close(h, c) })
	}
	closing.Wait()
}

func idOf(w *workerOf) string { return w.Hello().Instance }

// encode is a small value of ours as msgpack.
func encode(v any) channel.Raw {
	raw, _ := channel.Encode(v) // of a struct of text, which does not fail
	return raw
}
