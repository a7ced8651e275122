package control

import (
	"context"
	"sync"

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

	Score  func(proto.ProducerScore)
	Closed func(Reason) // never for Close
}

// Producer is one media source a peer sends.
type Producer struct {
	ending

	// passed in
	transport  *Transport
	id         string
	opts       ProducerOptions // RTPParameters are ours: checked, with the transport's CNAME
	consumable proto.RTPParameters

	// state
	mu     sync.Mutex
	kind   string // simple, simulcast or svc
	paused bool
	score  proto.ProducerScore
	closed bool
}

// Produce makes a producer. Errors: TypeError for malformed parameters, UnsupportedError for codecs the router does not forward.
func (t *Transport) Produce(ctx context.Context, o ProducerOptions) (*Producer, error) {
	p, body, refused := t.prepareProducer(o)
	if refused != nil {
		return nil, refused
	}
	if err := t.addProducer(p); err != nil {
		return nil, err
	}
	t.router.worker.listen(p.id, p, 1)
	result, err := ask[proto.ProduceResult](ctx, t.router.worker, proto.TransportProduce, t.id, body)
	if err != nil {
		undo(err, p.Close, p.end)
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed("transport", t.id)
	}
	p.kind = result.Type
	// Only now can it be consumed: before, its type is unknown.
	if err := add(t.router, t.router.producers, p.id, p); err != nil {
		return nil, err
	}
	return p, nil
}

// prepareProducer decides by ORTC what the worker is asked for.
func (t *Transport) prepareProducer(o ProducerOptions) (*Producer, proto.Produce, *proto.Error) {
	var none proto.Produce
	if o.Kind != proto.Audio && o.Kind != proto.Video {
		return nil, none, proto.BadField("kind", "%q is not audio or video", o.Kind)
	}
	if o.ID == "" {
		o.ID = newID()
	} else if t.router.producer(o.ID) != nil {
		return nil, none, proto.Duplicate("producer", o.ID)
	}
	params := o.RTPParameters
	if err := ortc.ValidateRTPParameters(&params); err != nil {
		return nil, none, within("rtpParameters", err)
	}
	if len(params.Encodings) == 0 {
		params.Encodings = []proto.RTPEncodingParameters{{}}
	}
	params.RTCP.CNAME = t.claimCNAME(params.RTCP.CNAME)
	mapping, err := ortc.ProducerRTPParametersMapping(&params, t.router.capabilities, random32)
	if err != nil {
		return nil, none, within("rtpParameters", err)
	}
	consumable, err := ortc.ConsumableRTPParameters(o.Kind, params, t.router.capabilities, mapping)
	if err != nil {
		return nil, none, within("rtpParameters", err)
	}
	o.RTPParameters = params
	p := &Producer{transport: t, id: o.ID, opts: o, consumable: consumable, paused: o.Paused}
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
	if name != proto.EventProducerScore {
		return
	}
	var score proto.ProducerScore
	if channel.Decode(body, &score) != nil {
		return
	}
	p.mu.Lock()
	p.score = score
	p.mu.Unlock()
	call(p.opts.Score, score)
}

// ID is the producer's.
func (p *Producer) ID() string { return p.id }

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

// Paused tells whether nothing is forwarded.
func (p *Producer) Paused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused
}

// Score is the newest one.
func (p *Producer) Score() proto.ProducerScore {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.score
}

// Pause ends forwarding to all consumers, who are told.
func (p *Producer) Pause(ctx context.Context) error {
	return p.setPaused(ctx, proto.ProducerPause, true)
}

// Resume begins it again.
func (p *Producer) Resume(ctx context.Context) error {
	return p.setPaused(ctx, proto.ProducerResume, false)
}

func (p *Producer) setPaused(ctx context.Context, method string, paused bool) error {
	if err := p.worker().client.Request(ctx, method, p.id, nil, nil); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = paused
	return nil
}

// Dump tells all about the producer.
func (p *Producer) Dump(ctx context.Context) (proto.ProducerDump, error) {
	return ask[proto.ProducerDump](ctx, p.worker(), proto.ProducerDumpMethod, p.id, nil)
}

// Stats counts what arrived, one element per stream.
func (p *Producer) Stats(ctx context.Context) ([]proto.RTPStreamStats, error) {
	return ask[[]proto.RTPStreamStats](ctx, p.worker(), proto.ProducerGetStats, p.id, nil)
}

// Close ends the producer and, by the worker's event, its consumers.
func (p *Producer) Close() {
	if p.end() {
		p.worker().tell(proto.TransportCloseProducer, p.transport.id, proto.CloseProducer{ProducerID: p.id})
	}
}

func (p *Producer) closeBy(reason Reason) {
	if p.end() {
		call(p.opts.Closed, reason)
	}
}

func (p *Producer) end() bool {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return false
	}
	p.closed = true
	p.mu.Unlock()
	t := p.transport
	t.mu.Lock()
	delete(t.producers, p.id)
	t.mu.Unlock()
	remove(t.router, t.router.producers, p.id)
	p.worker().forget(p.id, 1)
	p.happened()
	return true
}

func (p *Producer) worker() *Worker { return p.transport.router.worker }
