// Package consumer sends one media source to one peer: simple, simulcast, SVC, pipe.
//
// A Consumer gives the packets of one or several streams of its source the numbers, timestamps and picture ids of one outgoing stream.
// Which packets those are its selector decides: simple, simulcast or svc. SWITCHING.md and SVC.md describe how.
// A Pipe sends all streams, to another router.
package consumer

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// Sink sends what a consumer forwards.
type Sink interface {
	// SendRTP returns the size of the packet, header included, or 0 if it was not sent. Header and payload are borrowed.
	SendRTP(now time.Time, h *rtp.Header, payload []byte) int
}

// Source is the producer as its consumer sees it. Its streams go by the SSRCs they are mapped to.
type Source interface {
	RequestKeyFrame(now time.Time, ssrc uint32)
	// Cached returns a recent packet of a stream, read-only and borrowed until the next packet arrives.
	Cached(now time.Time, ssrc uint32, seq uint16) (*rtp.Packet, bool)
	// Stream returns the state of a stream, nil before its first packet.
	Stream(ssrc uint32) *stream.Recv
	StreamStats(now time.Time, ssrc uint32) (proto.RTPStreamStats, bool)
	// LayerBitrate returns what one layer of a stream takes, in bit/s, 0 if it is not sent.
	LayerBitrate(now time.Time, ssrc uint32, spatial, temporal int) int
}

// Events is the one way up.
type Events interface {
	Emit(target string, e proto.Event)
}

// Config is what a consumer is made of.
type Config struct {
	Options        *proto.Consume // kept
	Source         Source
	Sink           Sink
	Timers         *timer.Queue
	Events         Events
	Random         func() uint32
	ProducerPaused bool

	// ProducerClosed, if not nil, is told once that the producer ended the consumer, after the event went up.
	ProducerClosed func(now time.Time, c *Consumer)

	// Demand, if not nil, is told when bandwidth may have to be shared in another way; atOnce, before the consumer goes on.
	Demand func(now time.Time, atOnce bool)
}

// none is no stream.
const none = -1

// Consumer sends one source to one peer. It is a tap of its producer.
type Consumer struct {
	// passed in
	cfg Config

	// owned
	codecs     codecs
	ids        rtp.ExtensionIDs
	streams    []uint32 // mapped SSRCs of the source, lowest quality first
	selector   selector
	send       stream.Send
	rewriter   stream.Rewriter
	resends    stream.Resends
	header     rtp.Header                  // of the packet at hand
	descriptor [rtp.MaxDescriptorSize]byte // of the packet at hand, if it is not the source's
	again      rtp.Header                  // of the retransmission at hand
	lanes      [1]*Consumer
	verbatim   bool // a pipe's: payloads are forwarded as they are

	// state
	connected      bool
	paused         bool
	producerPaused bool
	closed         bool
	allocation     allocation
	wasReady       bool
	active         bool      // ready, and there is bandwidth
	current        int       // stream being forwarded, none before its key frame came
	codec          *codec    // of the last packet
	askedAt        time.Time // for a key frame of the wanted stream; zero if it was not asked for
	timeline       timeline
	pictures       pictures
	priority       int
	traces         traces
	score          proto.ConsumerScore // as the controller knows it
	plis, firs     uint64
}

// New makes a consumer, or says which part of the options is wrong or not supported.
func New(cfg Config) (*Consumer, *proto.Error) {
	o := cfg.Options
	c := &Consumer{cfg: cfg, paused: o.Paused, producerPaused: cfg.ProducerPaused, current: none, priority: 1}
	c.lanes[0] = c
	var err *proto.Error
	if c.codecs, err = newCodecs(o); err != nil {
		return nil, err
	}
	if c.ids, err = newIDs(o.RTPParameters.HeaderExtensions); err != nil {
		return nil, err
	}
	if c.streams, err = newStreams(o); err != nil {
		return nil, err
	}
	if c.selector, err = newSelector(c); err != nil {
		return nil, err
	}
	if !c.describes() {
		c.ids[rtp.ExtDependencyDescriptor] = 0
	}
	c.codec = &c.codecs[0]
	c.send = stream.NewSend(c.codec.clockRate)
	c.rewriter = stream.NewRewriter(firstSequence(cfg.Random()))
	encoding := o.RTPParameters.Encodings[0]
	c.header = rtp.Header{SSRC: encoding.SSRC, IDs: &c.ids, MID: o.RTPParameters.MID}
	if encoding.RTX != nil {
		c.again = rtp.Header{SSRC: encoding.RTX.SSRC, IDs: &c.ids, MID: o.RTPParameters.MID, IsRTX: true, SequenceNumber: firstSequence(cfg.Random())}
	}
	c.score = c.Score() // the controller learns it from the result
	return c, nil
}

