package router

import (
	"time"

	"gazpacho/pkg/producer"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// none is the body of methods that have none: whatever comes is not read.
type none struct{}

// decode reads the body of a request into a new B.
func decode[B any](req Request) (*B, *proto.Error) {
	b := new(B)
	if _, empty := any(b).(*none); empty {
		return b, nil
	}
	return b, req.Decode(b)
}

// result makes a value with a typed error an answer.
func result[R any](r R, err *proto.Error) (any, *proto.Error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

// The on… functions look up the object a request is for, read the body and call f.

func onRouter[B any](f func(r *Router, now time.Time, b *B) (any, *proto.Error)) handler {
	return func(r *Router, now time.Time, req Request) (any, *proto.Error) {
		if req.HandlerID != r.id {
			return nil, proto.NotFound("router", req.HandlerID)
		}
		b, err := decode[B](req)
		if err != nil {
			return nil, err
		}
		return f(r, now, b)
	}
}

func onTransport[B any](f func(r *Router, t transport.Transport, now time.Time, b *B) (any, *proto.Error)) handler {
	return func(r *Router, now time.Time, req Request) (any, *proto.Error) {
		t := r.transports[req.HandlerID]
		if t == nil {
			return nil, proto.NotFound("transport", req.HandlerID)
		}
		b, err := decode[B](req)
		if err != nil {
			return nil, err
		}
		return f(r, t, now, b)
	}
}

func onProducer[B any](f func(p *producer.Producer, now time.Time, b *B) (any, *proto.Error)) handler {
	return func(r *Router, now time.Time, req Request) (any, *proto.Error) {
		s := r.producers[req.HandlerID]
		if s == nil {
			return nil, proto.NotFound("producer", req.HandlerID)
		}
		b, err := decode[B](req)
		if err != nil {
			return nil, err
		}
		return f(s.producer, now, b)
	}
}

func onConsumer[B any](f func(c transport.Consumer, now time.Time, b *B) (any, *proto.Error)) handler {
	return func(r *Router, now time.Time, req Request) (any, *proto.Error) {
		s, ok := r.consumers[req.HandlerID]
		if !ok {
			return nil, proto.NotFound("consumer", req.HandlerID)
		}
		b, err := decode[B](req)
		if err != nil {
			return nil, err
		}
		return f(s.consumer, now, b)
	}
}

func onObserver[B any](f func(r *Router, id string, now time.Time, b *B) *proto.Error) handler {
	return func(r *Router, now time.Time, req Request) (any, *proto.Error) {
		if r.observers[req.HandlerID] == nil {
			return nil, proto.NotFound("rtpObserver", req.HandlerID)
		}
		b, err := decode[B](req)
		if err != nil {
			return nil, err
		}
		return nil, f(r, req.HandlerID, now, b)
	}
}
