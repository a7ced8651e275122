package api

import (
	"gazpacho/pkg/channel"
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// endings are the worker's own events of an end, which tell the reason by their names: those are told when the handle hears of them.
var endings = map[control.Reason]map[string]string{
	control.ProducerClosed: {"consumer": proto.EventConsumerProducerClose, "dataConsumer": proto.EventDataConsumerProducerClose},
	control.ServerClosed:   {"transport": proto.EventTransportListenServerClose},
}

// event passes a worker's event on to whoever watches the router.
func (r *registry) event(h *holding, n channel.Notification) {
	switch n.Event {
	case proto.EventConsumerProducerClose, proto.EventDataConsumerProducerClose, proto.EventTransportListenServerClose:
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	address, origin := n.HandlerID, h.origin
	if o := r.in(h, n.HandlerID); o != nil {
		r.announce(o) // which may be made, but not have been answered yet
		address, origin = o.address, o.origin
	}
	class := proto.Event{Name: n.Event}.Class()
	for c := range h.watchers {
		c.guest.Notify(origin, class, address, n.Event, n.Body, n.Payload)
	}
}

// ended tells whoever watches that an object has ended, once; of what they asked for themselves they know.
func (r *registry) ended(o *object, why control.Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.remove(o) {
		return
	}
	if name := endings[why][o.kind]; name != "" {
		r.tell(o, nil, name, nil)
		return
	}
	r.tell(o, o.knows(why), o.kind+".closed", proto.Closed{Reason: string(why)})
}

// tell tells whoever watches, but one, something of an object. The registry is locked.
func (r *registry) tell(o *object, but *session, name string, body any) {
	for c := range o.of.watchers {
		if c != but {
			c.guest.Notify(o.origin, proto.State, o.address, name, body, nil)
		}
	}
}

// knows is who has asked for what an object has ended by. The registry is locked.
func (o *object) knows(why control.Reason) *session {
	switch {
	case o.closer != nil:
		return o.closer
	case why == control.TransportClosed && o.transport != nil && o.transport.closer != nil:
		return o.transport.closer
	}
	return o.of.closer
}

// gone tells the same of a router or WebRtcServer. What was in it has ended before.
func (r *registry) gone(h *holding, why control.Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h.ended {
		return
	}
	h.ended = true
	delete(r.holdings, h.id)
	for o := range h.parts {
		r.remove(o)
	}
	for c := range h.watchers {
		if c != h.closer {
			c.guest.Notify(h.origin, proto.State, h.id, h.kind+".closed", proto.Closed{Reason: string(why)}, nil)
		}
	}
}

// close ends a router or WebRtcServer because a client asked for it, or went.
func (r *registry) close(h *holding, by *session) {
	r.mu.Lock()
	if h.closer == nil {
		h.closer = by
	}
	router, server := h.router, h.server
	r.mu.Unlock()
	if router != nil {
		router.Close()
	}
	if server != nil {
		server.Close()
	}
	r.gone(h, control.OtherClosed)
}

// shut ends an object because a client asked for it.
func (r *registry) shut(o *object, by *session) {
	r.mu.Lock()
	if o.closer == nil {
		o.closer = by
	}
	handle := o.handle.(interface{ Close() })
	r.mu.Unlock()
	handle.Close()
	r.ended(o, control.OtherClosed)
}
