package transport

import (
	"gazpacho/pkg/producer"
	"gazpacho/proto"
)

// Totals counts what all transports and servers of a worker do: counts from its start on, which never decrease, whatever is closed
// meanwhile, and what lives now. Everything is kept up to date where it happens, so that reading it is a copy, however many
// transports there are. It belongs to the loop.
type Totals struct {
	counts   counts
	tally    tally
	feedback producer.Counters // requests to publishers

	nacked             uint64 // packets that receivers asked for again
	keyFramesRequested uint64
	messagesIn         uint64
	messagesOut        uint64

	producers, consumers         int
	dataProducers, dataConsumers int
	transports                   [numKinds][numConditions]int
}

// protocol is what a datagram carries.
type protocol uint8

const (
	protocolSTUN protocol = iota
	protocolDTLS
	protocolRTP // that went on to the taps of a producer, or came from a consumer
	protocolRTX // likewise
	protocolRTCP
	protocolSCTP // without DTLS around it
	numProtocols
)

// counts counts datagrams. Of those received, each is in one of the protocols or dropped.
type counts struct {
	packetsIn, bytesIn, packetsOut, bytesOut uint64

	in, out [numProtocols]uint64
}

// Traffic shows what went in and out.
func (t *Totals) Traffic() proto.TrafficStats {
	c := &t.counts
	return proto.TrafficStats{
		PacketsReceived: c.packetsIn, BytesReceived: c.bytesIn, PacketsSent: c.packetsOut, BytesSent: c.bytesOut,
		RTPPacketsReceived: c.in[protocolRTP], RTPPacketsSent: c.out[protocolRTP],
		RTXPacketsReceived: c.in[protocolRTX], RTXPacketsSent: c.out[protocolRTX],
		RTCPPacketsReceived: c.in[protocolRTCP], RTCPPacketsSent: c.out[protocolRTCP],
		STUNReceived: c.in[protocolSTUN], STUNSent: c.out[protocolSTUN],
		DTLSReceived: c.in[protocolDTLS], DTLSSent: c.out[protocolDTLS],
		SCTPReceived: c.in[protocolSCTP], SCTPSent: c.out[protocolSCTP],
		NACKsReceived: t.nacked, NACKsSent: t.feedback.NACKs,
		KeyFramesRequested: t.keyFramesRequested, KeyFrameRequestsSent: t.feedback.KeyFrames,
		MessagesReceived: t.messagesIn, MessagesSent: t.messagesOut,
	}
}

// Objects shows what lives, but for routers, which are not a transport's.
func (t *Totals) Objects() proto.ObjectStats {
	return proto.ObjectStats{
		Producers: t.producers, Consumers: t.consumers, DataProducers: t.dataProducers, DataConsumers: t.dataConsumers,
		Transports: t.conditions(),
	}
}

// EachDrop calls f for every reason there is. Received tells that the reason is of received datagrams which went no further: with those in
// Traffic that are named after a protocol, they add up to what the sockets handed up.
func (t *Totals) EachDrop(f func(reason string, n uint64, received bool)) { t.tally.each(f) }
