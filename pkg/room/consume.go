package room

import (
	"context"
	"time"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// workerTimeout bounds what is asked of a worker on nobody's behalf.
const workerTimeout = 10 * time.Second

// offer is something to consume: either media or messages.
type offer struct {
	media *producer
	data  *dataProducer
	seat  *seat
}

// offeredMedia has the peer consume a producer as often as the room wants. The room is locked.
func (p *Peer) offeredMedia(producer *producer) {
	for range 1 + p.room.replicas {
		p.offered(offer{media: producer})
	}
}

// offered has the peer consume something, after what was offered before. What waits has its seat already, so no more than the limits
// of consumers allow waits; what is beyond them is not offered. The room is locked.
func (p *Peer) offered(o offer) {
	if !p.held(toReceive) {
		return
	}
	q := consumerQuota
	if o.data != nil {
		q = dataConsumerQuota
	}
	var err error
	if o.seat, err = p.reserve(q); err != nil {
		p.room.log.Debug("no consumer is offered", "peer", p.id, "error", err)
		return
	}
	p.offers = append(p.offers, o)
	if !p.serving {
		p.serving = true
		go p.serveOffers()
	}
}

// serveOffers makes one consumer after the other, so that the client hears of them in order; it does not wait for the client's
// answers in between.
func (p *Peer) serveOffers() {
	for {
		p.room.mu.Lock()
		if p.left || len(p.offers) == 0 {
			p.withdrawOffers()
			p.serving = false
			p.room.mu.Unlock()
			return
		}
		next := p.offers[0]
		p.offers = p.offers[1:]
		t, can := p.consuming(), p.capabilities
		p.room.mu.Unlock()
		switch {
		case t != nil && next.data != nil:
			p.consumeData(next.data, t, next.seat)
		case t != nil && next.media != nil && can != nil && p.room.router.CanConsume(next.media.ID(), *can):
			p.consume(next.media, t, *can, next.seat)
		default:
			p.giveBack(next.seat)
		}
	}
}

// withdrawOffers forgets what waits. The room is locked.
func (p *Peer) withdrawOffers() {
	for _, o := range p.offers {
		o.seat.release()
	}
	p.offers = nil
}

// consuming is the transport that consumers are made on. The room is locked.
func (p *Peer) consuming() *transport {
	for _, id := range p.order {
		if t := p.transports[id]; t.consuming {
			return t
		}
	}
	return nil
}

// consume makes a consumer, paused, and offers it to the client, whose agreement starts it: a key frame that comes before the
// client can decode it is lost.
func (p *Peer) consume(from *producer, t *transport, can proto.RTPCapabilities, s *seat) {
	ctx, cancel := context.WithTimeout(context.Background(), workerTimeout)
	defer cancel()
	c := &consumer{seat: s}
	rtx := true // also for audio: Opus has NACK
	made, err := t.Consume(ctx, control.ConsumerOptions{
		ProducerID: from.ID(), RTPCapabilities: can, Paused: true, EnableRTX: &rtx, IgnoreDTX: true,
		Score: func(s proto.ConsumerScore) {
			p.about(c, "consumerScore", func(id string) any { return consumerScore{id, s} })
		},
		LayersChange:   func(l *proto.ConsumerLayers) { p.about(c, "consumerLayersChanged", layersOf(l)) },
		ProducerPause:  func() { p.about(c, "consumerPaused", named) },
		ProducerResume: func() { p.about(c, "consumerResumed", named) },
		Closed:         func(why control.Reason) { p.ended(c, why) },
	})
	if err != nil {
		// A producer or transport that ended meanwhile is no news.
		p.room.log.Debug("no consumer", "peer", p.id, "producer", from.ID(), "error", err)
		p.giveBack(s)
		return
	}
	if agreed := p.announce(c, made, from); agreed != nil {
		go p.begin(c, agreed)
	} else {
		made.Close()
	}
}

// announce offers the consumer to the client, or returns nil if it is over already.
func (p *Peer) announce(c *consumer, made *control.Consumer, from *producer) <-chan error {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	c.Consumer = made
	if c.closed || p.left || !p.held(toReceive) {
		c.closed = true
		c.seat.release()
		return nil
	}
	c.announced = true
	p.consumers[made.ID()] = c
	return p.client.Request("newConsumer", newConsumer{
		PeerID: from.owner.id, ProducerID: made.ProducerID(), ID: made.ID(), Kind: made.Kind(), RTPParameters: made.RTPParameters(),
		Type: made.Type(), AppData: from.appData, ProducerPaused: made.ProducerPaused(),
	})
}

// begin waits for the client's agreement and resumes the consumer. One the client does not want is closed.
func (p *Peer) begin(c *consumer, agreed <-chan error) {
	err := <-agreed
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), workerTimeout)
		defer cancel()
		err = c.Resume(ctx)
	}
	if err != nil {
		p.room.log.Debug("consumer is not wanted", "peer", p.id, "consumer", c.ID(), "error", err)
		p.forget(c)
		c.Close()
		return
	}
	p.about(c, "consumerScore", func(id string) any { return consumerScore{id, c.Score()} })
}

