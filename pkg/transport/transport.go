// Package transport carries producers and consumers over one path: WebRTC, Plain, Pipe, Direct.
//
// A transport is pure: datagrams, time and randomness are given to it, what it sends goes into the slots of an Egress, and what
// happens goes up as events. The shell around it owns sockets, islands and the clock.
package transport

import (
	"io"
	"net/netip"
	"time"

	"gazpacho/pkg/consumer"
	"gazpacho/pkg/data"
	"gazpacho/pkg/producer"
	"gazpacho/pkg/timer"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// Transport is one path to one peer, as the router sees it.
type Transport interface {
	ID() string
	Produce(now time.Time, o *proto.Produce) (proto.ProduceResult, *proto.Error)
	Consume(now time.Time, o *proto.Consume, p *producer.Producer) (proto.ConsumeResult, *proto.Error)
	CloseProducer(now time.Time, id string) *proto.Error
	CloseConsumer(now time.Time, id string) *proto.Error
	ProduceData(now time.Time, o *proto.ProduceData) (proto.DataProducerDump, *proto.Error)
	ConsumeData(now time.Time, o *proto.ConsumeData, p *data.Producer) (proto.DataConsumerDump, *proto.Error)
	CloseDataProducer(now time.Time, id string) *proto.Error
	CloseDataConsumer(now time.Time, id string) *proto.Error
	SetMaxIncomingBitrate(bitrate int) *proto.Error
	SetMaxOutgoingBitrate(bitrate int) *proto.Error
	SetMinOutgoingBitrate(bitrate int) *proto.Error
	EnableTraceEvent(types []string)
	Dump() any
	Stats(now time.Time) any
	Close(now time.Time)
}

// Consumer sends one source to the peer: a consumer.Consumer or a consumer.Pipe.
type Consumer interface {
	producer.Tap
	ID() string
	Lanes() []*consumer.Consumer // its outgoing streams
	TransportConnected(now time.Time)
	TransportDisconnected(now time.Time)
	Pause(now time.Time)
	Resume(now time.Time)
	RequestKeyFrame(now time.Time)
	SetPreferredLayers(now time.Time, l proto.ConsumerLayers) (proto.SetPreferredLayersResult, *proto.Error)
	SetPriority(priority int) (proto.SetPriorityResult, *proto.Error)
	EnableTraceEvent(types []string)
	Result() proto.ConsumeResult
	Dump() proto.ConsumerDump
	Stats(now time.Time) []proto.RTPStreamStats
	Close(now time.Time)
}

// Egress lends slots of the socket's send batch: Next returns one, Commit sends its first n bytes. A slot that is not committed is
// lent again.
type Egress interface {
	Slots
	Commit(n int, to tuple.Tuple)
}

// Slots lend where packets are made.
type Slots interface {
	Next() []byte
}

// DTLS is the island that holds a transport's DTLS association. None of its methods block.
type DTLS interface {
	Start(now time.Time, localRole string, remote []proto.DTLSFingerprint) *proto.Error
	Ready(now time.Time) // the peer can be sent to
	Handle(now time.Time, datagram []byte)
	Close(now time.Time)
}

// Events is the one way up.
type Events interface {
	Emit(target string, e proto.Event)
}

// Ingress takes what arrives on the sockets of one Binding.
type Ingress interface {
	Handle(now time.Time, datagram []byte, from tuple.Tuple)
	LinkClosed(now time.Time, link tuple.Link)
	// Fault tells that the last call of Handle panicked: whatever it served is not to be trusted any more.
	Fault(now time.Time)
}

// Binder opens sockets and servers for listen infos, all or none.
type Binder interface {
	Bind(infos []proto.ListenInfo, in Ingress) (Binding, *proto.Error)
}

// Binding is a set of open sockets.
type Binding interface {
	Locals() []Local               // in the order of the listen infos
	Authenticated(link tuple.Link) // the connection's peer has proved itself
	CloseLink(link tuple.Link)
	Close()
}

// Local is one bound socket. Sending to a peer it has not heard from needs its Link, which TCP servers do not have.
type Local struct {
	Info     proto.ListenInfo
	Address  netip.AddrPort
	Protocol tuple.Protocol
	Link     tuple.Link
}

// Owner keeps the table of ids and streams above the transports: the router.
type Owner interface {
	TransportListenServerClosed(now time.Time, id string)
	ProducerCreated(now time.Time, t Transport, p *producer.Producer) *proto.Error
	ProducerClosed(now time.Time, p *producer.Producer)
	ConsumerCreated(now time.Time, t Transport, c Consumer, p *producer.Producer) *proto.Error
	ConsumerClosed(now time.Time, c Consumer)
	DataProducerCreated(now time.Time, t Transport, p *data.Producer) *proto.Error
	DataProducerClosed(now time.Time, p *data.Producer)
	DataConsumerCreated(now time.Time, t Transport, c *data.Consumer, p *data.Producer) *proto.Error
	DataConsumerClosed(now time.Time, c *data.Consumer)
}

// Env is what the shell lends to every transport of a worker.
type Env struct {
	Egress  Egress
	Events  Events
	Timers  *timer.Queue
	Binder  Binder
	Random  io.Reader // never fails
	NewDTLS func(*WebRTC) DTLS
	NewSCTP func(*WebRTC, DTLS, proto.SCTPOptions) SCTP // over a connected association

	// NewPacketSCTP makes an association that sends by SendSCTP.
	NewPacketSCTP func(*Plain, proto.SCTPOptions) PacketSCTP

	DataBudget   *data.Budget            // of what waits for all peers of the worker
	Fingerprints []proto.DTLSFingerprint // of the worker's certificate
	Totals       *Totals
}
