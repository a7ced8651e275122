package transport

import (
	"slices"
	"time"

	"gazpacho/pkg/consumer"
	"gazpacho/pkg/producer"
	"gazpacho/proto"
)

// Consume adds a consumer of a producer of the same router: all of it or nothing.
func (m *media) Consume(now time.Time, o *proto.Consume, p *producer.Producer) (proto.ConsumeResult, *proto.Error) {
	c, err := m.newConsumer(o, p)
	if err != nil {
		return proto.ConsumeResult{}, err
	}
	if err := m.checkSSRCs(&o.RTPParameters); err != nil {
		c.Close(now)
		return proto.ConsumeResult{}, err
	}
	if err := m.owner.ConsumerCreated(now, m.self, c, p); err != nil {
		c.Close(now)
		return proto.ConsumeResult{}, err
	}
	m.outgoing.negotiate(o)
	if c, ok := c.(*consumer.Consumer); ok && m.outgoing.sender != nil {
		c.Limit()
	}
	m.consumers = append(m.consumers, c)
	m.env.Totals.consumers++
	for _, lane := range c.Lanes() {
		m.bySSRC[lane.SSRC()] = lane
		if ssrc := lane.RTXSSRC(); ssrc != 0 {
			m.byRTX[ssrc] = lane
		}
	}
	p.AddTap(c)
	if m.path.open() {
		c.TransportConnected(now)
	}
	return c.Result(), nil
}

func (m *media) newConsumer(o *proto.Consume, p *producer.Producer) (Consumer, *proto.Error) {
	cfg := consumer.Config{
		Options: o, Source: p, Sink: m, Timers: m.env.Timers, Events: m.env.Events,
		Random: m.random.uint32, ProducerPaused: p.Paused(), ProducerClosed: m.producerClosed, Demand: m.outgoing.demand,
	}
	if o.Type == proto.Pipe {
		c, err := consumer.NewPipe(cfg)
		return one[Consumer](c, err)
	}
	c, err := consumer.New(cfg)
	return one[Consumer](c, err)
}

// one is a value or an error, never an interface that holds a nil pointer.
func one[I any](v I, err *proto.Error) (I, *proto.Error) {
	if err != nil {
		var none I
		return none, err
	}
	return v, nil
}

// checkSSRCs refuses SSRCs that another consumer of the transport sends with: under the same key they would share an SRTP stream.
func (m *media) checkSSRCs(params *proto.RTPParameters) *proto.Error {
	for i, e := range params.Encodings {
		if e.SSRC == probatorSSRC && m.outgoing.padded {
			return proto.BadField(encodingPath(i)+".ssrc", "SSRC %d is that of probation", e.SSRC)
		}
		if m.consumerOf(e.SSRC) != nil {
			return proto.BadField(encodingPath(i)+".ssrc", "SSRC %d is already in use on this transport", e.SSRC)
		}
		if e.RTX != nil && m.consumerOf(e.RTX.SSRC) != nil {
			return proto.BadField(encodingPath(i)+".rtx.ssrc", "SSRC %d is already in use on this transport", e.RTX.SSRC)
		}
	}
	return nil
}

// CloseConsumer ends a consumer on request of the controller.
func (m *media) CloseConsumer(now time.Time, id string) *proto.Error {
	i := slices.IndexFunc(m.consumers, func(c Consumer) bool { return c.ID() == id })
	if i < 0 {
		return proto.NotFound("consumer", id)
	}
	m.dropConsumer(now, i)
	return nil
}

// producerClosed ends a consumer because its producer ended; the controller has been told.
func (m *media) producerClosed(now time.Time, c *consumer.Consumer) { _ = m.CloseConsumer(now, c.ID()) }

func (m *media) dropConsumer(now time.Time, i int) {
	c := m.consumers[i]
	m.consumers = slices.Delete(m.consumers, i, i+1)
	m.env.Totals.consumers--
	for _, lane := range c.Lanes() {
		delete(m.bySSRC, lane.SSRC())
		delete(m.stamps, lane.SSRC())
		m.path.forget(lane.SSRC())
		if ssrc := lane.RTXSSRC(); ssrc != 0 {
			delete(m.byRTX, ssrc)
			m.path.forget(ssrc)
		}
	}
	c.Close(now)
	m.owner.ConsumerClosed(now, c)
	m.outgoing.demand(now, false) // the others may have more
}
