// Package producer receives one media source and hands each packet to its taps.
package producer

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// Config is what a producer is made of.
type Config struct {
	Options  *proto.Produce
	Timers   *timer.Queue
	Feedback Feedback
	Events   Events
	SSRC     uint32 // who our RTCP feedback comes from
}

// Producer is one media source: one stream, or several of different quality.
type Producer struct {
	cfg    Config
	typ    string
	paused bool
}

// New makes a producer, or says which part of the options is wrong or not supported.
func New(now time.Time, cfg Config) (*Producer, *proto.Error) { return &Producer{cfg: cfg}, nil }

func (p *Producer) ID() string                                                  { return p.cfg.Options.ProducerID }
func (p *Producer) Kind() string                                                { return p.cfg.Options.Kind }
func (p *Producer) Type() string                                                { return p.typ }
func (p *Producer) Paused() bool                                                { return p.paused }
func (p *Producer) Parameters() *proto.RTPParameters                            { return &p.cfg.Options.RTPParameters }
func (p *Producer) IDs() *rtp.ExtensionIDs                                      { return nil }
func (p *Producer) Result() proto.ProduceResult                                 { return proto.ProduceResult{Type: p.typ} }
func (p *Producer) HandleRTP(now time.Time, pkt *rtp.Packet) Verdict            { return Media }
func (p *Producer) HandleSenderReport(now time.Time, info rtp.SenderInfo)       {}
func (p *Producer) SetRoundTripTime(rtt time.Duration)                          {}
func (p *Producer) ReceptionReports(now time.Time, yield func(rtp.ReportBlock)) {}
func (p *Producer) AddTap(t Tap)                                                {}
func (p *Producer) RemoveTap(t Tap)                                             {}
func (p *Producer) RequestKeyFrame(now time.Time, ssrc uint32)                  {}
func (p *Producer) Cached(ssrc uint32, seq uint16) (*rtp.Packet, bool)          { return nil, false }
func (p *Producer) Stream(ssrc uint32) *stream.Recv                             { return nil }
func (p *Producer) StreamStats(now time.Time, ssrc uint32) (proto.RTPStreamStats, bool) {
	return proto.RTPStreamStats{}, false
}
func (p *Producer) Pause(now time.Time)                        {}
func (p *Producer) Resume(now time.Time)                       {}
func (p *Producer) Close(now time.Time)                        {}
func (p *Producer) Dump() proto.ProducerDump                   { return proto.ProducerDump{} }
func (p *Producer) Stats(now time.Time) []proto.RTPStreamStats { return nil }
func (p *Producer) Score() proto.ProducerScore                 { return nil }
func (p *Producer) EnableTraceEvent(types []string)            {}
