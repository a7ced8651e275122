// Package consumer sends one media source to one peer: simple, simulcast.
package consumer

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// Sink sends what a consumer forwards. Header and payload are borrowed.
type Sink interface {
	// SendRTP returns the size of the packet, header included, 0 if it was not sent.
	SendRTP(now time.Time, h *rtp.Header, payload []byte) int
}

// Source is the producer as its consumer sees it. Streams go by the SSRCs they are mapped to.
type Source interface {
	RequestKeyFrame(now time.Time, ssrc uint32)
	// Cached returns a recent packet of a stream, read-only and borrowed until the next packet arrives.
	Cached(ssrc uint32, seq uint16) (*rtp.Packet, bool)
	// Stream returns the state of a stream, nil until its first packet.
	Stream(ssrc uint32) *stream.Recv
	StreamStats(now time.Time, ssrc uint32) (proto.RTPStreamStats, bool)
}

// Events is the one way up.
type Events interface {
	Emit(target string, e proto.Event)
}

// Config is what a consumer is made of.
type Config struct {
	Options        *proto.Consume
	Source         Source
	Sink           Sink
	Timers         *timer.Queue
	Events         Events
	Random         func() uint32
	ProducerPaused bool

	// ProducerClosed, if not nil, is told once that the producer ended the consumer, after the event went up.
	ProducerClosed func(now time.Time, c *Consumer)
}

// Consumer sends one source to one peer. It is a tap of its producer.
type Consumer struct {
	cfg Config
}

// New makes a consumer, or says which part of the options is wrong or not supported.
func New(now time.Time, cfg Config) (*Consumer, *proto.Error) { return &Consumer{cfg: cfg}, nil }

func (c *Consumer) ID() string                          { return c.cfg.Options.ConsumerID }
func (c *Consumer) ProducerID() string                  { return c.cfg.Options.ProducerID }
func (c *Consumer) Kind() string                        { return c.cfg.Options.Kind }
func (c *Consumer) Type() string                        { return c.cfg.Options.Type }
func (c *Consumer) SSRC() uint32                        { return 0 }
func (c *Consumer) RTXSSRC() uint32                     { return 0 } // 0: none
func (c *Consumer) CNAME() string                       { return "" }
func (c *Consumer) Active() bool                        { return false }
func (c *Consumer) Paused() bool                        { return false }
func (c *Consumer) Priority() int                       { return 1 }
func (c *Consumer) Result() proto.ConsumeResult         { return proto.ConsumeResult{} }
func (c *Consumer) Score() proto.ConsumerScore          { return proto.ConsumerScore{} }
func (c *Consumer) TransportConnected(now time.Time)    {}
func (c *Consumer) TransportDisconnected(now time.Time) {}
func (c *Consumer) Pause(now time.Time)                 {}
func (c *Consumer) Resume(now time.Time)                {}
func (c *Consumer) SetPreferredLayers(now time.Time, l proto.ConsumerLayers) (proto.SetPreferredLayersResult, *proto.Error) {
	return proto.SetPreferredLayersResult{}, nil
}
func (c *Consumer) SetPriority(priority int) (proto.SetPriorityResult, *proto.Error) {
	return proto.SetPriorityResult{}, nil
}
func (c *Consumer) RequestKeyFrame(now time.Time)                         {}
func (c *Consumer) HandleNACK(now time.Time, p *rtp.RTCP)                 {}
func (c *Consumer) HandleReceiverReport(now time.Time, b rtp.ReportBlock) {}
func (c *Consumer) HandleKeyFrameRequest(now time.Time, fir bool)         {}
func (c *Consumer) SenderReport(now time.Time) (rtp.SenderInfo, bool)     { return rtp.SenderInfo{}, false }
func (c *Consumer) RoundTripTime() (time.Duration, bool)                  { return 0, false }
func (c *Consumer) Dump() proto.ConsumerDump                              { return proto.ConsumerDump{} }
func (c *Consumer) Stats(now time.Time) []proto.RTPStreamStats            { return nil }
func (c *Consumer) EnableTraceEvent(types []string)                       {}
func (c *Consumer) Close(now time.Time)                                   {}
func (c *Consumer) ProducerPacket(now time.Time, p *rtp.Packet)           {}
func (c *Consumer) ProducerStream(now time.Time, ssrc uint32)             {}
func (c *Consumer) ProducerScore(now time.Time)                           {}
func (c *Consumer) ProducerPaused(now time.Time)                          {}
func (c *Consumer) ProducerResumed(now time.Time)                         {}
func (c *Consumer) ProducerClosed(now time.Time)                          {}
