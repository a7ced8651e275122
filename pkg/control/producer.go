package control

import (
	"context"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/ortc"
	"gazpacho/proto"
)

// ProducerOptions are what a peer sends and who is told.
type ProducerOptions struct {
	ID                   string // made up if empty
	Kind                 string // audio or video
	RTPParameters        proto.RTPParameters
	Paused               bool
	KeyFrameRequestDelay int // milliseconds

	Score            func(proto.ProducerScore)
	VideoOrientation func(proto.VideoOrientation)
	Trace            func(proto.TraceEvent)
	Closed           func(Reason) // never for Close
}

// Producer is one media source a peer sends.
type Producer struct {
	handle
	opts       ProducerOptions     // RTPParameters are ours: checked, with the transport's CNAME
	consumable proto.RTPParameters // not over a controller

	// state
	kind  string // simple, simulcast or svc
	score proto.ProducerScore
}

func (t *Transport) newProducer(o ProducerOptions) *Producer {
	p := &Producer{handle: t.handleOf(producerKind, o.ID, o.Closed), opts: o}
	p.paused = o.Paused
	p.leave = func() {
		t.mu.Lock()
		delete(t.producers, p.id)
		t.mu.Unlock()
		if t.router.producer(p.id) == p {
			remove(t.router, t.router.producers, p.id)
		}
	}
	return p
}

// Produce makes a producer. Errors: TypeError for malformed parameters, UnsupportedError for codecs the router does not forward.
func (t *Transport) Produce(ctx context.Context, o ProducerOptions) (*Producer, error) {
	if o.ID == "" {
		o.ID = newID()
	} else if t.router.producer(o.ID) != nil {
		return nil, proto.Duplicate("producer", o.ID)
	}
	if t.router.worker.remote {
		return t.produceRemotely(ctx, o)
	}
	p, body, refused := t.prepareProducer(o)
	if refused != nil {
		return nil, refused
	}
	var result proto.ProduceResult
	if err := t.produce(ctx, p, body, &result); err != nil {
		return nil, err
	}
	return kept(p, p.made(result.Type))
}

// produce asks for a producer that was prepared.
func (t *Transport) produce(ctx context.Context, p *Producer, body, result any) error {
	if err := enter(t, t.producers, &p.handle, p); err != nil {
		return err
	}
	if err := t.request(ctx, proto.TransportProduce, body, result); err != nil {
		undo(err, p.Close, p.end)
		return err
	}
	return nil
}

// made lets a producer be consumed, now that its type is known.
func (p *Producer) made(kind string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errClosed("transport", p.transport.id)
	}
	p.kind = kind
	return add(p.transport.router, p.transport.router.producers, p.id, p)
}

// prepareProducer decides by ORTC what the worker is asked for.
func (t *Transport) prepareProducer(o ProducerOptions) (*Producer, proto.Produce, *proto.Error) {
	var none proto.Produce
	if o.Kind != proto.Audio && o.Kind != proto.Video {
		return nil, none, proto.BadField("kind", "%q is not audio or video", o.Kind)
	}
	params := o.RTPParameters
	if err := ortc.ValidateRTPParameters(&params); err != nil {
		return nil, none, within("rtpParameters", err)
	}
	if len(params.Encodings) == 0 {
		params.Encodings = []proto.RTPEncodingParameters{{}}
	}
	capabilities := t.router.RTPCapabilities()
	params.RTCP.CNAME = t.claimCNAME(params.RTCP.CNAME)
	mapping, err := ortc.ProducerRTPParametersMapping(&params, capabilities, random32)
	if err != nil {
		return nil, none, within("rtpParameters", err)
	}
	consumable, err := ortc.ConsumableRTPParameters(o.Kind, params, capabilities, mapping)
	if err != nil {
		return nil, none, within("rtpParameters", err)
	}
	o.RTPParameters = params
	p := t.newProducer(o)
	p.consumable = consumable
	return p, proto.Produce{
		ProducerID: p.id, Kind: o.Kind, RTPParameters: params, RTPMapping: mapping, Paused: o.Paused,
		KeyFrameRequestDelay: o.KeyFrameRequestDelay,
	}, nil
}

// within puts the name of the field that was looked at in front of an error's path.
func within(field string, err *proto.Error) *proto.Error {
	e := *err
	if e.Path == "" {
		e.Path = field
	} else {
		e.Path = field + "." + e.Path
	}
	return &e
}

func (p *Producer) event(name string, body channel.Raw) {
	switch name {
	case proto.EventProducerScore:
		var score proto.ProducerScore
		if channel.Decode(body, &score) == nil {
			p.set(func() { p.score = score })
			call(p.opts.Score, score)
		}
	case proto.EventProducerVideoOrientation:
		heed(body, p.opts.VideoOrientation)
	case proto.EventProducerTrace:
		heed(body, p.opts.Trace)
	case proto.EventProducerPaused, proto.EventProducerResumed:
		p.heard(name == proto.EventProducerPaused)
	case proto.EventProducerClosed:
		heedEnd(body, p.closeBy)
	}
}

// Kind is audio or video.
func (p *Producer) Kind() string { return p.opts.Kind }

// Type is simple, simulcast or svc.
func (p *Producer) Type() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kind
}

// RTPParameters is what the peer sends. The caller must not change it.
func (p *Producer) RTPParameters() proto.RTPParameters { return p.opts.RTPParameters }

// Score is the newest one.
func (p *Producer) Score() proto.ProducerScore {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.score
}

// EnableTraceEvent replaces the kinds of trace events: rtp, keyframe, nack, pli, fir and sr.
func (p *Producer) EnableTraceEvent(ctx context.Context, types ...string) error {
	return p.request(ctx, proto.ProducerEnableTraceEvent, proto.EnableTraceEvent{Types: types})
}

// Dump tells all about the producer.
func (p *Producer) Dump(ctx context.Context) (proto.ProducerDump, error) {
	return ask[proto.ProducerDump](ctx, p.worker(), proto.ProducerDumpMethod, p.address, nil)
}

// Stats counts what arrived, one element per stream.
func (p *Producer) Stats(ctx context.Context) ([]proto.RTPStreamStats, error) {
	return ask[[]proto.RTPStreamStats](ctx, p.worker(), proto.ProducerGetStats, p.address, nil)
}
