package control

import (
	"context"

	"gazpacho/pkg/channel"
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

// DataProducer is one source of messages a peer sends.
type DataProducer struct {
	handle
	opts       DataProducerOptions
	parameters proto.SCTPStreamParameters
}

func (t *Transport) newDataProducer(o DataProducerOptions) *DataProducer {
	p := &DataProducer{handle: t.handleOf(dataProducerKind, o.ID, o.Closed), opts: o}
	p.paused = o.Paused
	p.leave = func() {
		t.mu.Lock()
		delete(t.dataProducers, p.id)
		t.mu.Unlock()
		if t.router.dataProducer(p.id) == p {
			remove(t.router, t.router.dataProducers, p.id)
		}
	}
	return p
}

// ProduceData makes a data producer. Errors: TypeError for a malformed stream, or a transport without SCTP.
func (t *Transport) ProduceData(ctx context.Context, o DataProducerOptions) (*DataProducer, error) {
	if o.ID == "" {
		o.ID = newID()
	} else if t.router.dataProducer(o.ID) != nil {
		return nil, proto.Duplicate("dataProducer", o.ID)
	}
	if t.router.worker.remote {
		return t.produceDataRemotely(ctx, o)
	}
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
	p := t.newDataProducer(o)
	p.parameters = params
	body := proto.ProduceData{
		DataProducerID: p.id, Type: proto.DataSCTP, SCTPStreamParameters: &params, Label: o.Label, Protocol: o.Protocol, Paused: o.Paused,
	}
	if t.direct {
		body.Type, body.SCTPStreamParameters = proto.DataDirect, nil
	}
	return kept(p, t.askProduceData(ctx, p, body, nil))
}

// askProduceData asks for a data producer that was prepared.
func (t *Transport) askProduceData(ctx context.Context, p *DataProducer, body, result any) error {
	if err := add(t.router, t.router.dataProducers, p.id, p); err != nil {
		return err
	}
	if err := enter(t, t.dataProducers, &p.handle, p); err != nil {
		remove(t.router, t.router.dataProducers, p.id)
		return err
	}
	if err := t.request(ctx, proto.TransportProduceData, body, result); err != nil {
		undo(err, p.Close, p.end)
		return err
	}
	if p.Closed() {
		return errClosed("transport", t.id)
	}
	return nil
}

// event hears of an end by somebody else; there are no others.
func (p *DataProducer) event(name string, body channel.Raw) {
	switch name {
	case proto.EventDataProducerPaused, proto.EventDataProducerResumed:
		p.heard(name == proto.EventDataProducerPaused)
	case proto.EventDataProducerClosed:
		heedEnd(body, p.closeBy)
	}
}

// SCTPStreamParameters is the stream its messages come on; zero on a direct transport.
func (p *DataProducer) SCTPStreamParameters() proto.SCTPStreamParameters { return p.parameters }

// Label is what its sender calls it.
func (p *DataProducer) Label() string { return p.opts.Label }

// Protocol is what its messages speak.
func (p *DataProducer) Protocol() string { return p.opts.Protocol }

// Dump tells all about the data producer.
func (p *DataProducer) Dump(ctx context.Context) (proto.DataProducerDump, error) {
	return ask[proto.DataProducerDump](ctx, p.worker(), proto.DataProducerDumpMethod, p.address, nil)
}

// Stats counts what arrived: a list of one.
func (p *DataProducer) Stats(ctx context.Context) ([]proto.DataProducerStats, error) {
	return ask[[]proto.DataProducerStats](ctx, p.worker(), proto.DataProducerGetStats, p.address, nil)
}

func (r *Router) dataProducer(id string) *DataProducer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dataProducers[id]
}
