package data

import (
	"slices"
	"time"

	"gazpacho/proto"
)

// Sink takes a consumer's messages to its peer.
type Sink interface {
	// SendData sends one message on the consumer's stream, or says why not. What it took it reports with Released.
	SendData(now time.Time, c *Consumer, ppid uint32, payload []byte) Result
	// ResetData gives the consumer's stream up: what waits is discarded, and the peer is told. The consumer forgets it afterwards.
	ResetData(now time.Time, c *Consumer)
}

// ConsumerConfig is what a consumer is made of.
type ConsumerConfig struct {
	Options        *proto.ConsumeData
	Sink           Sink
	Events         Events
	Limit          int  // bytes that may wait for the peer
	LowThreshold   int  // bytes: what bufferedAmountLow waits for
	Pipe           bool // to another router, whose consumers judge subchannels for themselves
	ProducerPaused bool
	ProducerClosed func(now time.Time, c *Consumer) // called after the controller was told
	Dropped        func(why Result)                 // a message was not sent; may be nil
}

// Consumer takes a producer's messages to one peer.
type Consumer struct {
	// passed in
	cfg         ConsumerConfig
	options     proto.ConsumeData
	stream      proto.SCTPStreamParameters
	reliability Reliability

	// state
	paused         bool
	producerPaused bool
	cut            bool     // the stream is gone
	subchannels    []uint16 // sorted
	threshold      int      // of bufferedAmountLow, bytes
	waiting        waiting
	full           bool // the controller was told
	messages       uint64
	bytes          uint64
	dropped        uint64
}

// NewConsumer makes a consumer. Errors: TypeError for what is wrong with its type or stream.
func NewConsumer(cfg ConsumerConfig) (*Consumer, *proto.Error) {
	o := cfg.Options
	params, reliability, err := stream(o.Type, o.SCTPStreamParameters)
	if err != nil {
		return nil, err
	}
	c := &Consumer{
		cfg: cfg, options: *o, stream: params, reliability: reliability, paused: o.Paused, producerPaused: cfg.ProducerPaused,
		threshold: cfg.LowThreshold,
	}
	c.SetSubchannels(o.Subchannels)
	return c, nil
}

// ID is the consumer's.
func (c *Consumer) ID() string { return c.options.DataConsumerID }

// ProducerID names whose messages it takes.
func (c *Consumer) ProducerID() string { return c.options.DataProducerID }

// StreamID is the stream its messages go on.
func (c *Consumer) StreamID() uint16 { return c.stream.StreamID }

// Reliability is what its peer is promised.
func (c *Consumer) Reliability() Reliability { return c.reliability }

// ProducerMessage forwards a message of the producer, unless the consumer is paused or has no use for it.
func (c *Consumer) ProducerMessage(now time.Time, m *Message) {
	if c.paused || c.cut || !c.wants(m) {
		return
	}
	payload := m.Payload
	if c.cfg.Pipe {
		payload = c.wrap(m)
	}
	if c.offer(now, m.PPID, payload) == Full && c.reliable() {
		// Of a reliable stream nothing may be missing in the middle, so it ends here (R-SCTP-2).
		c.cfg.Sink.ResetData(now, c)
		c.Cut()
	}
}

// needsPeer refuses what makes no sense for a direct consumer, whose peer is the controller itself.
func (c *Consumer) needsPeer() *proto.Error {
	if c.direct() {
		return proto.BadField("type", "data consumer %q is direct: it has no peer that messages wait for", c.ID())
	}
	return nil
}

func (c *Consumer) direct() bool { return c.options.Type == proto.DataDirect }

func (c *Consumer) reliable() bool { return c.reliability.Reliable() }

// Send sends a message of the controller's, and returns how many bytes wait for the peer then. Pausing does not hold it back. Errors:
// TypeError for a direct consumer or too long a message, InvalidStateError without a stream, Error with code limit for a full buffer.
func (c *Consumer) Send(now time.Time, ppid uint32, payload []byte) (int, *proto.Error) {
	if err := c.needsPeer(); err != nil {
		return 0, err
	}
	payload = NotEmpty(&ppid, payload)
	if c.cut {
		return 0, proto.InvalidState("the stream of data consumer %q is closed", c.ID())
	}
	switch c.offer(now, ppid, payload) {
	case NotConnected:
		return 0, proto.InvalidState("SCTP is not connected")
	case TooLarge:
		return 0, proto.BadField("data", "%d bytes are more than the peer is promised to get", len(payload))
	case Full:
		return 0, proto.Failed(proto.CodeLimit, "the send buffer of data consumer %q is full", c.ID())
	}
	return c.waiting.bytes, nil
}

