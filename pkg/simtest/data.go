package simtest

import (
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v3"

	"gazpacho/proto"
)

// application is the kind of the media section for data channels.
const application = "application"

// Channel is one data channel of a peer.
type Channel struct {
	p          *Peer
	Pion       *webrtc.DataChannel
	Parameters proto.SCTPStreamParameters
	ID         string // of the data producer or data consumer
	open       chan struct{}
	closed     chan struct{}

	mu       sync.Mutex
	received []webrtc.DataChannelMessage
	total    int
	more     chan struct{} // closed and replaced at every message
}

// Stream shapes a channel; the zero value is ordered and reliable.
type Stream struct {
	Unordered         bool
	MaxRetransmits    *uint16
	MaxPacketLifeTime *uint16
	Negotiate         bool // in the channel, by DCEP
}

// ProduceData opens a channel that sends to the worker.
func (p *Peer) ProduceData(label string, s Stream) *Channel {
	p.t.Helper()
	c := p.channel(label, p.nextStream(), s)
	c.ID = p.w.ID("dataProducer")
	Request[proto.DataProducerDump](p.w, proto.TransportProduceData, p.Transport.ID, proto.ProduceData{
		DataProducerID: c.ID, Type: proto.DataSCTP, SCTPStreamParameters: &c.Parameters, Label: label,
	})
	return c
}

// ConsumeData opens a channel that takes what another one sends.
func (p *Peer) ConsumeData(from *Channel, s Stream) *Channel {
	p.t.Helper()
	stream := p.nextStream()
	c := p.channel(from.Pion.Label(), stream, s)
	c.ID = p.w.ID("dataConsumer")
	Request[proto.DataConsumerDump](p.w, proto.TransportConsumeData, p.Transport.ID, proto.ConsumeData{
		DataConsumerID: c.ID, DataProducerID: from.ID, Type: proto.DataSCTP, SCTPStreamParameters: &c.Parameters, Label: from.Pion.Label(),
	})
	return c
}

func (p *Peer) nextStream() uint16 {
	p.streams++
	return p.streams - 1
}

func (p *Peer) channel(label string, stream uint16, s Stream) *Channel {
	p.t.Helper()
	ordered, negotiated := !s.Unordered, !s.Negotiate
	pion, err := p.pc.CreateDataChannel(label, &webrtc.DataChannelInit{
		Ordered: &ordered, MaxRetransmits: s.MaxRetransmits, MaxPacketLifeTime: s.MaxPacketLifeTime, Negotiated: &negotiated, ID: &stream,
	})
	p.must(err)
	c := &Channel{
		p: p, Pion: pion, open: make(chan struct{}), closed: make(chan struct{}), more: make(chan struct{}),
		Parameters: proto.SCTPStreamParameters{
			StreamID: stream, Ordered: &ordered, MaxRetransmits: s.MaxRetransmits, MaxPacketLifeTime: s.MaxPacketLifeTime,
		},
	}
	pion.OnOpen(func() { close(c.open) })
	pion.OnClose(sync.OnceFunc(func() { close(c.closed) }))
	pion.OnMessage(c.note)
	for _, s := range p.sections {
		if s.kind == application {
			return c
		}
	}
	p.sections = append(p.sections, section{mid: fmt.Sprint(len(p.sections)), kind: application})
	p.negotiate()
	return c
}

func (c *Channel) note(m webrtc.DataChannelMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received = append(c.received, m)
	c.total++
	close(c.more)
	c.more = make(chan struct{})
}

// WaitOpen waits until the channel is open.
func (c *Channel) WaitOpen() { c.wait(c.open, "does not open") }

// WaitClosed waits until the channel is closed.
func (c *Channel) WaitClosed() { c.wait(c.closed, "does not close") }

func (c *Channel) wait(event chan struct{}, what string) {
	c.p.t.Helper()
	select {
	case <-event:
	case <-time.After(patience):
		c.p.t.Fatalf("channel %s %s", c.Pion.Label(), what)
	}
}

// Take returns the first n messages that have not been taken yet, or fails the test when they do not come.
func (c *Channel) Take(n int) []webrtc.DataChannelMessage {
	c.p.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		have, more := len(c.received), c.more
		if have >= n {
			list := c.received[:n]
			c.received = c.received[n:]
			c.mu.Unlock()
			return list
		}
		c.mu.Unlock()
		select {
		case <-more:
		case <-deadline:
			c.p.t.Fatalf("channel %s got %d messages, want %d", c.Pion.Label(), have, n)
		}
	}
}

// Received is how many messages have not been taken.
func (c *Channel) Received() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.received)
}

// Total is how many messages have come.
func (c *Channel) Total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// WaitSCTP waits until the peer's association is connected.
func (p *Peer) WaitSCTP() {
	p.t.Helper()
	Wait(p.w, proto.EventSCTPStateChange, p.Transport.ID, func(s proto.SCTPStateChange) bool { return s.SCTPState == proto.SCTPConnected })
}