// about tells the client of a consumer it knows.
func (p *Peer) about(c *consumer, method string, data func(id string) any) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if c.announced && !c.closed && !p.left {
		p.client.Notify(method, data(c.ID()))
	}
}

func named(id string) any { return aboutConsumer{id} }

// layersOf says which layers are forwarded; null for none.
func layersOf(l *proto.ConsumerLayers) func(id string) any {
	return func(id string) any {
		if l == nil {
			return consumerLayersChanged{ConsumerID: id}
		}
		return consumerLayersChanged{ConsumerID: id, SpatialLayer: &l.SpatialLayer, TemporalLayer: l.TemporalLayer}
	}
}

// ended hears that a consumer is over; with its whole transport there is nothing to tell.
func (p *Peer) ended(c *consumer, why control.Reason) {
	if why == control.ProducerClosed {
		p.about(c, "consumerClosed", named)
	}
	p.forget(c)
}

func (p *Peer) forget(c *consumer) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.dropConsumer(c)
}

// dropConsumer is forget for a room that is locked.
func (p *Peer) dropConsumer(c *consumer) {
	c.closed = true
	c.seat.release()
	if c.announced {
		delete(p.consumers, c.ID())
	}
}

// PauseConsumer pauses one of the peer's consumers.
func (p *Peer) PauseConsumer(ctx context.Context, id string) error {
	c, err := p.ownConsumer(id)
	if err != nil {
		return err
	}
	return c.Pause(ctx)
}

// ResumeConsumer resumes it.
func (p *Peer) ResumeConsumer(ctx context.Context, id string) error {
	c, err := p.ownConsumer(id)
	if err != nil {
		return err
	}
	return c.Resume(ctx)
}

// SetConsumerPreferredLayers limits its layers.
func (p *Peer) SetConsumerPreferredLayers(ctx context.Context, b SetConsumerPreferredLayers) error {
	c, err := p.ownConsumer(b.ConsumerID)
	if err != nil {
		return err
	}
	if b.SpatialLayer < 0 {
		return proto.BadField("spatialLayer", "%d is negative", b.SpatialLayer)
	}
	if b.TemporalLayer != nil && *b.TemporalLayer < 0 {
		return proto.BadField("temporalLayer", "%d is negative", *b.TemporalLayer)
	}
	return c.SetPreferredLayers(ctx, proto.ConsumerLayers{SpatialLayer: b.SpatialLayer, TemporalLayer: b.TemporalLayer})
}

// SetConsumerPriority weighs it against the peer's others.
func (p *Peer) SetConsumerPriority(ctx context.Context, id string, priority int) error {
	c, err := p.ownConsumer(id)
	if err != nil {
		return err
	}
	if priority < 1 || priority > 255 {
		return proto.BadField("priority", "%d is not 1 to 255", priority)
	}
	return c.SetPriority(ctx, priority)
}

// RequestConsumerKeyFrame asks its sender for a key frame.
func (p *Peer) RequestConsumerKeyFrame(ctx context.Context, id string) error {
	c, err := p.ownConsumer(id)
	if err != nil {
		return err
	}
	return c.RequestKeyFrame(ctx)
}

// ConsumerStats counts what was sent of it.
func (p *Peer) ConsumerStats(ctx context.Context, id string) ([]proto.RTPStreamStats, error) {
	if err := p.may(toReceive); err != nil {
		return nil, err
	}
	c, err := p.consumer(id)
	if err != nil {
		return nil, err
	}
	return c.Stats(ctx)
}

func (p *Peer) ownConsumer(id string) (*consumer, error) {
	if err := p.mayJoined(toReceive); err != nil {
		return nil, err
	}
	return p.consumer(id)
}
