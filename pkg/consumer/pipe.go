package consumer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// Pipe sends all streams of a source to another router, each as it is under an SSRC of its own: that router's consumers choose among them.
// It is a tap of its producer, and has a Consumer for each stream, a lane, which knows nothing of the others.
type Pipe struct {
	// passed in
	cfg Config

	// owned
	lanes []*Consumer

	// state
	paused         bool
	producerPaused bool
	closed         bool
	scores         []int // of the producer, as the controller knows them
}

// pipeScore is what a pipe says of its own sending, as mediasoup's do.
const pipeScore = 10

// NewPipe makes a pipe, or says which part of the options is wrong or not supported. Their parameters have an encoding for each of the source's.
func NewPipe(cfg Config) (*Pipe, *proto.Error) {
	o := cfg.Options
	if err := refused(o.PreferredLayers); err != nil {
		return nil, err
	}
	if n := len(o.RTPParameters.Encodings); n != len(o.ConsumableRTPEncodings) || n == 0 || n > maxStreams {
		return nil, proto.BadField("rtpParameters.encodings", "%d encodings for %d of the producer", n, len(o.ConsumableRTPEncodings))
	}
	p := &Pipe{cfg: cfg, paused: o.Paused, producerPaused: cfg.ProducerPaused}
	taken := make(map[uint32]bool)
	for i := range o.ConsumableRTPEncodings {
		lane, err := p.newLane(i)
		if err == nil {
			err = repeated(taken, lane)
		}
		if err != nil {
			err.Path = laneOf(err.Path, i)
			return nil, err
		}
		p.lanes = append(p.lanes, lane)
	}
	p.scores = p.producerScores()
	return p, nil
}

// newLane makes the consumer of one stream.
func (p *Pipe) newLane(i int) (*Consumer, *proto.Error) {
	cfg, o := p.cfg, *p.cfg.Options
	o.Type, o.IgnoreDTX, o.PreferredLayers = proto.Simple, false, nil
	o.RTPParameters.Encodings = o.RTPParameters.Encodings[i : i+1]
	o.ConsumableRTPEncodings = o.ConsumableRTPEncodings[i : i+1]
	cfg.Options, cfg.Events, cfg.ProducerClosed = &o, laneEvents{p.cfg.Events}, nil
	lane, err := New(cfg)
	if err == nil {
		lane.verbatim = true
	}
	return lane, err
}

// repeated refuses SSRCs that another lane sends with.
func repeated(taken map[uint32]bool, lane *Consumer) *proto.Error {
	media, rtx := lane.SSRC(), lane.RTXSSRC()
	switch {
	case taken[media]:
		return proto.BadField("rtpParameters.encodings[0].ssrc", "SSRC %d is given twice", media)
	case rtx != 0 && taken[rtx]:
		return proto.BadField("rtpParameters.encodings[0].rtx.ssrc", "SSRC %d is given twice", rtx)
	}
	taken[media], taken[rtx] = true, true
	return nil
}

// laneOf corrects the index in the path of an error about the only encoding of a lane.
func laneOf(path string, i int) string {
	return strings.Replace(path, "ncodings[0]", fmt.Sprintf("ncodings[%d]", i), 1)
}

// laneEvents lets through what lanes have to say on their own: the rest a pipe says once.
type laneEvents struct{ Events }

// Emit passes trace events on.
func (e laneEvents) Emit(target string, event proto.Event) {
	if event.Name == proto.EventConsumerTrace {
		e.Events.Emit(target, event)
	}
}

// ID returns the pipe's id, which is that of its lanes.
func (p *Pipe) ID() string { return p.cfg.Options.ConsumerID }

// Lanes are the pipe's outgoing streams, in the order of the source's.
func (p *Pipe) Lanes() []*Consumer { return p.lanes }

// ProducerPacket forwards a packet on its lane.
func (p *Pipe) ProducerPacket(now time.Time, packet *rtp.Packet) {
	for _, c := range p.lanes {
		if c.streams[0] == packet.SSRC {
			c.ProducerPacket(now, packet)
			return
		}
	}
}

// ProducerStream begins anew with a stream that did.
func (p *Pipe) ProducerStream(now time.Time, ssrc uint32) {
	p.each(func(c *Consumer) { c.ProducerStream(now, ssrc) })
}

// ProducerScore tells the controller.
func (p *Pipe) ProducerScore(time.Time) {
	scores := p.producerScores()
	if p.closed || slices.Equal(scores, p.scores) {
		return
	}
	p.scores = scores
	p.notify(proto.EventConsumerScore, p.score())
}

// ProducerPaused tells the controller and stops forwarding.
func (p *Pipe) ProducerPaused(now time.Time) {
	p.setProducerPaused(proto.EventConsumerProducerPause, true, func(c *Consumer) { c.ProducerPaused(now) })
}

// ProducerResumed takes ProducerPaused back.
func (p *Pipe) ProducerResumed(now time.Time) {
	p.setProducerPaused(proto.EventConsumerProducerResume, false, func(c *Consumer) { c.ProducerResumed(now) })
}

func (p *Pipe) setProducerPaused(event string, paused bool, tell func(*Consumer)) {
	if p.producerPaused == paused || p.closed {
		return
	}
	p.producerPaused = paused
	p.each(tell)
	p.notify(event, nil)
}

// ProducerClosed ends the pipe and tells the controller.
func (p *Pipe) ProducerClosed(now time.Time) {
	if p.closed {
		return
	}
	p.notify(proto.EventConsumerProducerClose, nil)
	p.Close(now)
	if p.cfg.ProducerClosed != nil {
		p.cfg.ProducerClosed(now, p.lanes[0])
	}
}

// TransportConnected says that media can be sent.
func (p *Pipe) TransportConnected(now time.Time) {
	p.each(func(c *Consumer) { c.TransportConnected(now) })
}

// TransportDisconnected takes TransportConnected back.
func (p *Pipe) TransportDisconnected(now time.Time) {
	p.each(func(c *Consumer) { c.TransportDisconnected(now) })
}

// Pause stops forwarding.
func (p *Pipe) Pause(now time.Time) {
	p.paused = true
	p.each(func(c *Consumer) { c.Pause(now) })
}

// Resume takes Pause back. Each lane of video begins with a key frame, which it asks for.
func (p *Pipe) Resume(now time.Time) {
	p.paused = false
	p.each(func(c *Consumer) { c.Resume(now) })
}

// Close ends the pipe without telling anybody.
func (p *Pipe) Close(now time.Time) {
	p.closed = true
	p.each(func(c *Consumer) { c.Close(now) })
}

// RequestKeyFrame asks the source for a key frame of every stream.
func (p *Pipe) RequestKeyFrame(now time.Time) {
	p.each(func(c *Consumer) { c.RequestKeyFrame(now) })
}

func (p *Pipe) each(f func(*Consumer)) {
	for _, c := range p.lanes {
		f(c)
	}
}

func (p *Pipe) notify(event string, body any) {
	p.cfg.Events.Emit(p.ID(), proto.Event{Name: event, Body: body})
}
