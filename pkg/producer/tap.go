package producer

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// Tap is told what a producer receives and what happens to it. Consumers and observers are taps.
type Tap interface {
	// ProducerPacket hands over a packet that speaks the router's payload type and SSRC. It is borrowed and read-only: it is the
	// one copy all taps see.
	ProducerPacket(now time.Time, p *rtp.Packet)
	// ProducerStream says that the stream known by a mapped SSRC begins, or begins again with new sequence numbers and timestamps.
	ProducerStream(now time.Time, ssrc uint32)
	// ProducerScore says that the score of some stream changed.
	ProducerScore(now time.Time)
	ProducerPaused(now time.Time)
	ProducerResumed(now time.Time)
	// ProducerClosed is the last call a tap gets; it is removed already.
	ProducerClosed(now time.Time)
}

// Feedback takes RTCP to the publisher. The packet is borrowed.
type Feedback interface {
	SendRTCP(now time.Time, packet []byte)
}

// Events is the one way up.
type Events interface {
	Emit(target string, e proto.Event)
}
