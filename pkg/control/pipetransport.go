package control

import (
	"context"
	"sync"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/ortc"
	"gazpacho/proto"
)

// PipeTransportOptions are where a pipe transport listens and who is told. Absent options have mediasoup's defaults.
type PipeTransportOptions struct {
	ID         string // made up if empty
	ListenInfo proto.ListenInfo
	EnableRTX  bool // repair what gets lost between the routers
	EnableSRTP bool
	proto.SCTPOptions

	SCTPState func(string)
	Trace     func(proto.TraceEvent)
	Closed    func(Reason)
}

// PipeTransport carries producers of one router to another, of any worker.
type PipeTransport struct {
	*Transport
	association
	opts PipeTransportOptions

	mu    sync.Mutex
	tuple proto.TransportTuple
	srtp  *proto.SRTPParameters
}

// CreatePipeTransport makes a transport with a socket of its own.
func (r *Router) CreatePipeTransport(ctx context.Context, o PipeTransportOptions) (*PipeTransport, error) {
	t := &PipeTransport{Transport: newTransport(r, o.ID, o.Closed, o.Trace), opts: o}
	t.Transport.pipe = true
	t.association.transport, t.association.told = t.Transport, o.SCTPState
	body := proto.PipeTransportOptions{
		TransportID: t.id, ListenInfo: o.ListenInfo, EnableRTX: o.EnableRTX, EnableSRTP: o.EnableSRTP, SCTPOptions: o.SCTPOptions,
	}
	var dump proto.PipeTransportDump
	if err := t.open(ctx, t, proto.RouterCreatePipeTransport, body, &dump); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.tuple, t.srtp = dump.Tuple, dump.SRTPParameters
	t.mu.Unlock()
	t.adopt(&dump.TransportDump)
	return t, nil
}

func (t *PipeTransport) event(name string, body channel.Raw) {
	t.association.event(name, body)
	t.Transport.event(name, body)
}

// Tuple is the socket's address and, once connected, the other end's.
func (t *PipeTransport) Tuple() proto.TransportTuple {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tuple
}

// SRTPParameters are our keys; nil without SRTP.
func (t *PipeTransport) SRTPParameters() *proto.SRTPParameters {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.srtp
}

// Connect gives the transport the other end's address and keys, once.
func (t *PipeTransport) Connect(ctx context.Context, o proto.ConnectPipeTransport) error {
	r, err := ask[proto.ConnectPipeTransportResult](ctx, t.router.worker, proto.PipeTransportConnect, t.id, o)
	if err == nil {
		t.mu.Lock()
		t.tuple = r.Tuple
		t.mu.Unlock()
	}
	return err
}

// Consume makes a consumer that sends all streams of a producer as they are: its parameters are what the other end produces. Of the options,
// those about what a peer can take have no meaning.
func (t *PipeTransport) Consume(ctx context.Context, o ConsumerOptions) (*Consumer, error) {
	if t.router.worker.remote {
		return t.consumeRemotely(ctx, o)
	}
	p := t.router.producer(o.ProducerID)
	if p == nil {
		return nil, proto.NotFound("producer", o.ProducerID)
	}
	params := ortc.PipeConsumerRTPParameters(p.consumable, t.opts.EnableRTX, random32)
	c := t.newConsumer(o)
	c.media, c.kind, c.parameters = p.Kind(), proto.Pipe, params
	return t.consume(ctx, c, proto.Consume{
		ConsumerID: c.id, ProducerID: p.id, Kind: p.Kind(), RTPParameters: params, Type: proto.Pipe,
		ConsumableRTPEncodings: p.consumable.Encodings, Paused: o.Paused,
	})
}

// Dump tells all about the transport.
func (t *PipeTransport) Dump(ctx context.Context) (proto.PipeTransportDump, error) {
	return ask[proto.PipeTransportDump](ctx, t.router.worker, proto.TransportDumpMethod, t.id, nil)
}

// Stats counts what went through.
func (t *PipeTransport) Stats(ctx context.Context) (proto.PipeTransportStats, error) {
	return ask[proto.PipeTransportStats](ctx, t.router.worker, proto.TransportGetStats, t.id, nil)
}
