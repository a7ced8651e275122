package control

import (
	"context"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/ortc"
	"gazpacho/proto"
)

// ConsumerOptions are what a peer takes and who is told.
type ConsumerOptions struct {
	ID              string // made up if empty
	ProducerID      string
	RTPCapabilities proto.RTPCapabilities // of the peer, in the router's numbers
	Paused          bool
	MID             string // counted up if empty
	PreferredLayers *proto.ConsumerLayers
	EnableRTX       *bool // true for video
	IgnoreDTX       bool
	Pipe            bool // send every encoding as it is, under an SSRC of its own

	Score          func(proto.ConsumerScore)
	LayersChange   func(*proto.ConsumerLayers) // nil when nothing is forwarded
	ProducerPause  func()
	ProducerResume func()
	Trace          func(proto.TraceEvent)
	RTP            func(packet []byte) // of a direct transport; not to be changed, and copied by who keeps it
	Closed         func(Reason)        // never for Close
}

// Consumer is one producer's media on its way to a peer.
type Consumer struct {
	handle
	opts       ConsumerOptions
	media      string // audio or video
	kind       string // the producer's, or pipe
	parameters proto.RTPParameters

	// state
	producerPaused bool
	priority       int
	score          proto.ConsumerScore
	preferred      *proto.ConsumerLayers
	current        *proto.ConsumerLayers
	seen           struct{ producerPaused, score bool } // set by events
}

func (t *Transport) newConsumer(o ConsumerOptions) *Consumer {
	o.ID = IDOr(o.ID)
	c := &Consumer{handle: t.handleOf(consumerKind, o.ID, o.Closed), opts: o, priority: 1}
	c.leave = func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.consumers, c.id)
	}
	return c
}

// Consume makes a consumer. Errors: NotFoundError for the producer, TypeError for malformed capabilities, UnsupportedError if the
// peer can take none of its codecs.
func (t *Transport) Consume(ctx context.Context, o ConsumerOptions) (*Consumer, error) {
	if t.router.worker.remote {
		return t.consumeRemotely(ctx, o)
	}
	c, body, refused := t.prepareConsumer(o)
	if refused != nil {
		return nil, refused
	}
	return t.consume(ctx, c, body)
}

// consume makes a consumer that was prepared.
func (t *Transport) consume(ctx context.Context, c *Consumer, body proto.Consume) (*Consumer, error) {
	var r proto.ConsumeResult
	if err := t.askConsume(ctx, c, body, &r); err != nil {
		return nil, err
	}
	return kept(c, c.made(r.Paused, r.ProducerPaused, r.Score, r.PreferredLayers))
}

// askConsume asks for a consumer that was prepared.
func (t *Transport) askConsume(ctx context.Context, c *Consumer, body, result any) error {
	if err := enter(t, t.consumers, &c.handle, c); err != nil {
		return err
	}
	if err := t.request(ctx, proto.TransportConsume, body, result); err != nil {
		undo(err, c.Close, c.end)
		return err
	}
	return nil
}

// made takes over how the consumer was made. An event handled by now is as new as the answer, or newer: it may have overtaken us on the way from
// the reader.
func (c *Consumer) made(paused, producerPaused bool, score proto.ConsumerScore, preferred *proto.ConsumerLayers) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return proto.NotFound("producer", c.opts.ProducerID)
	}
	c.paused, c.preferred = paused, preferred
	if !c.seen.producerPaused {
		c.producerPaused = producerPaused
	}
	if !c.seen.score {
		c.score = score
	}
	return nil
}

// prepareConsumer decides by ORTC what the worker is asked for.
func (t *Transport) prepareConsumer(o ConsumerOptions) (*Consumer, proto.Consume, *proto.Error) {
	var none proto.Consume
	p := t.router.producer(o.ProducerID)
	if p == nil {
		return nil, none, proto.NotFound("producer", o.ProducerID)
	}
	capabilities := o.RTPCapabilities
	if err := ortc.ValidateRTPCapabilities(&capabilities); err != nil {
		return nil, none, within("rtpCapabilities", err)
	}
	rtx := p.Kind() == proto.Video
	if o.EnableRTX != nil {
		rtx = *o.EnableRTX
	}
	params, err := ortc.ConsumerRTPParameters(ortc.ConsumerOptions{
		Consumable: p.consumable, Remote: capabilities, EnableRTX: rtx, Random: random32, Pipe: o.Pipe,
	})
	if err != nil {
		return nil, none, err
	}
	params.MID = o.MID
	if params.MID == "" {
		params.MID = t.claimMID()
	}
	c := t.newConsumer(o)
	c.media, c.kind, c.parameters = p.Kind(), p.Type(), params
	if o.Pipe {
		c.kind = proto.Pipe
	}
	return c, proto.Consume{
		ConsumerID: c.id, ProducerID: p.id, Kind: p.Kind(), RTPParameters: params, Type: c.kind,
		ConsumableRTPEncodings: p.consumable.Encodings, Paused: o.Paused, PreferredLayers: o.PreferredLayers, IgnoreDTX: o.IgnoreDTX,
	}, nil
}

