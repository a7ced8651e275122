// Package router connects producers of its transports to consumers of its transports.
package router

import (
	"slices"
	"time"

	"gazpacho/pkg/producer"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// IDs is the worker's table of ids. They are unique within a worker, whatever they name.
type IDs interface {
	// Claim notes that requests for id go to r, or returns false if the id is taken.
	Claim(id string, r *Router) bool
	Release(id string)
	// Server finds a WebRtcServer of the worker.
	Server(id string) *transport.Server
}

// Router is the room media moves in.
type Router struct {
	// passed in
	id  string
	env *transport.Env
	ids IDs

	// owned
	transports    map[string]transport.Transport
	producers     map[string]*source
	consumers     map[string]sink
	observers     map[string]rtpObserver
	dataProducers map[string]*dataSource
	dataConsumers map[string]dataSink
	closed        bool
}

// source is a producer and what listens to it.
type source struct {
	producer  *producer.Producer
	transport transport.Transport
	consumers []string // ids
	observers []string
}

// sink is a consumer, the transport it is on and the producer it listens to.
type sink struct {
	consumer   transport.Consumer
	transport  transport.Transport
	producerID string
}

// New makes an empty router.
func New(id string, env *transport.Env, ids IDs) *Router {
	return &Router{
		id: id, env: env, ids: ids,
		transports:    make(map[string]transport.Transport),
		producers:     make(map[string]*source),
		consumers:     make(map[string]sink),
		observers:     make(map[string]rtpObserver),
		dataProducers: make(map[string]*dataSource),
		dataConsumers: make(map[string]dataSink),
	}
}

// ID returns the router's id.
func (r *Router) ID() string { return r.id }

// Close ends everything in the router: observers, consumers, then transports, each in the order of their ids. Who closes a router knows what
// that ends: consumers go first so that none reports the end of its producer.
func (r *Router) Close(now time.Time) {
	if r.closed {
		return
	}
	r.closed = true
	for _, id := range sortedKeys(r.observers) {
		r.closeObserver(now, id)
	}
	for _, id := range sortedKeys(r.consumers) {
		_ = r.consumers[id].transport.CloseConsumer(now, id)
	}
	for _, id := range sortedKeys(r.dataConsumers) {
		_ = r.dataConsumers[id].transport.CloseDataConsumer(now, id)
	}
	for _, id := range sortedKeys(r.transports) {
		_ = r.closeTransport(now, id)
	}
}

func (r *Router) claim(kind, id, path string) *proto.Error {
	if id == "" {
		return proto.BadField(path, "is empty")
	}
	if !r.ids.Claim(id, r) {
		return proto.Duplicate(kind, id)
	}
	return nil
}

func (r *Router) closeTransport(now time.Time, id string) *proto.Error {
	t := r.transports[id]
	if t == nil {
		return proto.NotFound("transport", id)
	}
	t.Close(now)
	r.forgetTransport(id)
	return nil
}

func (r *Router) forgetTransport(id string) {
	delete(r.transports, id)
	r.ids.Release(id)
}

// TransportListenServerClosed drops a transport whose sockets were closed under it.
func (r *Router) TransportListenServerClosed(_ time.Time, id string) { r.forgetTransport(id) }

// ProducerCreated keeps a new producer.
func (r *Router) ProducerCreated(_ time.Time, t transport.Transport, p *producer.Producer) *proto.Error {
	if err := r.claim("producer", p.ID(), "producerId"); err != nil {
		return err
	}
	r.producers[p.ID()] = &source{producer: p, transport: t}
	return nil
}

// ProducerClosed forgets a producer. Its taps were told by itself: its consumers are gone, its observers do not wait for it.
func (r *Router) ProducerClosed(_ time.Time, p *producer.Producer) {
	delete(r.producers, p.ID())
	r.ids.Release(p.ID())
}

// ConsumerCreated keeps a new consumer.
func (r *Router) ConsumerCreated(_ time.Time, t transport.Transport, c transport.Consumer, p *producer.Producer) *proto.Error {
	if err := r.claim("consumer", c.ID(), "consumerId"); err != nil {
		return err
	}
	r.consumers[c.ID()] = sink{consumer: c, transport: t, producerID: p.ID()}
	s := r.producers[p.ID()]
	s.consumers = append(s.consumers, c.ID())
	return nil
}

// ConsumerClosed takes a consumer off its producer.
func (r *Router) ConsumerClosed(_ time.Time, c transport.Consumer) {
	id := c.ID()
	if s := r.producers[r.consumers[id].producerID]; s != nil {
		s.producer.RemoveTap(c)
		s.consumers = slices.DeleteFunc(s.consumers, func(other string) bool { return other == id })
	}
	delete(r.consumers, id)
	r.ids.Release(id)
}
