package consumer

import (
	"strings"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
	"gazpacho/proto"
)

// Limits of scalable video. See SVC.md.
const (
	maxSpatialLayers  = 8 // SID of VP9 has three bits, that of AV1 two
	maxTemporalLayers = 8
	layerSilence      = time.Second // after which a spatial layer is not expected to go on
)

// svc forwards the lower layers of one stream of scalable video. See SVC.md.
type svc struct {
	consumer *Consumer
	max      stream.Layers // highest there are
	prefers  stream.Layers // highest that are wished
	own      bool          // key pictures aside, layer frames refer to none of other spatial layers: L3T3_KEY, S3T3

	spatial  int // highest spatial layer being forwarded; none if nothing is
	temporal int // highest temporal layer being forwarded
	target   int // spatial layer that is wanted

	left  uint8 // spatial layers of which something was left out since the last key picture, though lower ones have to be whole to go down to them
	seen  [maxSpatialLayers]time.Time
	heard time.Time // when a packet of any layer came
	since time.Time // from when on layers are expected

	picture uint32 // timestamp of the picture at hand
	key     bool   // it is a key picture
	top     int    // its highest spatial layer so far
	started bool   // there is one
	frame   uint32 // layer frame that was judged last
	keeping bool   // what the judgement was

	display
}

func newSVC(c *Consumer) (*svc, *proto.Error) {
	o := c.cfg.Options
	name := o.RTPParameters.Encodings[0].ScalabilityMode
	mode := stream.ParseScalabilityMode(name)
	s := &svc{
		consumer: c,
		max:      stream.Layers{Spatial: min(mode.Spatial, maxSpatialLayers) - 1, Temporal: min(mode.Temporal, maxTemporalLayers) - 1},
		own:      strings.HasPrefix(name, "S") || strings.Contains(name, "_KEY"),
		spatial:  none,
		display:  display{shown: stream.Layers{Spatial: none, Temporal: none}},
	}
	s.prefers = s.max
	if l := o.PreferredLayers; l != nil {
		s.prefers = limit(l, s.max)
	}
	s.target = s.prefers.Spatial
	return s, nil
}

func (s *svc) want() int { return 0 }

// prefer takes a new wish. What needs a key picture is asked for right away, not only when the next picture comes.
func (s *svc) prefer(now time.Time, l proto.ConsumerLayers) *proto.ConsumerLayers {
	s.prefers = limit(&l, s.max)
	s.consumer.demand(now, true)
	s.allowed(now)
	return s.preferred()
}

// allowed goes for the layers that are wished and fit.
func (s *svc) allowed(now time.Time) {
	s.choose()
	if s.spatial != none && s.target != s.spatial && !s.mayGoDown() {
		s.consumer.ask(now)
	}
}

// wish is the highest that is preferred and fits.
func (s *svc) wish() stream.Layers { return s.consumer.allocation.within(s.prefers) }

func (s *svc) wishes() (stream.Layers, bool) { return s.prefers, true }

// bitrate is that of a spatial layer, and of those below where it needs them, up to a temporal layer.
func (s *svc) bitrate(now time.Time, l stream.Layers) (sum int) {
	c := s.consumer
	for spatial := l.Spatial; spatial >= 0; spatial-- {
		layer := 0
		for t := range l.Temporal + 1 {
			layer += c.cfg.Source.LayerBitrate(now, c.streams[0], spatial, t)
		}
		if layer == 0 && spatial == l.Spatial {
			return 0
		}
		sum += layer
		if s.own {
			break
		}
	}
	return sum
}

// mayRise knows no reason against it: layers of one stream come and go together.
func (s *svc) mayRise(time.Time, int) bool { return true }

func (s *svc) preferred() *proto.ConsumerLayers { return layers(s.prefers.Spatial, s.prefers.Temporal) }

// changed forgets the pictures when forwarding ends.
func (s *svc) changed(time.Time) {
	c := s.consumer
	if c.current == none && s.spatial != none {
		s.spatial, s.started, s.left = none, false, 0
		s.since, s.heard, s.seen = time.Time{}, time.Time{}, [maxSpatialLayers]time.Time{}
	}
	if !c.closed {
		s.report()
	}
}

// offer waits for a key picture, of layers of their own for the wanted one.
func (s *svc) offer(now time.Time, _ int, p *rtp.Packet) bool {
	f := &p.Frame
	s.note(now, p)
	s.choose()
	first := f.KeyFrame && (!f.Unreferenced || s.target == 0 || !s.own) || s.key && f.Start && int(f.Spatial) == s.target
	if !first {
		return false
	}
	s.frame, s.keeping = frameOf(p), true
	s.left = 1<<f.Spatial - 1
	return true
}

// began lets the wanted layers through.
func (s *svc) began(time.Time) {
	s.spatial, s.temporal = s.target, s.wish().Temporal
	s.settle()
	s.report()
}

// keep judges a layer frame by its first packet, and the rest of it likewise.
func (s *svc) keep(now time.Time, p *rtp.Packet) bool {
	picture := s.note(now, p)
	if frame := frameOf(p); picture || frame != s.frame {
		s.frame = frame
		if picture {
			s.turn(now, p)
		}
		s.keeping = s.judge(now, p)
	}
	return s.keeping
}

