package control

import (
	"context"
	"sync"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/ortc"
	"gazpacho/proto"
)

// DataConsumerOptions are what messages a peer takes and who is told. What is nil is as the data producer has it.
type DataConsumerOptions struct {
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
	ending

	// passed in
	transport  *Transport
	id         string
	producer   *DataProducer
	opts       DataConsumerOptions
	parameters proto.SCTPStreamParameters

	// state
	mu             sync.Mutex
	paused         bool
	producerPaused bool
	told           bool // producerPaused was set by an event
	subchannels    []uint16
	closed         bool
}

// ConsumeData makes a data consumer, on a stream that is free. Errors: NotFoundError for the data producer, TypeError for a
// transport without SCTP or limits that exclude each other.
func (t *Transport) ConsumeData(ctx context.Context, o DataConsumerOptions) (*DataConsumer, error) {
	r := t.router
	p := r.dataProducer(o.DataProducerID)
	if p == nil {
		return nil, proto.NotFound("dataProducer", o.DataProducerID)
	}
	c := &DataConsumer{transport: t, id: newID(), producer: p, opts: o}
	if err := t.addDataConsumer(c); err != nil {
		return nil, err
	}
	r.worker.listen(c.id, c, 0)
	body := proto.ConsumeData{
		DataConsumerID: c.id, DataProducerID: p.id, Type: proto.DataSCTP, SCTPStreamParameters: &c.parameters, Label: p.opts.Label,
		Protocol: p.opts.Protocol, Paused: o.Paused, Subchannels: o.Subchannels,
	}
	if t.direct {
		body.Type, body.SCTPStreamParameters = proto.DataDirect, nil
	}
	dump, err := ask[proto.DataConsumerDump](ctx, r.worker, proto.TransportConsumeData, t.id, body)
	if err != nil {
		undo(err, c.Close, c.end)
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, proto.NotFound("dataProducer", o.DataProducerID)
	}
	c.paused, c.subchannels = dump.Paused, dump.Subchannels
	if !c.told {
		c.producerPaused = dump.DataProducerPaused
	}
	return c, nil
}

func (c *DataConsumer) event(name string, body channel.Raw) {
	switch name {
	case proto.EventDataConsumerProducerPause:
		c.set(func() { c.producerPaused, c.told = true, true })
		notify(c.opts.ProducerPause)
	case proto.EventDataConsumerProducerResume:
		c.set(func() { c.producerPaused, c.told = false, true })
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
	}
}

func notify(f func()) {
	if f != nil {
		f()
	}
}

func (c *DataConsumer) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// ID is the data consumer's.
func (c *DataConsumer) ID() string { return c.id }

// DataProducerID names what is consumed.
func (c *DataConsumer) DataProducerID() string { return c.producer.id }

// SCTPStreamParameters is the stream its messages go on; zero on a direct transport.
func (c *DataConsumer) SCTPStreamParameters() proto.SCTPStreamParameters { return c.parameters }

// Label is the data producer's.
func (c *DataConsumer) Label() string { return c.producer.opts.Label }

// Protocol is the data producer's.
func (c *DataConsumer) Protocol() string { return c.producer.opts.Protocol }

// Paused tells whether the data consumer itself is paused.
func (c *DataConsumer) Paused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
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

// Pause ends forwarding to this data consumer.
func (c *DataConsumer) Pause(ctx context.Context) error {
	return c.setPaused(ctx, proto.DataConsumerPause, true)
}

// Resume begins it again.
func (c *DataConsumer) Resume(ctx context.Context) error {
	return c.setPaused(ctx, proto.DataConsumerResume, false)
}

func (c *DataConsumer) setPaused(ctx context.Context, method string, paused bool) error {
	if err := c.worker().client.Request(ctx, method, c.id, nil, nil); err != nil {
		return err
	}
	c.set(func() { c.paused = paused })
	return nil
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
	return c.worker().client.Request(ctx, proto.DataConsumerSetBufferedAmountLowThreshold, c.id, body, nil)
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

// Close ends the data consumer.
func (c *DataConsumer) Close() {
	if c.end() {
		c.worker().tell(proto.TransportCloseDataConsumer, c.transport.id, proto.CloseDataConsumer{DataConsumerID: c.id})
	}
}

func (c *DataConsumer) closeBy(reason Reason) {
	if c.end() {
		call(c.opts.Closed, reason)
	}
}

func (c *DataConsumer) end() bool {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return false
	}
	c.closed = true
	c.mu.Unlock()
	t := c.transport
	t.mu.Lock()
	delete(t.dataConsumers, c.id)
	t.mu.Unlock()
	c.worker().forget(c.id, 0)
	c.happened()
	return true
}

func (c *DataConsumer) worker() *Worker { return c.transport.router.worker }

// addDataProducer enters a data producer, unless the transport is closed.
func (t *Transport) addDataProducer(p *DataProducer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed("transport", t.id)
	}
	t.dataProducers[p.id] = p
	return nil
}

// addDataConsumer enters a data consumer and gives it a stream.
func (t *Transport) addDataConsumer(c *DataConsumer) error {
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
	params, err := ortc.DataConsumerParameters(&c.producer.parameters, stream, ortc.DataConsumerOptions{
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
