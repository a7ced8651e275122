package control

import (
	"context"
	"sync"

	"gazpacho/pkg/ortc"
	"gazpacho/proto"
)

// DataProducerOptions are what messages a peer sends and who is told.
type DataProducerOptions struct {
	ID                   string // made up if empty
	SCTPStreamParameters *proto.SCTPStreamParameters
	Label                string
	Protocol             string
	Paused               bool

	Closed func(Reason) // never for Close
}

// DataProducer is one source of messages a peer sends. It has no events.
type DataProducer struct {
	ending

	// passed in
	transport  *Transport
	id         string
	opts       DataProducerOptions
	parameters proto.SCTPStreamParameters

	// state
	mu     sync.Mutex
	paused bool
	closed bool
}

// ProduceData makes a data producer. Errors: TypeError for a malformed stream, or a transport without SCTP.
func (t *Transport) ProduceData(ctx context.Context, o DataProducerOptions) (*DataProducer, error) {
	var params proto.SCTPStreamParameters
	switch {
	case t.direct: // it needs no stream
	case o.SCTPStreamParameters == nil:
		return nil, proto.BadField("sctpStreamParameters", "is missing")
	default:
		params = *o.SCTPStreamParameters
		if err := ortc.ValidateSCTPStreamParameters(&params); err != nil {
			return nil, within("sctpStreamParameters", err)
		}
	}
	if o.ID == "" {
		o.ID = newID()
	} else if t.router.dataProducer(o.ID) != nil {
		return nil, proto.Duplicate("dataProducer", o.ID)
	}
	p := &DataProducer{transport: t, id: o.ID, opts: o, parameters: params, paused: o.Paused}
	if err := add(t.router, t.router.dataProducers, p.id, p); err != nil {
		return nil, err
	}
	if err := t.addDataProducer(p); err != nil {
		remove(t.router, t.router.dataProducers, p.id)
		return nil, err
	}
	body := proto.ProduceData{
		DataProducerID: p.id, Type: proto.DataSCTP, SCTPStreamParameters: &params, Label: o.Label, Protocol: o.Protocol, Paused: o.Paused,
	}
	if t.direct {
		body.Type, body.SCTPStreamParameters = proto.DataDirect, nil
	}
	if err := t.router.worker.client.Request(ctx, proto.TransportProduceData, t.id, body, nil); err != nil {
		undo(err, p.Close, p.end)
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed("transport", t.id)
	}
	return p, nil
}

// ID is the data producer's.
func (p *DataProducer) ID() string { return p.id }

// SCTPStreamParameters is the stream its messages come on; zero on a direct transport.
func (p *DataProducer) SCTPStreamParameters() proto.SCTPStreamParameters { return p.parameters }

// Label is what its sender calls it.
func (p *DataProducer) Label() string { return p.opts.Label }

// Protocol is what its messages speak.
func (p *DataProducer) Protocol() string { return p.opts.Protocol }

// Paused tells whether nothing is forwarded.
func (p *DataProducer) Paused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused
}

// Pause ends forwarding to all data consumers, who are told.
func (p *DataProducer) Pause(ctx context.Context) error {
	return p.setPaused(ctx, proto.DataProducerPause, true)
}

// Resume begins it again.
func (p *DataProducer) Resume(ctx context.Context) error {
	return p.setPaused(ctx, proto.DataProducerResume, false)
}

func (p *DataProducer) setPaused(ctx context.Context, method string, paused bool) error {
	if err := p.worker().client.Request(ctx, method, p.id, nil, nil); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = paused
	return nil
}

// Dump tells all about the data producer.
func (p *DataProducer) Dump(ctx context.Context) (proto.DataProducerDump, error) {
	return ask[proto.DataProducerDump](ctx, p.worker(), proto.DataProducerDumpMethod, p.id, nil)
}

// Stats counts what arrived: a list of one.
func (p *DataProducer) Stats(ctx context.Context) ([]proto.DataProducerStats, error) {
	return ask[[]proto.DataProducerStats](ctx, p.worker(), proto.DataProducerGetStats, p.id, nil)
}

// Close ends the data producer and, by the worker's event, its data consumers.
func (p *DataProducer) Close() {
	if p.end() {
		p.worker().tell(proto.TransportCloseDataProducer, p.transport.id, proto.CloseDataProducer{DataProducerID: p.id})
	}
}

func (p *DataProducer) closeBy(reason Reason) {
	if p.end() {
		call(p.opts.Closed, reason)
	}
}

func (p *DataProducer) end() bool {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return false
	}
	p.closed = true
	p.mu.Unlock()
	t := p.transport
	t.mu.Lock()
	delete(t.dataProducers, p.id)
	t.mu.Unlock()
	remove(t.router, t.router.dataProducers, p.id)
	p.happened()
	return true
}

func (r *Router) dataProducer(id string) *DataProducer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dataProducers[id]
}

func (p *DataProducer) worker() *Worker { return p.transport.router.worker }