// note takes note of a packet's picture and layer. It tells whether the picture is a new one.
func (s *svc) note(now time.Time, p *rtp.Packet) bool {
	f := &p.Frame
	if s.since.IsZero() || now.Sub(s.heard) > layerSilence { // nothing is known of layers while there are none
		s.since = now
	}
	s.heard = now
	s.seen[f.Spatial&(maxSpatialLayers-1)] = now
	if s.started && p.Timestamp == s.picture {
		s.key = s.key || f.KeyFrame
		s.top = max(s.top, int(f.Spatial))
		return false
	}
	// Layers of their own that a key picture did not have will not come before the next one.
	if s.own && s.started && s.key {
		for i := s.top + 1; i < maxSpatialLayers; i++ {
			s.seen[i] = s.since.Add(-layerSilence)
		}
	}
	s.started, s.picture, s.key, s.top = true, p.Timestamp, f.KeyFrame, int(f.Spatial)
	return true
}

// silent tells whether a spatial layer is not to be expected.
func (s *svc) silent(spatial int) bool {
	at := s.seen[spatial]
	switch {
	case s.since.IsZero() || spatial == s.top:
		return false
	case at.IsZero():
		at = s.since
	}
	return s.heard.Sub(at) >= layerSilence
}

// choose finds the spatial layer to forward: the wished one, or, where that has to send by itself, the highest below it that does, or else the
// lowest above.
func (s *svc) choose() {
	s.target = s.wish().Spatial
	if !s.own && s.left == 0 { // without it, those below are what there is to show
		return
	}
	for s.target >= 0 && s.silent(s.target) {
		s.target--
	}
	if s.target >= 0 {
		return
	}
	for s.target = s.wish().Spatial; s.target < s.max.Spatial && s.silent(s.target); {
		s.target++
	}
}

// mayGoDown tells whether the wanted layer is below and all that it refers to was forwarded.
func (s *svc) mayGoDown() bool { return s.target < s.spatial && s.left&(2<<s.target-1) == 0 }

// turn begins a picture: here layers may be changed without its end being marked twice or not at all.
func (s *svc) turn(now time.Time, p *rtp.Packet) {
	c := s.consumer
	s.choose()
	wish := s.wish()
	switch {
	case s.key:
		s.left, c.askedAt = 0, time.Time{}
		s.forward(now, p, s.target, wish.Temporal)
	case s.target == s.spatial || s.mayGoDown():
		c.askedAt = time.Time{}
		s.forward(now, p, s.target, min(s.temporal, wish.Temporal))
	default:
		c.ask(now)
		s.forward(now, p, s.spatial, min(s.temporal, wish.Temporal))
	}
	s.report()
}

// forward lets layers through from a packet on.
func (s *svc) forward(now time.Time, p *rtp.Packet, spatial, temporal int) {
	if spatial != s.spatial || temporal != s.temporal {
		s.spatial, s.temporal = spatial, temporal
		s.consumer.rewriter.Part(now, p.SequenceNumber)
		s.settle()
	}
}

// settle tells the rewriter what the run that begins is limited to.
func (s *svc) settle() {
	o := &s.consumer.rewriter.Offsets
	o.Layers, o.Temporals = uint8(s.spatial+1), uint8(s.temporal+1)
}

// judge tells whether a layer frame is forwarded.
func (s *svc) judge(now time.Time, p *rtp.Packet) bool {
	f := &p.Frame
	spatial := int(f.Spatial)
	switch {
	case spatial > s.spatial:
		return false
	case spatial < s.spatial && (f.Unreferenced || s.own && f.InterPicture):
		s.left |= 1 << spatial
		return false
	}
	// Up only: a picture of which the lower layers were sent is sent whole, so down waits for turn. The highest spatial layer decides for all: what
	// refers to it refers to what it refers to.
	if temporal := climb(f, s.temporal, max(s.temporal, s.wish().Temporal)); (spatial >= s.shown.Spatial || f.KeyFrame) && temporal != s.temporal {
		s.forward(now, p, s.spatial, temporal)
		s.report()
	}
	return int(f.Temporal) <= s.temporal
}

// report tells the controller when other layers are being forwarded: those that may pass, but for upper ones that are silent and not needed.
func (s *svc) report() {
	is := stream.Layers{Spatial: none, Temporal: none}
	if s.spatial != none {
		is = stream.Layers{Spatial: s.spatial, Temporal: s.temporal}
		for is.Spatial > 0 && !s.own && s.left == 0 && s.silent(is.Spatial) {
			is.Spatial--
		}
	}
	s.show(s.consumer, is)
}

func (s *svc) dump(d *proto.ConsumerDump) {
	target := stream.Layers{Spatial: none, Temporal: none}
	if s.consumer.active {
		target = stream.Layers{Spatial: s.target, Temporal: s.wish().Temporal}
	}
	dumpLayers(d, s.prefers, target, s.shown)
}
