package control

import (
	"context"
	"sync"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/ortc"
	"gazpacho/proto"
)

// ConsumerOptions are what a peer takes and who is told.
type ConsumerOptions struct {
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
	RTP            func(packet []byte) // of a direct transport; not to be changed, and copied by who keeps it
	Closed         func(Reason)        // never for Close
}

// Consumer is one producer's media on its way to a peer.
type Consumer struct {
	ending

	// passed in
	transport  *Transport
	id         string
	producer   *Producer
	opts       ConsumerOptions
	parameters proto.RTPParameters
	kind       string // the producer's, or pipe

	// state
	mu             sync.Mutex
	paused         bool
	producerPaused bool
	score          proto.ConsumerScore
	preferred      *proto.ConsumerLayers
	current        *proto.ConsumerLayers
	seen           struct{ producerPaused, score bool } // set by events
	closed         bool
}

// Consume makes a consumer. Errors: NotFoundError for the producer, TypeError for malformed capabilities, UnsupportedError if the
// peer can take none of its codecs.
func (t *Transport) Consume(ctx context.Context, o ConsumerOptions) (*Consumer, error) {
	c, body, refused := t.prepareConsumer(o)
	if refused != nil {
		return nil, refused
	}
	return t.consume(ctx, c, body)
}

// consume makes a consumer that was prepared.
func (t *Transport) consume(ctx context.Context, c *Consumer, body proto.Consume) (*Consumer, error) {
	if err := t.addConsumer(c); err != nil {
		return nil, err
	}
	t.router.worker.listen(c.id, c, 1)
	result, err := ask[proto.ConsumeResult](ctx, t.router.worker, proto.TransportConsume, t.id, body)
	if err != nil {
		undo(err, c.Close, c.end)
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, proto.NotFound("producer", body.ProducerID)
	}
	c.paused, c.preferred = result.Paused, result.PreferredLayers
	// An event handled by now is as new as the answer, or newer: it may have overtaken us on the way from the reader.
	if !c.seen.producerPaused {
		c.producerPaused = result.ProducerPaused
	}
	if !c.seen.score {
		c.score = result.Score
	}
	return c, nil
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
	c := &Consumer{transport: t, id: newID(), producer: p, opts: o, parameters: params, kind: p.Type()}
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
		if c.opts.ProducerPause != nil {
			c.opts.ProducerPause()
		}
	case proto.EventConsumerProducerResume:
		c.set(func() { c.producerPaused, c.seen.producerPaused = false, true })
		if c.opts.ProducerResume != nil {
			c.opts.ProducerResume()
		}
	case proto.EventConsumerProducerClose:
		c.closeBy(ProducerClosed)
	}
}

func (c *Consumer) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// ID is the consumer's.
func (c *Consumer) ID() string { return c.id }

// ProducerID names what is consumed.
func (c *Consumer) ProducerID() string { return c.producer.id }

// Kind is audio or video.
func (c *Consumer) Kind() string { return c.producer.Kind() }

// Type is the producer's, or pipe.
func (c *Consumer) Type() string { return c.kind }

// RTPParameters is what the peer will receive. The caller must not change it.
func (c *Consumer) RTPParameters() proto.RTPParameters { return c.parameters }

// Paused tells whether the consumer itself is paused.
func (c *Consumer) Paused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

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

// Pause ends forwarding to this consumer.
func (c *Consumer) Pause(ctx context.Context) error {
	return c.setPaused(ctx, proto.ConsumerPause, true)
}

// Resume begins it again, with a key frame.
func (c *Consumer) Resume(ctx context.Context) error {
	return c.setPaused(ctx, proto.ConsumerResume, false)
}

func (c *Consumer) setPaused(ctx context.Context, method string, paused bool) error {
	if err := c.worker().client.Request(ctx, method, c.id, nil, nil); err != nil {
		return err
	}
	c.set(func() { c.paused = paused })
	return nil
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

// SetPriority weighs the consumer against the others of its transport, 1 to 255.
func (c *Consumer) SetPriority(ctx context.Context, priority int) error {
	return c.worker().client.Request(ctx, proto.ConsumerSetPriority, c.id, proto.SetPriority{Priority: priority}, nil)
}

// RequestKeyFrame asks the producer's peer for one.
func (c *Consumer) RequestKeyFrame(ctx context.Context) error {
	return c.worker().client.Request(ctx, proto.ConsumerRequestKeyFrame, c.id, nil, nil)
}

// Dump tells all about the consumer.
func (c *Consumer) Dump(ctx context.Context) (proto.ConsumerDump, error) {
	return ask[proto.ConsumerDump](ctx, c.worker(), proto.ConsumerDumpMethod, c.id, nil)
}

// Stats counts what was sent, and what arrived of the stream it is made of.
func (c *Consumer) Stats(ctx context.Context) ([]proto.RTPStreamStats, error) {
	return ask[[]proto.RTPStreamStats](ctx, c.worker(), proto.ConsumerGetStats, c.id, nil)
}

// Close ends the consumer.
func (c *Consumer) Close() {
	if c.end() {
		c.worker().tell(proto.TransportCloseConsumer, c.transport.id, proto.CloseConsumer{ConsumerID: c.id})
	}
}

func (c *Consumer) closeBy(reason Reason) {
	if c.end() {
		call(c.opts.Closed, reason)
	}
}

func (c *Consumer) end() bool {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return false
	}
	c.closed = true
	c.mu.Unlock()
	t := c.transport
	t.mu.Lock()
	delete(t.consumers, c.id)
	t.mu.Unlock()
	c.worker().forget(c.id, 1)
	c.happened()
	return true
}

func (c *Consumer) worker() *Worker { return c.transport.router.worker }
