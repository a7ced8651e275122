package transport

import (
	"slices"
	"time"

	"gazpacho/pkg/data"
	"gazpacho/proto"
)

// SCTP is the island that holds a transport's SCTP association. None of its methods block.
type SCTP interface {
	Open(stream uint16, r data.Reliability)
	CloseStream(stream uint16)
	Send(now time.Time, stream uint16, ppid uint32, payload []byte)
	Close()
}

// Caps on what waits for slow peers, in bytes (SECURITY.md R-SCTP-2). A transport's options may say less.
const (
	maxConsumerBuffer  = 1 << 20
	maxTransportBuffer = 8 << 20
	MaxWorkerBuffer    = 256 << 20
)

// defaultMessageSize is how large messages are at most unless options say otherwise, in bytes.
const defaultMessageSize = 262_144

// maxDataStreams is how many data producers and data consumers a transport has at most (R-SCTP-1).
const maxDataStreams = 1024

// messages is the part of a transport that carries data producers and data consumers. Transports without SCTP have none.
type messages struct {
	// passed in
	m       *media
	options proto.SCTPOptions // with every default said
	start   func(now time.Time) SCTP

	// owned
	producers   []*data.Producer
	consumers   []*data.Consumer
	producerOf  map[uint16]*data.Producer // by stream
	consumerOf  map[uint16]*data.Consumer
	association SCTP // nil until it is needed and possible
	budget      *data.Budget

	// state
	possible   bool // what SCTP runs on is connected
	wanted     bool // there is somebody to talk to
	state      string
	negotiated *proto.SCTPNegotiatedCapabilities
}

// newMessages checks the options and fills in mediasoup's defaults; start makes the association.
func newMessages(m *media, o proto.SCTPOptions, start func(now time.Time) SCTP) (*messages, *proto.Error) {
	if !o.EnableSCTP {
		return nil, nil
	}
	for _, f := range []struct {
		name       string
		value      *int
		def, least int
	}{
		{"maxSendMessageSize", &o.MaxSendMessageSize, defaultMessageSize, 1},
		{"maxReceiveMessageSize", &o.MaxReceiveMessageSize, defaultMessageSize, 1},
		{"sctpSendBufferSize", &o.SCTPSendBufferSize, 2_000_000, 1},
		{"sctpPerStreamSendQueueLimit", &o.SCTPPerStreamSendQueueLimit, 2_000_000, 1},
		{"sctpMaxReceiverWindowBufferSize", &o.SCTPMaxReceiverWindowBufferSize, 5_242_880, 16_384},
	} {
		switch {
		case *f.value == 0:
			*f.value = f.def
		case *f.value < f.least || *f.value > maxTransportBuffer:
			return nil, proto.BadField(f.name, "%d is not %d to %d", *f.value, f.least, maxTransportBuffer)
		}
	}
	if t := o.SCTPDefaultStreamBufferedAmountLowThreshold; t == nil {
		threshold := 1024
		o.SCTPDefaultStreamBufferedAmountLowThreshold = &threshold
	} else if *t < 0 {
		return nil, proto.BadField("sctpDefaultStreamBufferedAmountLowThreshold", "%d is negative", *t)
	}
	return &messages{
		m: m, options: o, start: start, budget: data.NewBudget(min(maxTransportBuffer, o.SCTPSendBufferSize), m.env.DataBudget),
		state: proto.SCTPNew, producerOf: make(map[uint16]*data.Producer), consumerOf: make(map[uint16]*data.Consumer),
	}, nil
}

func errDirect() *proto.Error {
	return proto.Unsupported("data of type direct is for direct transports")
}

func errNoSCTP() *proto.Error { return proto.BadField("type", "SCTP is not enabled on this transport") }

// ProduceData adds a data producer: all of it or nothing.
func (m *media) ProduceData(now time.Time, o *proto.ProduceData) (proto.DataProducerDump, *proto.Error) {
	var none proto.DataProducerDump
	p, err := data.NewProducer(o)
	if err != nil {
		return none, err
	}
	d := m.messages
	switch {
	case p.Type() != proto.DataSCTP:
		return none, errDirect()
	case d == nil:
		return none, errNoSCTP()
	}
	if d.producerOf[p.StreamID()] != nil {
		return none, proto.BadField("sctpStreamParameters.streamId", "stream %d has a data producer already", p.StreamID())
	}
	if err := d.room(); err != nil {
		return none, err
	}
	if err := m.owner.DataProducerCreated(now, m.self, p); err != nil {
		return none, err
	}
	d.producers = append(d.producers, p)
	m.env.Totals.dataProducers++
	d.producerOf[p.StreamID()] = p
	d.open(p.StreamID())
	d.want(now)
	return p.Dump(), nil
}

