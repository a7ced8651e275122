// Package producer receives one media source and hands each packet to its taps.
//
// A packet is looked at once, copied once into the cache of its stream, and that copy, under the router's payload type and SSRC, is
// what every tap sees. Retransmissions are unwrapped and go the same way.
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
	Options  *proto.Produce // kept
	Timers   *timer.Queue
	Feedback Feedback
	Events   Events
	SSRC     uint32 // who our RTCP feedback comes from
	Counters *Counters
}

// Counters counts what publishers are asked for, and packets. Producers may share one.
type Counters struct {
	NACKs     uint64 // packets, each as often as it is asked for
	KeyFrames uint64 // PLI and FIR
	PacketID  uint32 // the next for packets of those producers that number them
}

// Producer is one media source: one stream, or several of different quality.
type Producer struct {
	// passed in
	cfg Config

	// owned
	payloads  payloads
	ids       rtp.ExtensionIDs
	encodings []encoding
	keyFrames keyFrames
	taps      taps

	// state
	kind        string // simple, simulcast or svc
	paused      bool
	closed      bool
	traces      traces
	orientation orientation
	rtcp        []byte // scratch
}

// New makes a producer, or says which part of the options is wrong or not supported.
func New(cfg Config) (*Producer, *proto.Error) {
	o := cfg.Options
	if o.Kind != proto.Audio && o.Kind != proto.Video {
		return nil, proto.BadField("kind", "%q is not audio or video", o.Kind)
	}
	if o.KeyFrameRequestDelay < 0 {
		return nil, proto.BadField("keyFrameRequestDelay", "%d ms is negative", o.KeyFrameRequestDelay)
	}
	if cfg.Counters == nil {
		cfg.Counters = new(Counters)
	}
	p := &Producer{cfg: cfg, paused: o.Paused, rtcp: make([]byte, maxFeedback)}
	var err *proto.Error
	if p.payloads, err = newPayloads(o); err != nil {
		return nil, err
	}
	if p.ids, err = newIDs(o.RTPParameters.HeaderExtensions); err != nil {
		return nil, err
	}
	if p.kind, err = newType(o); err != nil {
		return nil, err
	}
	if p.encodings, err = p.newEncodings(); err != nil {
		return nil, err
	}
	p.keyFrames.init(p)
	return p, nil
}

// ID returns the producer's id.
func (p *Producer) ID() string { return p.cfg.Options.ProducerID }

// Kind is audio or video.
func (p *Producer) Kind() string { return p.cfg.Options.Kind }

// Type is simple, simulcast or svc.
func (p *Producer) Type() string { return p.kind }

// Paused tells whether packets are kept from the taps.
func (p *Producer) Paused() bool { return p.paused }

// Parameters are what the publisher sends: MID, SSRCs and RIDs by which a transport finds the producer of a packet.
func (p *Producer) Parameters() *proto.RTPParameters { return &p.cfg.Options.RTPParameters }

// IDs are the publisher's ids of header extensions.
func (p *Producer) IDs() *rtp.ExtensionIDs { return &p.ids }

// Result answers the request that made the producer.
func (p *Producer) Result() proto.ProduceResult { return proto.ProduceResult{Type: p.kind} }

// AddTap adds a tap behind all others. It hears of nothing that happened before.
func (p *Producer) AddTap(t Tap) { p.taps.add(t) }

// RemoveTap removes a tap, at once even while taps are being called.
func (p *Producer) RemoveTap(t Tap) { p.taps.remove(t) }

// RequestKeyFrame asks the publisher for a key frame of the stream known by a mapped SSRC, as soon as it is its turn.
func (p *Producer) RequestKeyFrame(now time.Time, ssrc uint32) {
	if e := p.mapped(ssrc); e != nil && e.recv != nil && !p.paused && !p.closed {
		p.keyFrames.request(now, e)
	}
}

// Cached returns a recent packet of the stream known by a mapped SSRC, read-only and borrowed until the next packet arrives.
func (p *Producer) Cached(now time.Time, ssrc uint32, seq uint16) (*rtp.Packet, bool) {
	if e := p.mapped(ssrc); e != nil {
		return e.cache.Packet(now, seq)
	}
	return nil, false
}

// Stream returns the state of the stream known by a mapped SSRC, nil before its first packet.
func (p *Producer) Stream(ssrc uint32) *stream.Recv {
	if e := p.mapped(ssrc); e != nil {
		return e.recv
	}
	return nil
}

// mapped finds an encoding by its mapped SSRC.
func (p *Producer) mapped(ssrc uint32) *encoding {
	for i := range p.encodings {
		if p.encodings[i].mapped == ssrc {
			return &p.encodings[i]
		}
	}
	return nil
}

// Pause keeps packets from the taps until Resume.
func (p *Producer) Pause(now time.Time) {
	if p.paused || p.closed {
		return
	}
	p.paused = true
	p.keyFrames.forget()
	for i := range p.encodings {
		if r := p.encodings[i].recv; r != nil {
			r.Pause()
		}
	}
	p.taps.each(func(t Tap) { t.ProducerPaused(now) })
}

// Resume takes Pause back. Consumers of video ask for the key frame they need.
func (p *Producer) Resume(now time.Time) {
	if !p.paused || p.closed {
		return
	}
	p.paused = false
	for i := range p.encodings {
		if r := p.encodings[i].recv; r != nil {
			r.Resume(now)
		}
	}
	p.taps.each(func(t Tap) { t.ProducerResumed(now) })
}

// Close ends the producer and tells its taps.
func (p *Producer) Close(now time.Time) {
	if p.closed {
		return
	}
	p.closed = true
	p.keyFrames.forget()
	for i := range p.encodings {
		e := &p.encodings[i]
		if e.recv != nil {
			e.recv.Close()
		}
		e.cache.Clear()
	}
	taps := p.taps.list
	p.taps.list = nil
	for _, t := range taps {
		if t != nil {
			t.ProducerClosed(now)
		}
	}
}