func (c *Consumer) event(name string, body channel.Raw) {
	switch name {
	case proto.EventConsumerScore:
		var score proto.ConsumerScore
		if channel.Decode(body, &score) == nil {
			c.set(func() { c.score, c.seen.score = score, true })
			call(c.opts.Score, score)
		}
	case proto.EventConsumerLayersChange:
		var change proto.LayersChange
		if channel.Decode(body, &change) == nil {
			c.set(func() { c.current = change.Layers })
			call(c.opts.LayersChange, change.Layers)
		}
	case proto.EventConsumerProducerPause:
		c.set(func() { c.producerPaused, c.seen.producerPaused = true, true })
		c.news()
		notify(c.opts.ProducerPause)
	case proto.EventConsumerProducerResume:
		c.set(func() { c.producerPaused, c.seen.producerPaused = false, true })
		c.news()
		notify(c.opts.ProducerResume)
	case proto.EventConsumerTrace:
		heed(body, c.opts.Trace)
	case proto.EventConsumerProducerClose:
		c.closeBy(ProducerClosed)
	case proto.EventConsumerPaused, proto.EventConsumerResumed:
		c.heard(name == proto.EventConsumerPaused)
	case proto.EventConsumerClosed:
		heedEnd(body, c.closeBy)
	}
}

// ProducerID names what is consumed.
func (c *Consumer) ProducerID() string { return c.opts.ProducerID }

// Kind is audio or video.
func (c *Consumer) Kind() string { return c.media }

// Type is the producer's, or pipe.
func (c *Consumer) Type() string { return c.kind }

// RTPParameters is what the peer will receive. The caller must not change it.
func (c *Consumer) RTPParameters() proto.RTPParameters { return c.parameters }

// ProducerPaused tells whether its producer is.
func (c *Consumer) ProducerPaused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.producerPaused
}

// Score is the newest one.
func (c *Consumer) Score() proto.ConsumerScore {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.score
}

// PreferredLayers is the most that is forwarded; nil for consumers without layers.
func (c *Consumer) PreferredLayers() *proto.ConsumerLayers {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.preferred
}

// CurrentLayers is what is forwarded now; nil for nothing, and for consumers without layers.
func (c *Consumer) CurrentLayers() *proto.ConsumerLayers {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// silent tells whether nothing is forwarded, be it for its own sake or the producer's.
func (c *Consumer) silent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused || c.producerPaused
}

// SetPreferredLayers limits the layers that are forwarded; the worker clamps them.
func (c *Consumer) SetPreferredLayers(ctx context.Context, layers proto.ConsumerLayers) error {
	body := proto.SetPreferredLayers{PreferredLayers: layers}
	r, err := ask[proto.SetPreferredLayersResult](ctx, c.worker(), proto.ConsumerSetPreferredLayers, c.id, body)
	if err == nil {
		c.set(func() { c.preferred = r.PreferredLayers })
	}
	return err
}

// Priority is how the consumer is weighed against the others of its transport.
func (c *Consumer) Priority() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.priority
}

// SetPriority weighs the consumer against the others of its transport, 1 to 255.
func (c *Consumer) SetPriority(ctx context.Context, priority int) error {
	err := c.request(ctx, proto.ConsumerSetPriority, proto.SetPriority{Priority: priority})
	if err == nil {
		c.set(func() { c.priority = priority })
	}
	return err
}

// UnsetPriority takes that back: it is 1 again.
func (c *Consumer) UnsetPriority(ctx context.Context) error { return c.SetPriority(ctx, 1) }

// RequestKeyFrame asks the producer's peer for one.
func (c *Consumer) RequestKeyFrame(ctx context.Context) error {
	return c.request(ctx, proto.ConsumerRequestKeyFrame, nil)
}

// EnableTraceEvent replaces the kinds of trace events: rtp, keyframe, nack, pli and fir.
func (c *Consumer) EnableTraceEvent(ctx context.Context, types ...string) error {
	return c.request(ctx, proto.ConsumerEnableTraceEvent, proto.EnableTraceEvent{Types: types})
}

// Dump tells all about the consumer.
func (c *Consumer) Dump(ctx context.Context) (proto.ConsumerDump, error) {
	return ask[proto.ConsumerDump](ctx, c.worker(), proto.ConsumerDumpMethod, c.address, nil)
}

// Stats counts what was sent, and what arrived of the stream it is made of.
func (c *Consumer) Stats(ctx context.Context) ([]proto.RTPStreamStats, error) {
	return ask[[]proto.RTPStreamStats](ctx, c.worker(), proto.ConsumerGetStats, c.id, nil)
}
