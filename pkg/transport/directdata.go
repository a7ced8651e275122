package transport

import (
	"slices"
	"time"

	"gazpacho/pkg/data"
	"gazpacho/proto"
)

// directData is the data producers and consumers of a direct transport. They have no streams.
type directData struct {
	producers []*data.Producer
	consumers []*data.Consumer
}

// ReceiveMessage takes a message the controller sends on behalf of a data producer of the transport. Its payload is borrowed.
func (d *Direct) ReceiveMessage(now time.Time, p *data.Producer, m *data.Message) {
	d.env.Totals.messagesIn++
	if len(m.Payload) > d.maxReceive {
		d.drop(DropDataOversized)
		return
	}
	m.Payload = slices.Clone(data.NotEmpty(&m.PPID, m.Payload))
	if !p.HandleMessage(now, m) {
		d.drop(DropDataPaused)
	}
}

// ProduceData adds a data producer: all of it or nothing.
func (d *Direct) ProduceData(now time.Time, o *proto.ProduceData) (proto.DataProducerDump, *proto.Error) {
	var none proto.DataProducerDump
	p, err := data.NewProducer(o)
	switch {
	case err != nil:
		return none, err
	case p.Type() != proto.DataDirect:
		return none, errNotDirect()
	}
	if err := d.data.room(); err != nil {
		return none, err
	}
	if err := d.owner.DataProducerCreated(now, d, p); err != nil {
		return none, err
	}
	d.data.producers = append(d.data.producers, p)
	d.env.Totals.dataProducers++
	return p.Dump(), nil
}

// ConsumeData adds a data consumer of a data producer of the same router: all of it or nothing.
func (d *Direct) ConsumeData(now time.Time, o *proto.ConsumeData, p *data.Producer) (proto.DataConsumerDump, *proto.Error) {
	var none proto.DataConsumerDump
	c, err := data.NewConsumer(data.ConsumerConfig{
		Options: o, Sink: d, Events: d.env.Events, ProducerPaused: p.Paused(),
		ProducerClosed: func(now time.Time, c *data.Consumer) { _ = d.CloseDataConsumer(now, c.ID()) }, Dropped: d.unsent,
	})
	switch {
	case err != nil:
		return none, err
	case o.Type != proto.DataDirect:
		return none, errNotDirect()
	}
	if err := d.data.room(); err != nil {
		return none, err
	}
	if err := d.owner.DataConsumerCreated(now, d, c, p); err != nil {
		return none, err
	}
	d.data.consumers = append(d.data.consumers, c)
	d.env.Totals.dataConsumers++
	p.AddConsumer(c)
	return c.Dump(), nil
}

func errNotDirect() *proto.Error {
	return proto.Unsupported("a direct transport has no SCTP: its data is of type direct")
}

func (d *directData) room() *proto.Error {
	if len(d.producers)+len(d.consumers) >= maxDataStreams {
		return proto.Failed(proto.CodeLimit, "a transport has at most %d data producers and data consumers", maxDataStreams)
	}
	return nil
}

// SendData sends a consumer's message up. What waits then waits in the channel, which loses the oldest when the controller does not keep up.
func (d *Direct) SendData(_ time.Time, c *data.Consumer, ppid uint32, payload []byte) data.Result {
	if len(payload) > d.maxSend {
		return data.TooLarge
	}
	d.env.Totals.messagesOut++
	d.env.Events.Emit(c.ID(), proto.Event{Name: proto.EventDataConsumerMessage, Body: proto.DataConsumerMessage{PPID: ppid}, Payload: payload})
	return data.Sent
}

// ResetData is never called: nothing waits.
func (d *Direct) ResetData(time.Time, *data.Consumer) {}

// unsent counts a message of a consumer that was not sent.
func (d *Direct) unsent(data.Result) { d.drop(DropDataTooLarge) }

// CloseDataProducer ends a data producer.
func (d *Direct) CloseDataProducer(now time.Time, id string) *proto.Error {
	i := slices.IndexFunc(d.data.producers, func(p *data.Producer) bool { return p.ID() == id })
	if i < 0 {
		return proto.NotFound("dataProducer", id)
	}
	p := d.data.producers[i]
	d.data.producers = slices.Delete(d.data.producers, i, i+1)
	d.env.Totals.dataProducers--
	p.Close(now)
	d.owner.DataProducerClosed(now, p)
	return nil
}

// CloseDataConsumer ends a data consumer.
func (d *Direct) CloseDataConsumer(now time.Time, id string) *proto.Error {
	i := slices.IndexFunc(d.data.consumers, func(c *data.Consumer) bool { return c.ID() == id })
	if i < 0 {
		return proto.NotFound("dataConsumer", id)
	}
	c := d.data.consumers[i]
	d.data.consumers = slices.Delete(d.data.consumers, i, i+1)
	d.env.Totals.dataConsumers--
	c.Cut()
	d.owner.DataConsumerClosed(now, c)
	return nil
}

// closeData ends all: consumers first, so that none hears of a producer's end on the same transport.
func (d *Direct) closeData(now time.Time) {
	for _, c := range slices.Clone(d.data.consumers) {
		_ = d.CloseDataConsumer(now, c.ID())
	}
	for _, p := range slices.Clone(d.data.producers) {
		_ = d.CloseDataProducer(now, p.ID())
	}
}

// addToDump shows them.
func (d *directData) addToDump(dump *proto.TransportDump) {
	for _, p := range d.producers {
		dump.DataProducerIDs = append(dump.DataProducerIDs, p.ID())
	}
	for _, c := range d.consumers {
		dump.DataConsumerIDs = append(dump.DataConsumerIDs, c.ID())
	}
}