// ConsumeData adds a data consumer of a data producer of the same router: all of it or nothing.
func (m *media) ConsumeData(now time.Time, o *proto.ConsumeData, p *data.Producer) (proto.DataConsumerDump, *proto.Error) {
	var none proto.DataConsumerDump
	d := m.messages
	cfg := data.ConsumerConfig{Options: o, Events: m.env.Events, ProducerPaused: p.Paused(), Pipe: m.kind == kindPipe}
	if d != nil {
		cfg.Sink, cfg.ProducerClosed, cfg.Dropped = d, d.producerClosed, d.unsent
		cfg.Limit = min(maxConsumerBuffer, d.options.SCTPPerStreamSendQueueLimit)
		cfg.LowThreshold = *d.options.SCTPDefaultStreamBufferedAmountLowThreshold
	}
	c, err := data.NewConsumer(cfg)
	switch {
	case err != nil:
		return none, err
	case o.Type != proto.DataSCTP:
		return none, errDirect()
	case d == nil:
		return none, errNoSCTP()
	case d.consumerOf[c.StreamID()] != nil:
		return none, proto.BadField("sctpStreamParameters.streamId", "stream %d has a data consumer already", c.StreamID())
	}
	if err := d.room(); err != nil {
		return none, err
	}
	if err := m.owner.DataConsumerCreated(now, m.self, c, p); err != nil {
		return none, err
	}
	d.consumers = append(d.consumers, c)
	m.env.Totals.dataConsumers++
	d.consumerOf[c.StreamID()] = c
	p.AddConsumer(c)
	d.open(c.StreamID())
	d.want(now)
	return c.Dump(), nil
}

func (d *messages) room() *proto.Error {
	if len(d.producers)+len(d.consumers) >= maxDataStreams {
		return proto.Failed(proto.CodeLimit, "a transport has at most %d data producers and data consumers", maxDataStreams)
	}
	return nil
}

// CloseDataProducer ends a data producer.
func (m *media) CloseDataProducer(now time.Time, id string) *proto.Error {
	if d := m.messages; d != nil {
		if i := slices.IndexFunc(d.producers, func(p *data.Producer) bool { return p.ID() == id }); i >= 0 {
			p := d.producers[i]
			d.producers = slices.Delete(d.producers, i, i+1)
			m.env.Totals.dataProducers--
			delete(d.producerOf, p.StreamID())
			d.end(p.StreamID())
			p.Close(now)
			m.owner.DataProducerClosed(now, p)
			return nil
		}
	}
	return proto.NotFound("dataProducer", id)
}

// CloseDataConsumer ends a data consumer.
func (m *media) CloseDataConsumer(now time.Time, id string) *proto.Error {
	if d := m.messages; d != nil {
		if i := slices.IndexFunc(d.consumers, func(c *data.Consumer) bool { return c.ID() == id }); i >= 0 {
			c := d.consumers[i]
			d.consumers = slices.Delete(d.consumers, i, i+1)
			m.env.Totals.dataConsumers--
			delete(d.consumerOf, c.StreamID())
			d.giveBack(c)
			c.Cut()
			d.end(c.StreamID())
			m.owner.DataConsumerClosed(now, c)
			return nil
		}
	}
	return proto.NotFound("dataConsumer", id)
}

// producerClosed ends a consumer because its producer ended; the controller has been told.
func (d *messages) producerClosed(now time.Time, c *data.Consumer) {
	_ = d.m.CloseDataConsumer(now, c.ID())
}

// close ends everything: consumers first, so that none hears of a producer's end on the same transport.
func (d *messages) close(now time.Time) {
	d.drop()
	for _, c := range d.consumers {
		c.Cut()
		d.m.owner.DataConsumerClosed(now, c)
	}
	for _, p := range d.producers {
		p.Close(now)
		d.m.owner.DataProducerClosed(now, p)
	}
	d.m.env.Totals.dataConsumers -= len(d.consumers)
	d.m.env.Totals.dataProducers -= len(d.producers)
	d.consumers, d.producers = nil, nil
	clear(d.consumerOf)
	clear(d.producerOf)
}
