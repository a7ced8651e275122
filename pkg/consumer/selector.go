package consumer

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
	"gazpacho/proto"
)

// selector decides which packets of the source make up the outgoing stream.
type selector interface {
	// want is the stream that is, or should be, forwarded; none if there is none.
	want() int
	// offer tells whether the wanted stream may begin to be forwarded with a packet.
	offer(now time.Time, stream int, p *rtp.Packet) bool
	// began is told that it did.
	began(now time.Time)
	// keep tells whether a packet of the stream being forwarded is. Packets come in order.
	keep(now time.Time, p *rtp.Packet) bool
	// changed is told that streams of the source came, went or changed their score, or that the consumer became active or inactive.
	changed(now time.Time)
	// prefer sets the preferred layers, as far as there are any, and returns them.
	prefer(now time.Time, l proto.ConsumerLayers) *proto.ConsumerLayers
	preferred() *proto.ConsumerLayers
	// wishes returns the preferred layers; false if there is nothing to choose.
	wishes() (stream.Layers, bool)
	// bitrate is what forwarding layers takes in bit/s, 0 if they are not sent.
	bitrate(now time.Time, l stream.Layers) int
	// mayRise tells whether a spatial layer above those being forwarded has proved itself.
	mayRise(now time.Time, spatial int) bool
	// allowed is told that the consumer's allocation changed.
	allowed(now time.Time)
	// dump adds what is to be told about layers.
	dump(d *proto.ConsumerDump)
}

func newSelector(c *Consumer) (selector, *proto.Error) {
	switch o := c.cfg.Options; {
	case o.Type == proto.Simple && len(c.streams) == 1:
		return &simple{consumer: c}, nil
	case o.Type == proto.Simulcast && len(c.streams) > 1:
		return newSimulcast(c)
	case o.Type == proto.SVC && len(c.streams) == 1:
		return newSVC(c)
	case o.Type == proto.Simple || o.Type == proto.Simulcast || o.Type == proto.SVC:
		return nil, proto.BadField("consumableRtpEncodings", "a %s consumer of %d encodings", o.Type, len(c.streams))
	default:
		return nil, proto.BadField("type", "%q is no type of consumers", o.Type)
	}
}

// simple forwards the only stream of the source.
type simple struct {
	consumer *Consumer
}

func (s *simple) want() int { return 0 }

// offer waits for a key frame where decoders need one.
func (s *simple) offer(now time.Time, _ int, p *rtp.Packet) bool {
	return p.Frame.KeyFrame || !s.consumer.codec.kind.KeyFrames() && s.keep(now, p)
}

func (s *simple) began(time.Time) {}

// keep leaves out silence, if that is wished.
func (s *simple) keep(_ time.Time, p *rtp.Packet) bool {
	return !p.Frame.DTX || !s.consumer.cfg.Options.IgnoreDTX
}

func (s *simple) changed(time.Time) {}

func (s *simple) prefer(time.Time, proto.ConsumerLayers) *proto.ConsumerLayers { return nil }

func (s *simple) preferred() *proto.ConsumerLayers { return nil }

func (s *simple) wishes() (stream.Layers, bool) { return stream.Layers{}, false }

func (s *simple) bitrate(time.Time, stream.Layers) int { return 0 }

func (s *simple) mayRise(time.Time, int) bool { return true }

func (s *simple) allowed(time.Time) {}

func (s *simple) dump(*proto.ConsumerDump) {}
