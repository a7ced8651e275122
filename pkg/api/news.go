package api

import "gazpacho/proto"

// announce tells whoever watches, but who made it, of an object, once. It is told as its parent's, which they know. The registry is locked.
func (r *registry) announce(o *object) {
	if o.told || o.ended {
		return
	}
	o.told = true
	parent := o.of.id
	if o.transport != nil {
		parent = o.transport.address
	}
	name, body := o.news()
	for c := range o.of.watchers {
		if c != o.maker {
			c.guest.Notify(o.origin, proto.State, parent, name, body, nil)
		}
	}
}

// news is the event of a new object.
func (o *object) news() (name string, body any) {
	switch o.kind {
	case "transport":
		return proto.EventRouterNewTransport, proto.NewTransport{TransportID: o.id, Type: o.sort}
	case "producer":
		return proto.EventTransportNewProducer, proto.ProducerContents{ID: o.id, HandlerID: o.address}
	case "consumer":
		return proto.EventTransportNewConsumer, proto.NewConsumer{ConsumerID: o.id}
	case "dataProducer":
		return proto.EventTransportNewDataProducer, proto.ProducerContents{ID: o.id, HandlerID: o.address}
	case "dataConsumer":
		return proto.EventTransportNewDataConsumer, proto.NewDataConsumer{DataConsumerID: o.id}
	}
	return proto.EventRouterNewRTPObserver, proto.ObserverContents{RTPObserverID: o.id, Type: o.sort}
}

// paused tells whoever watches, but who asked, that an object was paused or resumed.
func (r *registry) paused(ctx contextOf, o *object, paused bool) {
	var asked *session
	if k, ok := ctx.(*call); ok {
		asked = k.session // else it is a pipe's, and follows what it is of
	}
	name := o.kind + ".resumed"
	if paused {
		name = o.kind + ".paused"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !o.ended {
		r.tell(o, asked, name, nil)
	}
}
