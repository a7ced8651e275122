package consumer

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// minActive is how long a stream must have been alive before it is worth going up to: bandwidth estimation at the publisher switches the
// highest ones on and off.
const minActive = 2 * time.Second

// simulcast forwards one of several streams of different quality. See SWITCHING.md.
type simulcast struct {
	consumer *Consumer
	max      stream.Layers // highest there are
	prefers  stream.Layers // highest that are wished

	target   int          // stream that is wanted; none if there is none
	temporal int          // highest temporal layer being forwarded
	timer    *timer.Timer // for when a higher stream will have been alive long enough

	frame   uint32 // timestamp of the picture that was judged last
	judged  bool   // there was one
	keeping bool   // what the judgement was

	display
}

func newSimulcast(c *Consumer) (*simulcast, *proto.Error) {
	o := c.cfg.Options
	mode := stream.ParseScalabilityMode(o.RTPParameters.Encodings[0].ScalabilityMode)
	s := &simulcast{
		consumer: c,
		max:      stream.Layers{Spatial: len(c.streams) - 1, Temporal: mode.Temporal - 1},
		target:   none,
		display:  display{shown: stream.Layers{Spatial: none, Temporal: none}},
	}
	s.timer = c.cfg.Timers.New(s.changed)
	s.prefers = s.max
	if l := o.PreferredLayers; l != nil {
		s.prefers = limit(l, s.max)
	}
	return s, nil
}

// prefer takes a new wish at once. The stream it leads to is asked for a key frame right away, not only when its next packet comes.
func (s *simulcast) prefer(now time.Time, l proto.ConsumerLayers) *proto.ConsumerLayers {
	s.prefers = limit(&l, s.max)
	s.consumer.demand(now, true)
	s.allowed(now)
	return s.preferred()
}

// allowed goes for the layers that are wished and fit.
func (s *simulcast) allowed(now time.Time) {
	s.changed(now)
	if s.consumer.active && s.target != s.consumer.current {
		s.consumer.ask(now)
	}
}

// wish is the highest that is preferred and fits.
func (s *simulcast) wish() stream.Layers { return s.consumer.allocation.within(s.prefers) }

func (s *simulcast) wishes() (stream.Layers, bool) { return s.prefers, true }

// bitrate is that of one stream up to a temporal layer.
func (s *simulcast) bitrate(now time.Time, l stream.Layers) (sum int) {
	if !s.alive(l.Spatial) {
		return 0
	}
	for t := range l.Temporal + 1 {
		sum += s.consumer.cfg.Source.LayerBitrate(now, s.consumer.streams[l.Spatial], 0, t)
	}
	return sum
}

// mayRise wants a stream to have been alive for a while, longer after bandwidth was short.
func (s *simulcast) mayRise(now time.Time, spatial int) bool {
	c := s.consumer
	if c.current == none || spatial <= max(c.current, s.target) {
		return true
	}
	least := minActive
	if c.allocation.cautious(now) {
		least = cautiousActive
	}
	return now.Sub(c.cfg.Source.Stream(c.streams[spatial]).ActiveSince()) >= least
}

func (s *simulcast) preferred() *proto.ConsumerLayers {
	return layers(s.prefers.Spatial, s.prefers.Temporal)
}

func (s *simulcast) want() int { return s.target }

// changed chooses the target anew. It runs when anything changed that the choice depends on, and when a young stream grew old enough.
func (s *simulcast) changed(now time.Time) {
	c := s.consumer
	s.timer.Stop()
	if c.closed {
		return
	}
	target := none
	if c.active {
		target = s.choose(now)
	}
	if target != s.target {
		s.target = target
		c.askedAt = time.Time{} // its next packet asks for a key frame, unless it is one
	}
	if target == none {
		c.stop(now)
	}
	s.report()
}

// choose finds the best stream that is alive and not above the preferred one; if there is none, the lowest above. Those above the stream
// being forwarded must have been alive for a while.
func (s *simulcast) choose(now time.Time) int {
	c := s.consumer
	wish := s.wish()
	settled := c.current != none && s.alive(c.current)
	var again time.Time
	best := none
	for i := range c.streams {
		if i > wish.Spatial && best != none {
			break
		}
		if !s.alive(i) {
			continue
		}
		if settled && i > c.current && i != s.target {
			if at := c.cfg.Source.Stream(c.streams[i]).ActiveSince().Add(minActive); at.After(now) {
				if again.IsZero() || at.Before(again) {
					again = at
				}
				continue
			}
		}
		best = i
	}
	if !again.IsZero() {
		s.timer.Reset(again)
	}
	return best
}

// alive tells whether a stream sends: silence of a while makes its score 0.
func (s *simulcast) alive(i int) bool {
	r := s.consumer.cfg.Source.Stream(s.consumer.streams[i])
	return r != nil && r.Score() > 0
}

// offer waits for a key frame of the target.
func (s *simulcast) offer(_ time.Time, _ int, p *rtp.Packet) bool {
	return p.Frame.KeyFrame
}

// began shows the new stream. A key frame is where all temporal layers begin.
func (s *simulcast) began(time.Time) {
	s.temporal = s.wish().Temporal
	s.judged = false
	s.report()
}

// keep judges a picture by its first packet, and the rest of it likewise.
func (s *simulcast) keep(_ time.Time, p *rtp.Packet) bool {
	if s.judged && p.Timestamp == s.frame {
		return s.keeping
	}
	s.judged, s.frame = true, p.Timestamp
	if temporal := climb(&p.Frame, s.temporal, s.wish().Temporal); temporal != s.temporal {
		s.temporal = temporal
		s.report()
	}
	s.keeping = int(p.Frame.Temporal) <= s.temporal
	return s.keeping
}

// report tells the controller when other layers are being forwarded.
func (s *simulcast) report() {
	c := s.consumer
	is := stream.Layers{Spatial: c.current, Temporal: s.temporal}
	if c.current == none {
		is.Temporal = none
	}
	s.show(c, is)
}

func (s *simulcast) dump(d *proto.ConsumerDump) {
	target := stream.Layers{Spatial: s.target, Temporal: s.wish().Temporal}
	if s.target == none {
		target.Temporal = none
	}
	dumpLayers(d, s.prefers, target, s.shown)
}
