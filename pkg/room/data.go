package room

import (
	"context"
	"encoding/json"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// maxLabel bounds a label and a protocol, bytes.
const maxLabel = 1 << 10

// dataProducer is messages that a member sends.
type dataProducer struct {
	*control.DataProducer
	owner   *member // nil: the bot's
	appData map[string]json.RawMessage
	number  int // in the order of their making
	seat    *seat
	closed  bool
}

// dataConsumer is messages that a member receives.
type dataConsumer struct {
	*control.DataConsumer
	seat      *seat
	announced bool // the client was told of it
	closed    bool
}

// ProduceData begins to send messages to the others.
func (p *Peer) ProduceData(ctx context.Context, b ProduceData) (Created, error) {
	if err := p.mayJoined(toMessage); err != nil {
		return Created{}, err
	}
	return p.produceData(ctx, b)
}

func (m *member) produceData(ctx context.Context, b ProduceData) (Created, error) {
	t, err := m.transport(b.TransportID)
	if err != nil {
		return Created{}, err
	}
	for _, f := range []struct{ name, text string }{{"label", b.Label}, {"protocol", b.Protocol}} {
		if len(f.text) > maxLabel {
			return Created{}, proto.BadField(f.name, "has at most %d bytes", maxLabel)
		}
	}
	if absent(b.SCTPStreamParameters) {
		return Created{}, proto.BadField("sctpStreamParameters", "is missing")
	}
	params, refused := control.DecodeSCTPStreamParameters(b.SCTPStreamParameters)
	if refused != nil {
		refused.Path = join("sctpStreamParameters", refused.Path)
		return Created{}, refused
	}
	d := &dataProducer{owner: m, appData: appDataOf(b.AppData, m.id)}
	if d.seat, err = m.take(dataProducerQuota); err != nil {
		return Created{}, err
	}
	made, err := t.ProduceData(ctx, control.DataProducerOptions{
		SCTPStreamParameters: &params, Label: b.Label, Protocol: b.Protocol, Closed: func(control.Reason) { m.stoppedData(d) },
	})
	if err != nil {
		m.giveBack(d.seat)
		return Created{}, err
	}
	if err := m.sendsData(d, made); err != nil {
		made.Close()
		return Created{}, err
	}
	if made.Label() == botLabel {
		if err := m.room.tellBot(ctx, d); err != nil { // a room goes on without one
			m.room.log.Warn("the bot does not hear", "peer", m.id, "dataProducer", made.ID(), "error", err)
		}
	}
	return Created{ID: made.ID()}, nil
}

// sendsData enters a data producer that was just made and offers it to the others.
func (m *member) sendsData(d *dataProducer, made *control.DataProducer) error {
	r := m.room
	r.mu.Lock()
	defer r.mu.Unlock()
	d.DataProducer = made
	switch {
	case m.left || d.closed: // its transports are closed, or are being so
		d.seat.release()
		return errLeft(m.id)
	case !m.held(toMessage): // the grant was changed meanwhile
		d.seat.release()
		return r.rooms.forbidden("the token lacks " + toMessage.claim)
	}
	r.numbers++
	d.number = r.numbers
	m.dataProducers[made.ID()] = d
	if made.Label() == botLabel {
		return nil
	}
	r.dataProducers[made.ID()] = d
	for _, p := range r.peers {
		if p.joined && &p.member != m {
			p.offered(offer{data: d})
		}
	}
	return nil
}

// stoppedData forgets a data producer.
func (m *member) stoppedData(d *dataProducer) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.dropData(d)
}

// dropData is stoppedData for a room that is locked.
func (m *member) dropData(d *dataProducer) {
	d.closed = true
	d.seat.release()
	if d.DataProducer != nil {
		delete(m.dataProducers, d.ID())
		delete(m.room.dataProducers, d.ID())
	}
}

