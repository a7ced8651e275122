// Package data moves messages from one data producer to its data consumers.
//
//	peer ─stream─▶ Producer.HandleMessage ─▶ Consumer.ProducerMessage ─▶ Sink ─stream─▶ peer
//
// It is pure: how messages travel is the transport's affair, which is a consumer's Sink.
package data

import (
	"time"

	"gazpacho/proto"
)

// Payload protocol identifiers of WebRTC (RFC 8831 section 8). An SCTP message cannot be empty, so empty ones are one byte that says nothing.
const (
	PPIDDCEP        = 50
	PPIDString      = 51
	PPIDBinary      = 53
	PPIDStringEmpty = 56
	PPIDBinaryEmpty = 57
)

// NotEmpty is a payload as SCTP carries it, with an identifier that says so if it is empty.
func NotEmpty(ppid *uint32, payload []byte) []byte {
	if len(payload) > 0 && *ppid != PPIDStringEmpty && *ppid != PPIDBinaryEmpty {
		return payload
	}
	switch *ppid {
	case PPIDString:
		*ppid = PPIDStringEmpty
	case PPIDBinary:
		*ppid = PPIDBinaryEmpty
	}
	return []byte{0}
}

// Message is one message. Its payload is never changed: whoever wants to may keep it.
type Message struct {
	PPID    uint32
	Payload []byte
	// Subchannels restrict a message to consumers that are subscribed to at least one of them; empty is no restriction. Required
	// and Ignored, if not nil, are what they must and must not be subscribed to besides.
	Subchannels       []uint16
	Required, Ignored *uint16
}

// Events is the way up.
type Events interface {
	Emit(target string, e proto.Event)
}

// Reliability is what becomes of messages that get lost (RFC 3758). The zero value is unordered and reliable.
type Reliability struct {
	Ordered           bool
	MaxPacketLifeTime *uint16 // milliseconds
	MaxRetransmits    *uint16
}

// Reliable tells whether no message may be missing.
func (r Reliability) Reliable() bool { return r.MaxPacketLifeTime == nil && r.MaxRetransmits == nil }

// stream checks the type and stream of a data producer or consumer, and returns them with every default said. What is direct has no stream, and
// loses nothing but what the channel does.
func stream(kind string, p *proto.SCTPStreamParameters) (proto.SCTPStreamParameters, Reliability, *proto.Error) {
	switch kind {
	case proto.DataSCTP:
	case proto.DataDirect:
		return proto.SCTPStreamParameters{}, Reliability{Ordered: true}, nil
	default:
		return proto.SCTPStreamParameters{}, Reliability{}, proto.BadField("type", "%q is not sctp or direct", kind)
	}
	if p == nil {
		return proto.SCTPStreamParameters{}, Reliability{}, proto.BadField("sctpStreamParameters", "is missing")
	}
	r := Reliability{Ordered: p.Ordered == nil || *p.Ordered, MaxPacketLifeTime: p.MaxPacketLifeTime, MaxRetransmits: p.MaxRetransmits}
	switch {
	case p.StreamID > maxStreamID:
		return proto.SCTPStreamParameters{}, Reliability{}, proto.BadField("sctpStreamParameters.streamId", "%d is over %d", p.StreamID, maxStreamID)
	case !r.Reliable() && p.Ordered == nil:
		r.Ordered = false
	case !r.Reliable() && r.Ordered:
		return proto.SCTPStreamParameters{}, Reliability{}, proto.BadField("sctpStreamParameters.ordered", "is true for a stream that is not reliable")
	}
	if p.MaxPacketLifeTime != nil && p.MaxRetransmits != nil {
		return proto.SCTPStreamParameters{}, Reliability{}, proto.BadField("sctpStreamParameters.maxRetransmits", "excludes maxPacketLifeTime")
	}
	whole := *p
	whole.Ordered = &r.Ordered
	return whole, r, nil
}

// maxStreamID is the last of 65,535 streams; 65535 itself is reserved (RFC 8832 section 6).
const maxStreamID = 65_534

// milliseconds is a statistic's timestamp.
func milliseconds(now time.Time) int64 { return now.UnixMilli() }
