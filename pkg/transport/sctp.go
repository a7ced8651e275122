package transport

import (
	"time"

	"gazpacho/pkg/data"
	"gazpacho/proto"
)

// possibleNow is told when what SCTP runs on is connected.
func (d *messages) possibleNow(now time.Time) {
	d.possible = true
	d.begin(now)
}

// impossible is told when what SCTP runs on has ended.
func (d *messages) impossible() {
	d.possible = false
	if d.association != nil {
		d.drop()
		d.become(proto.SCTPClosed)
	}
}

// want begins an association: there is a data producer or consumer, or the peer has something to say.
func (d *messages) want(now time.Time) {
	d.wanted = true
	d.begin(now)
}

// begin makes the association when it is both wanted and possible. After a failure to connect, the peer's next packet begins
// another one.
func (d *messages) begin(now time.Time) {
	if d.association != nil || !d.possible || !d.wanted || d.state == proto.SCTPClosed {
		return
	}
	d.association = d.start(now)
	for _, p := range d.producers {
		d.open(p.StreamID())
	}
	for _, c := range d.consumers {
		d.open(c.StreamID())
	}
	d.become(proto.SCTPConnecting)
}

// open declares a stream. One that goes both ways is as reliable as what we send on it.
func (d *messages) open(stream uint16) {
	if d.association == nil {
		return
	}
	if c := d.consumerOf[stream]; c != nil {
		d.association.Open(stream, c.Reliability())
	} else if p := d.producerOf[stream]; p != nil {
		d.association.Open(stream, p.Reliability())
	}
}

// end resets a stream that neither a producer nor a consumer uses any more.
func (d *messages) end(stream uint16) {
	if d.association != nil && d.producerOf[stream] == nil && d.consumerOf[stream] == nil {
		d.association.CloseStream(stream)
	}
}

func (d *messages) become(state string) {
	if d.state != state && !d.m.closed {
		d.state = state
		d.m.env.Events.Emit(d.m.id, proto.Event{Name: proto.EventSCTPStateChange, Body: proto.SCTPStateChange{SCTPState: state}})
	}
}

// drop ends the association, if there is one, and forgets what waited in it.
func (d *messages) drop() {
	if d.association == nil {
		return
	}
	d.association.Close()
	d.association = nil
	for _, c := range d.consumers {
		d.giveBack(c)
		c.Forget()
	}
}

func (d *messages) giveBack(c *data.Consumer) { d.budget.Give(data.Cost(c.Waiting())) }

// SendData sends a consumer's message.
func (d *messages) SendData(now time.Time, c *data.Consumer, ppid uint32, payload []byte) data.Result {
	switch {
	case d.state != proto.SCTPConnected:
		return data.NotConnected
	case len(payload) > d.options.MaxSendMessageSize:
		return data.TooLarge
	case !d.budget.Take(data.Cost(len(payload), 1)):
		return data.Full
	}
	d.association.Send(now, c.StreamID(), ppid, payload)
	d.m.env.Totals.messagesOut++
	return data.Sent
}

// unsent counts a message of a consumer that was not sent.
func (d *messages) unsent(why data.Result) {
	switch why {
	case data.NotConnected:
		d.m.drop(DropDataNotConnected)
	case data.TooLarge:
		d.m.drop(DropDataTooLarge)
	default:
		d.m.drop(DropDataFull)
	}
}

// ResetData gives up the stream of a consumer whose peer does not keep up.
func (d *messages) ResetData(_ time.Time, c *data.Consumer) {
	d.giveBack(c)
	if d.association != nil {
		d.association.CloseStream(c.StreamID())
	}
}

// SCTPConnected is told when data can flow.
func (m *media) SCTPConnected(_ time.Time, outbound, inbound uint16) {
	d := m.messages
	d.negotiated = &proto.SCTPNegotiatedCapabilities{NegotiatedMaxOutboundStreams: outbound, NegotiatedMaxInboundStreams: inbound}
	m.env.Events.Emit(m.id, proto.Event{
		Name: proto.EventSCTPNegotiatedCapabilities, Body: proto.SCTPNegotiated{SCTPNegotiatedCapabilities: *d.negotiated},
	})
	d.become(proto.SCTPConnected)
}

