package control

import (
	"context"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/ortc"
	"gazpacho/proto"
)

// DataConsumerOptions are what messages a peer takes and who is told. What is nil is as the data producer has it.
type DataConsumerOptions struct {
	ID                string // made up if empty
	DataProducerID    string
	Ordered           *bool
	MaxPacketLifeTime *uint16 // milliseconds
	MaxRetransmits    *uint16
	Paused            bool
	Subchannels       []uint16

	ProducerPause     func()
	ProducerResume    func()
	BufferedAmountLow func(bytes int)
	SendBufferFull    func() // a reliable one has no stream any more
	Closed            func(Reason)

	// Message is told what comes to a direct transport. The payload is not to be changed, and copied by who keeps it.
	Message func(ppid uint32, payload []byte)
}

// DataConsumer is one data producer's messages on their way to a peer.
type DataConsumer struct {
	handle
	opts       DataConsumerOptions
	label      string
	protocol   string
	parameters proto.SCTPStreamParameters

	// state
	producerPaused bool
	seen           bool // producerPaused was set by an event
	subchannels    []uint16
}

func (t *Transport) newDataConsumer(o DataConsumerOptions) *DataConsumer {
	o.ID = IDOr(o.ID)
	c := &DataConsumer{handle: t.handleOf(dataConsumerKind, o.ID, o.Closed), opts: o}
	c.leave = func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.dataConsumers, c.id)
	}
	return c
}

// ConsumeData makes a data consumer, on a stream that is free. Errors: NotFoundError for the data producer, TypeError for a
// transport without SCTP or limits that exclude each other.
func (t *Transport) ConsumeData(ctx context.Context, o DataConsumerOptions) (*DataConsumer, error) {
	if t.router.worker.remote {
		return t.consumeDataRemotely(ctx, o)
	}
	p := t.router.dataProducer(o.DataProducerID)
	if p == nil {
		return nil, proto.NotFound("dataProducer", o.DataProducerID)
	}
	c := t.newDataConsumer(o)
	c.label, c.protocol = p.opts.Label, p.opts.Protocol
	if err := t.addDataConsumer(c, p); err != nil {
		return nil, err
	}
	body := proto.ConsumeData{
		DataConsumerID: c.id, DataProducerID: p.id, Type: proto.DataSCTP, SCTPStreamParameters: &c.parameters, Label: c.label,
		Protocol: c.protocol, Paused: o.Paused, Subchannels: o.Subchannels,
	}
	if t.direct {
		body.Type, body.SCTPStreamParameters = proto.DataDirect, nil
	}
	return kept(c, t.askConsumeData(ctx, c, body))
}

// askConsumeData asks for a data consumer that was entered.
func (t *Transport) askConsumeData(ctx context.Context, c *DataConsumer, body any) error {
	var dump proto.DataConsumerDump
	if err := t.request(ctx, proto.TransportConsumeData, body, &dump); err != nil {
		undo(err, c.Close, c.end)
		return err
	}
	return c.made(&dump)
}

// made takes over how the data consumer was made.
func (c *DataConsumer) made(dump *proto.DataConsumerDump) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return proto.NotFound("dataProducer", c.opts.DataProducerID)
	}
	c.paused, c.subchannels, c.label, c.protocol = dump.Paused, dump.Subchannels, dump.Label, dump.Protocol
	if dump.SCTPStreamParameters != nil {
		c.parameters = *dump.SCTPStreamParameters
	}
	if !c.seen {
		c.producerPaused = dump.DataProducerPaused
	}
	return nil
}

func (c *DataConsumer) event(name string, body channel.Raw) {
	switch name {
	case proto.EventDataConsumerProducerPause:
		c.set(func() { c.producerPaused, c.seen = true, true })
		c.news()
		notify(c.opts.ProducerPause)
	case proto.EventDataConsumerProducerResume:
		c.set(func() { c.producerPaused, c.seen = false, true })
		c.news()
		notify(c.opts.ProducerResume)
	case proto.EventDataConsumerAmountLow:
		var b proto.BufferedAmount
		if channel.Decode(body, &b) == nil {
			call(c.opts.BufferedAmountLow, b.BufferedAmount)
		}
	case proto.EventDataConsumerBufferFull:
		notify(c.opts.SendBufferFull)
	case proto.EventDataConsumerProducerClose:
		c.closeBy(ProducerClosed)
	case proto.EventDataConsumerPaused, proto.EventDataConsumerResumed:
		c.heard(name == proto.EventDataConsumerPaused)
	case proto.EventDataConsumerClosed:
		heedEnd(body, c.closeBy)
	}
}

// DataProducerID names what is consumed.
func (c *DataConsumer) DataProducerID() string { return c.opts.DataProducerID }

// SCTPStreamParameters is the stream its messages go on; zero on a direct transport.
func (c *DataConsumer) SCTPStreamParameters() proto.SCTPStreamParameters { return c.parameters }

// Label is the data producer's.
func (c *DataConsumer) Label() string { return c.label }

