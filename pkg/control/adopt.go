package control

import (
	"context"

	"gazpacho/proto"
)

// Contents are a router somebody else has made and what is in it.
type Contents struct {
	Router        *Router
	Owner         string             // the id of a client, or empty
	Transports    []TransportHandle  // *WebRTCTransport, *PlainTransport, *PipeTransport or *DirectTransport
	Producers     []*Producer        // of all transports, as are the next
	Consumers     []*Consumer        //
	DataProducers []*DataProducer    //
	DataConsumers []*DataConsumer    //
	Observers     []*AdoptedObserver //
}

// TransportHandle is a transport of any type.
type TransportHandle interface {
	object
	ID() string
	Closed() bool
	Close()
}

// AdoptedObserver is an observer somebody else has made, of either type. Its events go to RouterOptions.Event.
type AdoptedObserver struct {
	observing
	Type string // audioLevel or activeSpeaker
}

// OpenRouter makes handles of a router somebody else has made and of all that is in it, as it is at the moment. With own it is ours from then on,
// and what Dial has said holds for it. Of the options, Event and Closed count: the handles' own callbacks are nobody's. Errors: NotFoundError;
// forbidden for a router that a room of the controller is made of; duplicate-id for one that is open already.
func (c *Controller) OpenRouter(ctx context.Context, id string, own bool, o RouterOptions) (*Contents, error) {
	o.ID = id
	r := c.w.newRouter(o)
	if err := c.w.adopt(r); err != nil {
		return nil, err
	}
	there, err := ask[proto.RouterContents](ctx, c.w, proto.ControllerOpenRouter, "", proto.OpenRouter{RouterID: id, Own: own})
	if err != nil {
		r.end()
		return nil, err
	}
	r.mu.Lock()
	r.workerID, r.capabilities = there.WorkerID, there.RTPCapabilities
	r.mu.Unlock()
	all := &Contents{Router: r, Owner: there.Owner}
	for _, t := range there.Transports {
		if err := all.add(ctx, t); err != nil {
			r.end()
			return nil, err
		}
	}
	for _, o := range there.RTPObservers {
		a := &AdoptedObserver{observing: r.newObserving(o.RTPObserverID, nil), Type: o.Type}
		if err := r.admit(a.id, a, 0, func() error { return add[rtpObserver](r, r.observers, a.id, a) }); err != nil {
			r.end()
			return nil, err
		}
		all.Observers = append(all.Observers, a)
	}
	return all, nil
}

// LeaveRouter ends the handles of a router and of all that is in it, and leaves the rest alone: it is nobody's if it was ours.
func (c *Controller) LeaveRouter(ctx context.Context, r *Router) error {
	err := c.w.client.Request(ctx, proto.ControllerLeaveRouter, "", proto.LeaveRouter{RouterID: r.id}, nil)
	if err == nil {
		r.end()
	}
	return err
}

// add adopts a transport with what it carries. What has ended meanwhile is left out.
func (all *Contents) add(ctx context.Context, there proto.TransportContents) error {
	handle, t, err := all.Router.adoptTransport(ctx, there.TransportID, there.Type)
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	all.Transports = append(all.Transports, handle)
	var lists adoption
	for _, p := range there.Producers {
		all.Producers = keep(&lists, all.Producers)(t.adoptProducer(ctx, p))
	}
	for _, id := range there.ConsumerIDs {
		all.Consumers = keep(&lists, all.Consumers)(t.adoptConsumer(ctx, id))
	}
	for _, p := range there.DataProducers {
		all.DataProducers = keep(&lists, all.DataProducers)(t.adoptDataProducer(ctx, p))
	}
	for _, id := range there.DataConsumerIDs {
		all.DataConsumers = keep(&lists, all.DataConsumers)(t.adoptDataConsumer(ctx, id))
	}
	return lists.err
}

// adoption is what went wrong first.
type adoption struct{ err error }

// keep appends what was adopted.
func keep[H any](a *adoption, list []*H) func(*H, error) []*H {
	return func(h *H, err error) []*H {
		switch {
		case err == nil:
			return append(list, h)
		case a.err == nil && !gone(err):
			a.err = err
		}
		return list
	}
}

// gone tells whether err says that something has ended.
func gone(err error) bool { return codeIs(err, proto.CodeNotFound) }

// event hears of an end by somebody else.
func (o *AdoptedObserver) event(name string, body raw) {
	if name == proto.EventRTPObserverClosed {
		heedEnd(body, o.closeBy)
	}
}