// SCTPFailed is told when there is no association, or none any more.
func (m *media) SCTPFailed(time.Time) {
	m.messages.drop()
	m.messages.become(proto.SCTPFailed)
	m.messages.wanted = false // until the peer says something
}

// SCTPClosed is told when the peer ended the association.
func (m *media) SCTPClosed(time.Time) {
	m.messages.drop()
	m.messages.become(proto.SCTPClosed)
}

// SCTPMessage takes a message that came on a stream. The payload is never changed again.
func (m *media) SCTPMessage(now time.Time, stream uint16, ppid uint32, payload []byte) {
	m.env.Totals.messagesIn++
	p := m.messages.producerOf[stream]
	message := data.Message{PPID: ppid, Payload: payload}
	if m.kind == kindPipe {
		message = data.Unwrap(ppid, payload)
	}
	switch {
	case p == nil:
		m.drop(DropDataStream)
	case !p.HandleMessage(now, &message):
		m.drop(DropDataPaused)
	}
}

// SCTPReleased is told what was sent on a stream and waits no longer.
func (m *media) SCTPReleased(now time.Time, stream uint16, bytes, count int) {
	d := m.messages
	if c := d.consumerOf[stream]; c != nil {
		before := data.Cost(c.Waiting())
		c.Released(now, bytes, count)
		d.budget.Give(before - data.Cost(c.Waiting()))
	}
}

// SCTPStreamClosed is told when the peer closed a stream. Its data producer and data consumer stay until the controller closes them.
func (m *media) SCTPStreamClosed(_ time.Time, stream uint16) {
	d := m.messages
	if c := d.consumerOf[stream]; c != nil {
		d.giveBack(c)
		c.Cut()
	}
}

// parameters is what the peer is told of the association. OS, MIS and maxMessageSize are what clients of older versions read.
func (d *messages) parameters() *proto.SCTPParameters {
	o := &d.options
	streams := proto.NumSCTPStreams{OS: 65_535, MIS: 65_535}
	if o.NumSCTPStreams != nil {
		streams = *o.NumSCTPStreams
	}
	return &proto.SCTPParameters{
		Port: 5000, OS: int(streams.OS), MIS: int(streams.MIS), MaxMessageSize: o.MaxReceiveMessageSize, MaxSendMessageSize: o.MaxSendMessageSize,
		MaxReceiveMessageSize: o.MaxReceiveMessageSize, SendBufferSize: o.SCTPSendBufferSize,
		PerStreamSendQueueLimit: o.SCTPPerStreamSendQueueLimit, MaxReceiverWindowBufferSize: o.SCTPMaxReceiverWindowBufferSize,
		IsDataChannel: d.m.kind == kindWebRTC,
	}
}

// addToDump shows the part of a transport that is about data.
func (d *messages) addToDump(dump *proto.TransportDump) {
	dump.MaxSendMessageSize, dump.MaxReceiveMessageSize = d.options.MaxSendMessageSize, d.options.MaxReceiveMessageSize
	dump.SCTPParameters, dump.SCTPState, dump.SCTPNegotiatedCapabilities = d.parameters(), d.state, d.negotiated
	dump.SCTPListener = &proto.SCTPListenerDump{StreamIDTable: []proto.StreamIDValue{}}
	for _, p := range d.producers {
		dump.DataProducerIDs = append(dump.DataProducerIDs, p.ID())
		dump.SCTPListener.StreamIDTable = append(dump.SCTPListener.StreamIDTable, proto.StreamIDValue{Key: p.StreamID(), Value: p.ID()})
	}
	for _, c := range d.consumers {
		dump.DataConsumerIDs = append(dump.DataConsumerIDs, c.ID())
	}
}