// offer sends a message if there is room for it.
func (c *Consumer) offer(now time.Time, ppid uint32, payload []byte) Result {
	r := Full
	if c.direct() || c.waiting.cost()+Cost(len(payload), 1) <= c.cfg.Limit {
		r = c.cfg.Sink.SendData(now, c, ppid, payload)
	}
	if r == Sent {
		if !c.direct() { // else it is the channel it waits in
			c.waiting.add(len(payload))
		}
		c.messages++
		c.bytes += uint64(len(payload))
		return r
	}
	c.dropped++
	if c.cfg.Dropped != nil {
		c.cfg.Dropped(r)
	}
	if r == Full && !c.full {
		c.full = true
		c.cfg.Events.Emit(c.ID(), proto.Event{Name: proto.EventDataConsumerBufferFull})
	}
	return r
}

// Released hears that the peer has acknowledged, or will never get, some of what waited.
func (c *Consumer) Released(_ time.Time, bytes, messages int) {
	before := c.waiting.bytes
	c.waiting.remove(bytes, messages)
	after := c.waiting.bytes
	if c.full && c.waiting.cost() <= c.cfg.Limit/2 {
		c.full = false
	}
	if before > c.threshold && after <= c.threshold {
		c.cfg.Events.Emit(c.ID(), proto.Event{Name: proto.EventDataConsumerAmountLow, Body: proto.BufferedAmount{BufferedAmount: after}})
	}
}

// Cut ends sending: the stream is gone, and what waited with it.
func (c *Consumer) Cut() {
	c.cut = true
	c.waiting = waiting{}
}

// Forget empties the buffer: the association is gone. Another one may come.
func (c *Consumer) Forget() { c.waiting = waiting{} }

// Waiting is what the consumer holds in memory: bytes and messages.
func (c *Consumer) Waiting() (bytes, messages int) { return c.waiting.bytes, c.waiting.messages }

// BufferedAmount is how many bytes the peer has not acknowledged. Errors: TypeError for a direct consumer.
func (c *Consumer) BufferedAmount() (int, *proto.Error) { return c.waiting.bytes, c.needsPeer() }

// SetBufferedAmountLowThreshold sets when bufferedAmountLow is told, in bytes. Errors: TypeError for a direct consumer or what is negative.
func (c *Consumer) SetBufferedAmountLowThreshold(threshold int) *proto.Error {
	if err := c.needsPeer(); err != nil {
		return err
	}
	if threshold < 0 {
		return proto.BadField("threshold", "%d is negative", threshold)
	}
	c.threshold = threshold
	return nil
}

// Pause ends forwarding to this consumer.
func (c *Consumer) Pause(time.Time) { c.paused = true }

// Resume begins it again.
func (c *Consumer) Resume(time.Time) { c.paused = false }

func (c *Consumer) producerSet(_ time.Time, paused bool) {
	c.producerPaused = paused
	name := proto.EventDataConsumerProducerResume
	if paused {
		name = proto.EventDataConsumerProducerPause
	}
	c.cfg.Events.Emit(c.ID(), proto.Event{Name: name})
}

func (c *Consumer) producerClosed(now time.Time) {
	c.cfg.Events.Emit(c.ID(), proto.Event{Name: proto.EventDataConsumerProducerClose})
	c.cfg.ProducerClosed(now, c)
}

// Dump shows the consumer as dataConsumer.dump does.
func (c *Consumer) Dump() proto.DataConsumerDump {
	return proto.DataConsumerDump{
		ID: c.ID(), DataProducerID: c.ProducerID(), Type: c.options.Type, SCTPStreamParameters: shown(c.options.Type, c.stream), Label: c.options.Label,
		Protocol: c.options.Protocol, BufferedAmount: c.waiting.bytes, BufferedAmountLowThreshold: c.threshold, Paused: c.paused,
		DataProducerPaused: c.producerPaused, Subchannels: slices.Clone(c.subchannels),
	}
}

// Stats counts as dataConsumer.getStats does: a list of one.
func (c *Consumer) Stats(now time.Time) []proto.DataConsumerStats {
	return []proto.DataConsumerStats{{
		Type: "data-consumer", Timestamp: milliseconds(now), Label: c.options.Label, Protocol: c.options.Protocol,
		MessagesSent: c.messages, BytesSent: c.bytes, MessagesDropped: c.dropped, BufferedAmount: c.waiting.bytes,
	}}
}