// consumeData makes a data consumer and offers it to the client. One the client does not want is closed.
func (p *Peer) consumeData(from *dataProducer, t *transport, s *seat) {
	ctx, cancel := context.WithTimeout(context.Background(), workerTimeout)
	defer cancel()
	c := &dataConsumer{seat: s}
	made, err := t.ConsumeData(ctx, control.DataConsumerOptions{
		DataProducerID: from.ID(),
		SendBufferFull: func() { p.overrun(c) },
		Closed:         func(why control.Reason) { p.endedData(c, why == control.ProducerClosed) },
	})
	if err != nil {
		// A data producer or transport that ended meanwhile is no news.
		p.room.log.Debug("no data consumer", "peer", p.id, "dataProducer", from.ID(), "error", err)
		p.giveBack(s)
		return
	}
	agreed := p.announceData(c, made, from)
	if agreed == nil {
		made.Close()
		return
	}
	go func() {
		if err := <-agreed; err != nil {
			p.room.log.Debug("data consumer is not wanted", "peer", p.id, "dataConsumer", made.ID(), "error", err)
			p.endedData(c, false)
			made.Close()
		}
	}()
}

// announceData offers the data consumer to the client, or returns nil if it is over already.
func (p *Peer) announceData(c *dataConsumer, made *control.DataConsumer, from *dataProducer) <-chan error {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	c.DataConsumer = made
	if c.closed || p.left || !p.held(toReceive) {
		c.closed = true
		c.seat.release()
		return nil
	}
	c.announced = true
	p.dataConsumers[made.ID()] = c
	var sender *string
	if from.owner != nil {
		sender = &from.owner.id
	}
	return p.client.Request("newDataConsumer", newDataConsumer{
		PeerID: sender, DataProducerID: made.DataProducerID(), ID: made.ID(), SCTPStreamParameters: made.SCTPStreamParameters(),
		Label: made.Label(), Protocol: made.Protocol(), AppData: from.appData,
	})
}

// overrun hears that the client reads too slowly. A reliable data consumer has lost its stream by that, and is closed; of another one
// messages are missing, which is what its reader agreed to.
func (p *Peer) overrun(c *dataConsumer) {
	p.room.mu.Lock()
	made := c.DataConsumer
	p.room.mu.Unlock()
	if made == nil {
		return
	}
	if params := made.SCTPStreamParameters(); params.MaxPacketLifeTime != nil || params.MaxRetransmits != nil {
		return
	}
	p.room.log.Info("data consumer is closed", "peer", p.id, "dataConsumer", made.ID(), "reason", "reads too slowly")
	p.endedData(c, true)
	go made.Close() // it asks the worker, whose event this is
}

// endedData forgets a data consumer, and tells the client of the end if it is news.
func (p *Peer) endedData(c *dataConsumer, tell bool) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.dropDataConsumer(c, tell)
}

// dropDataConsumer is endedData for a room that is locked.
func (p *Peer) dropDataConsumer(c *dataConsumer, tell bool) {
	if c.announced && !c.closed {
		delete(p.dataConsumers, c.ID())
		if tell && !p.left {
			p.client.Notify("dataConsumerClosed", aboutDataConsumer{c.ID()})
		}
	}
	c.closed = true
	c.seat.release()
}

// DataProducerStats counts what the room received of one of the peer's data producers.
func (p *Peer) DataProducerStats(ctx context.Context, id string) ([]proto.DataProducerStats, error) {
	if err := p.may(); err != nil {
		return nil, err
	}
	d, err := find(&p.member, p.dataProducers, "dataProducer", id)
	if err != nil {
		return nil, err
	}
	return d.Stats(ctx)
}

// DataConsumerStats counts what was sent to one of the peer's data consumers.
func (p *Peer) DataConsumerStats(ctx context.Context, id string) ([]proto.DataConsumerStats, error) {
	if err := p.may(toReceive); err != nil {
		return nil, err
	}
	c, err := find(&p.member, p.dataConsumers, "dataConsumer", id)
	if err != nil {
		return nil, err
	}
	return c.Stats(ctx)
}
