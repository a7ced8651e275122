package control

import (
	"context"
	"strconv"
	"sync"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// maxMID bounds the MIDs given to consumers: they have at most 8 digits, since the header extension carries them in every packet.
const maxMID = 100_000_000

// Transport is what all transports have in common: they carry producers and consumers.
type Transport struct {
	ending

	// passed in
	router *Router
	id     string
	told   func(Reason)
	trace  func(proto.TraceEvent)
	pipe   bool // its peer is a router
	direct bool // its peer is us

	// state
	mu            sync.Mutex
	producers     map[string]*Producer
	consumers     map[string]*Consumer
	dataProducers map[string]*DataProducer
	dataConsumers map[string]*DataConsumer
	nextStream    uint16 // where the search for the next data consumer's begins
	maxStreams    uint16 // what the peer agreed to; 0 until then
	cname         string // of all its producers: they come from one clock
	nextMID       int
	closed        bool
}

func newTransport(r *Router, id string, told func(Reason), trace func(proto.TraceEvent)) *Transport {
	return &Transport{
		router: r, id: IDOr(id), told: told, trace: trace, producers: map[string]*Producer{}, consumers: map[string]*Consumer{},
		dataProducers: map[string]*DataProducer{}, dataConsumers: map[string]*DataConsumer{},
	}
}

// open makes the transport in the worker: o gets its events, body asks for it, dump is its answer.
func (t *Transport) open(ctx context.Context, o object, method string, body, dump any) error {
	r := t.router
	if err := r.admit(t.id, o, 0, func() error { return add(r, r.transports, t.id, t) }); err != nil {
		return err
	}
	if err := r.worker.client.Request(ctx, method, r.id, body, dump); err != nil {
		undo(err, t.Close, t.end)
		return err
	}
	return nil
}

// event takes the events that transports of all types have.
func (t *Transport) event(name string, body channel.Raw) {
	switch name {
	case proto.EventTransportTrace:
		heed(body, t.trace)
	case proto.EventTransportListenServerClose:
		t.closeBy(ServerClosed)
	case proto.EventTransportClosed:
		heedEnd(body, t.closeBy)
	}
}

// ID is the transport's.
func (t *Transport) ID() string { return t.id }

// Router is what the transport is part of.
func (t *Transport) Router() *Router { return t.router }

// Closed tells whether the transport has ended.
func (t *Transport) Closed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// SetMaxIncomingBitrate limits what the peer is allowed to send, bit/s; 0 lifts the limit.
func (t *Transport) SetMaxIncomingBitrate(ctx context.Context, bitrate int) error {
	return t.request(ctx, proto.TransportSetMaxIncomingBitrate, proto.SetMaxIncomingBitrate{MaxIncomingBitrate: bitrate}, nil)
}

// SetMaxOutgoingBitrate limits what is sent to the peer, bit/s; 0 lifts the limit.
func (t *Transport) SetMaxOutgoingBitrate(ctx context.Context, bitrate int) error {
	return t.request(ctx, proto.TransportSetMaxOutgoingBitrate, proto.SetMaxOutgoingBitrate{MaxOutgoingBitrate: bitrate}, nil)
}

// SetMinOutgoingBitrate is how little is ever estimated to fit to the peer, bit/s; 0 lifts the limit.
func (t *Transport) SetMinOutgoingBitrate(ctx context.Context, bitrate int) error {
	return t.request(ctx, proto.TransportSetMinOutgoingBitrate, proto.SetMinOutgoingBitrate{MinOutgoingBitrate: bitrate}, nil)
}

// EnableTraceEvent replaces the kinds of trace events: probation and bwe.
func (t *Transport) EnableTraceEvent(ctx context.Context, types ...string) error {
	return t.request(ctx, proto.TransportEnableTraceEvent, proto.EnableTraceEvent{Types: types}, nil)
}

func (t *Transport) request(ctx context.Context, method string, body, result any) error {
	return t.router.worker.client.Request(ctx, method, t.id, body, result)
}

// Close closes the transport, its producers and its consumers.
func (t *Transport) Close() {
	if t.end() {
		t.router.worker.tell(proto.RouterCloseTransport, t.router.id, proto.CloseTransport{TransportID: t.id})
	}
}

func (t *Transport) closeBy(reason Reason) {
	if t.endBy(reason) {
		call(t.told, reason)
	}
}

func (t *Transport) end() bool { return t.endBy("") }

func (t *Transport) endBy(why Reason) bool {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return false
	}
	t.closed = true
	producers, consumers := values(t.producers), values(t.consumers)
	dataProducers, dataConsumers := values(t.dataProducers), values(t.dataConsumers)
	t.mu.Unlock()
	t.router.worker.forget(t.id, 0)
	remove(t.router, t.router.transports, t.id)
	for _, p := range producers {
		p.closeBy(TransportClosed)
	}
	for _, c := range consumers {
		c.closeBy(TransportClosed)
	}
	for _, p := range dataProducers {
		p.closeBy(TransportClosed)
	}
	for _, c := range dataConsumers {
		c.closeBy(TransportClosed)
	}
	t.happened(why)
	return true
}

// claimCNAME is the CNAME of all producers here: the first that was given, or a random one. Those of a pipe keep theirs.
func (t *Transport) claimCNAME(given string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pipe {
		return given // what comes through a pipe has many clocks
	}
	if t.cname == "" {
		t.cname = given
	}
	if t.cname == "" {
		t.cname = newID()[:8]
	}
	return t.cname
}

// claimMID is the MID of the next consumer.
func (t *Transport) claimMID() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	mid := strconv.Itoa(t.nextMID)
	t.nextMID = (t.nextMID + 1) % maxMID
	return mid
}

// enter puts a handle into one of the transport's tables, unless the transport is closed, and has its events led to it.
func enter[V object](t *Transport, table map[string]V, h *handle, v V) error {
	return t.router.admit(h.address, v, h.kindOf.weight, func() error { return put(t, table, h.id, v) })
}

func put[V any](t *Transport, table map[string]V, id string, v V) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed("transport", t.id)
	}
	table[id] = v
	return nil
}