// Protocol is the data producer's.
func (c *DataConsumer) Protocol() string { return c.protocol }

// silent tells whether nothing is forwarded, be it for its own sake or the data producer's.
func (c *DataConsumer) silent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused || c.producerPaused
}

// ProducerPaused tells whether its data producer is.
func (c *DataConsumer) ProducerPaused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.producerPaused
}

// Subchannels are those it is subscribed to, in order. The caller must not change them.
func (c *DataConsumer) Subchannels() []uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.subchannels
}

// Send sends a message of ours, and returns how many bytes wait for the peer then. PPID is 51 for text and 53 for binary.
func (c *DataConsumer) Send(ctx context.Context, ppid uint32, data []byte) (int, error) {
	r, err := ask[proto.BufferedAmount](ctx, c.worker(), proto.DataConsumerSend, c.id, proto.SendData{PPID: ppid, Data: data})
	return r.BufferedAmount, err
}

// BufferedAmount is how many bytes wait for the peer.
func (c *DataConsumer) BufferedAmount(ctx context.Context) (int, error) {
	r, err := ask[proto.BufferedAmount](ctx, c.worker(), proto.DataConsumerGetBufferedAmount, c.id, nil)
	return r.BufferedAmount, err
}

// SetBufferedAmountLowThreshold sets what BufferedAmountLow waits for, in bytes.
func (c *DataConsumer) SetBufferedAmountLowThreshold(ctx context.Context, threshold int) error {
	body := proto.SetBufferedAmountLowThreshold{Threshold: threshold}
	return c.request(ctx, proto.DataConsumerSetBufferedAmountLowThreshold, body)
}

// SetSubchannels replaces the subscriptions.
func (c *DataConsumer) SetSubchannels(ctx context.Context, list ...uint16) error {
	return c.subscribe(ctx, proto.DataConsumerSetSubchannels, proto.SetSubchannels{Subchannels: list})
}

// AddSubchannel subscribes to one more.
func (c *DataConsumer) AddSubchannel(ctx context.Context, s uint16) error {
	return c.subscribe(ctx, proto.DataConsumerAddSubchannel, proto.Subchannel{Subchannel: s})
}

// RemoveSubchannel ends a subscription.
func (c *DataConsumer) RemoveSubchannel(ctx context.Context, s uint16) error {
	return c.subscribe(ctx, proto.DataConsumerRemoveSubchannel, proto.Subchannel{Subchannel: s})
}

func (c *DataConsumer) subscribe(ctx context.Context, method string, body any) error {
	r, err := ask[proto.Subchannels](ctx, c.worker(), method, c.id, body)
	if err == nil {
		c.set(func() { c.subchannels = r.Subchannels })
	}
	return err
}

// Dump tells all about the data consumer.
func (c *DataConsumer) Dump(ctx context.Context) (proto.DataConsumerDump, error) {
	return ask[proto.DataConsumerDump](ctx, c.worker(), proto.DataConsumerDumpMethod, c.id, nil)
}

// Stats counts what was sent: a list of one.
func (c *DataConsumer) Stats(ctx context.Context) ([]proto.DataConsumerStats, error) {
	return ask[[]proto.DataConsumerStats](ctx, c.worker(), proto.DataConsumerGetStats, c.id, nil)
}

// addDataConsumer enters a data consumer of p and gives it a stream.
func (t *Transport) addDataConsumer(c *DataConsumer, p *DataProducer) error {
	return t.router.admit(c.address, c, 0, func() error { return t.putDataConsumer(c, p) })
}

func (t *Transport) putDataConsumer(c *DataConsumer, p *DataProducer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed("transport", t.id)
	}
	if t.direct {
		t.dataConsumers[c.id] = c
		return nil
	}
	stream, ok := t.freeStream()
	if !ok {
		return proto.Failed(proto.CodeLimit, "transport %q has no free SCTP stream", t.id)
	}
	o := c.opts
	params, err := ortc.DataConsumerParameters(&p.parameters, stream, ortc.DataConsumerOptions{
		Ordered: o.Ordered, MaxPacketLifeTime: o.MaxPacketLifeTime, MaxRetransmits: o.MaxRetransmits,
	})
	if err != nil {
		return err
	}
	c.parameters, t.nextStream = params, stream+1
	t.dataConsumers[c.id] = c
	return nil
}

// freeStream finds the next stream that nobody uses in either direction: a channel has the same number both ways. Numbers are used in
// turn, since the peer needs a while to let go of one. The transport is locked.
func (t *Transport) freeStream() (uint16, bool) {
	limit := 65_535
	if n := t.maxStreams; n != 0 {
		limit = int(n)
	}
	used := make(map[uint16]bool, len(t.dataProducers)+len(t.dataConsumers))
	for _, p := range t.dataProducers {
		used[p.parameters.StreamID] = true
	}
	for _, c := range t.dataConsumers {
		used[c.parameters.StreamID] = true
	}
	for i := range limit {
		if id := uint16((int(t.nextStream) + i) % limit); !used[id] {
			return id, true
		}
	}
	return 0, false
}