// describes tells whether the dependency descriptor is kept true: by simple consumers, who leave nothing out, and where layers are read from it. Streams of a
// simulcast number their frames each for itself.
func (c *Consumer) describes() bool {
	for i := range c.codecs {
		if !c.codecs[i].kind.Described() {
			return c.cfg.Options.Type == proto.Simple
		}
	}
	return c.cfg.Options.Type != proto.Simulcast
}

// firstSequence picks the number of a first packet well within a half of the circle: a receiver that gets the second packet before the
// first must not take it for one of the turn before (RFC 3711 section 3.3.1).
func firstSequence(random uint32) uint16 { return uint16(1000 + random%31000) }

// ID returns the consumer's id.
func (c *Consumer) ID() string { return c.cfg.Options.ConsumerID }

// ProducerID returns the id of the source.
func (c *Consumer) ProducerID() string { return c.cfg.Options.ProducerID }

// Kind is audio or video.
func (c *Consumer) Kind() string { return c.cfg.Options.Kind }

// Type is simple, simulcast or svc.
func (c *Consumer) Type() string { return c.cfg.Options.Type }

// SSRC is what the consumer sends with.
func (c *Consumer) SSRC() uint32 { return c.header.SSRC }

// Lanes are the outgoing streams: itself. A Pipe has more.
func (c *Consumer) Lanes() []*Consumer { return c.lanes[:] }

// RTXSSRC is what it sends retransmissions with, 0 if they come under SSRC.
func (c *Consumer) RTXSSRC() uint32 { return c.again.SSRC }

// CNAME names the source in source descriptions.
func (c *Consumer) CNAME() string { return c.cfg.Options.RTPParameters.RTCP.CNAME }

// Active tells whether packets are forwarded: transport connected, and neither side paused.
func (c *Consumer) Active() bool { return c.active }

// Paused tells whether the consuming side paused it.
func (c *Consumer) Paused() bool { return c.paused }

// Priority is 1 to 255.
func (c *Consumer) Priority() int { return c.priority }

// SetPriority sets it.
func (c *Consumer) SetPriority(priority int) (proto.SetPriorityResult, *proto.Error) {
	if priority < 1 || priority > 255 {
		return proto.SetPriorityResult{}, proto.BadField("priority", "%d is not 1 to 255", priority)
	}
	c.priority = priority
	return proto.SetPriorityResult{Priority: priority}, nil
}

// SetPreferredLayers tells which layers the peer wants at most. Consumers without layers ignore it.
func (c *Consumer) SetPreferredLayers(now time.Time, l proto.ConsumerLayers) (proto.SetPreferredLayersResult, *proto.Error) {
	if l.SpatialLayer < 0 {
		return proto.SetPreferredLayersResult{}, proto.BadField("preferredLayers.spatialLayer", "layer %d", l.SpatialLayer)
	}
	if l.TemporalLayer != nil && *l.TemporalLayer < 0 {
		return proto.SetPreferredLayersResult{}, proto.BadField("preferredLayers.temporalLayer", "layer %d", *l.TemporalLayer)
	}
	return proto.SetPreferredLayersResult{PreferredLayers: c.selector.prefer(now, l)}, nil
}

// Result answers the request that made the consumer.
func (c *Consumer) Result() proto.ConsumeResult {
	return proto.ConsumeResult{
		Paused: c.paused, ProducerPaused: c.producerPaused, Score: c.Score(), PreferredLayers: c.selector.preferred(),
	}
}
