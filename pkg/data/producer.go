package data

import (
	"slices"
	"time"

	"gazpacho/proto"
)

// Producer is a source of messages.
type Producer struct {
	// passed in
	options     proto.ProduceData
	stream      proto.SCTPStreamParameters
	reliability Reliability

	// owned
	consumers []*Consumer

	// state
	paused   bool
	closed   bool
	messages uint64
	bytes    uint64
}

// NewProducer makes a producer. Errors: TypeError for what is wrong with its type or stream.
func NewProducer(o *proto.ProduceData) (*Producer, *proto.Error) {
	params, reliability, err := stream(o.Type, o.SCTPStreamParameters)
	if err != nil {
		return nil, err
	}
	return &Producer{options: *o, stream: params, reliability: reliability, paused: o.Paused}, nil
}

// Type is sctp or direct.
func (p *Producer) Type() string { return p.options.Type }

// ID is the producer's.
func (p *Producer) ID() string { return p.options.DataProducerID }

// StreamID is the stream its messages come on.
func (p *Producer) StreamID() uint16 { return p.stream.StreamID }

// Reliability is what the peer promises.
func (p *Producer) Reliability() Reliability { return p.reliability }

// Paused tells whether nothing is forwarded.
func (p *Producer) Paused() bool { return p.paused }

// HandleMessage counts a message and hands it to every consumer, unless the producer is paused: then it returns false.
func (p *Producer) HandleMessage(now time.Time, m *Message) bool {
	p.messages++
	p.bytes += uint64(len(m.Payload))
	if p.paused {
		return false
	}
	for _, c := range p.consumers {
		c.ProducerMessage(now, m)
	}
	return true
}

// AddConsumer begins to hand messages to a consumer.
func (p *Producer) AddConsumer(c *Consumer) { p.consumers = append(p.consumers, c) }

// RemoveConsumer ends it.
func (p *Producer) RemoveConsumer(c *Consumer) {
	p.consumers = slices.DeleteFunc(p.consumers, func(other *Consumer) bool { return other == c })
}

// Pause ends forwarding; consumers are told.
func (p *Producer) Pause(now time.Time) { p.set(now, true) }

// Resume begins it again.
func (p *Producer) Resume(now time.Time) { p.set(now, false) }

func (p *Producer) set(now time.Time, paused bool) {
	if p.paused == paused {
		return
	}
	p.paused = paused
	for _, c := range p.consumers {
		c.producerSet(now, paused)
	}
}

// Close ends the producer, and its consumers with it.
func (p *Producer) Close(now time.Time) {
	if p.closed {
		return
	}
	p.closed = true
	consumers := p.consumers
	p.consumers = nil // they take themselves off
	for _, c := range consumers {
		c.producerClosed(now)
	}
}

// Dump shows the producer as dataProducer.dump does.
func (p *Producer) Dump() proto.DataProducerDump {
	return proto.DataProducerDump{
		ID: p.ID(), Type: p.options.Type, SCTPStreamParameters: shown(p.options.Type, p.stream), Label: p.options.Label, Protocol: p.options.Protocol, Paused: p.paused,
	}
}

// shown is the stream as dumps show it.
func shown(kind string, stream proto.SCTPStreamParameters) *proto.SCTPStreamParameters {
	if kind == proto.DataDirect {
		return nil
	}
	return &stream
}

// Stats counts as dataProducer.getStats does: a list of one.
func (p *Producer) Stats(now time.Time) []proto.DataProducerStats {
	return []proto.DataProducerStats{{
		Type: "data-producer", Timestamp: milliseconds(now), Label: p.options.Label, Protocol: p.options.Protocol,
		MessagesReceived: p.messages, BytesReceived: p.bytes,
	}}
}
