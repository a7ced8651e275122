package consumer

import (
	"time"

	"gazpacho/pkg/stream"
	"gazpacho/proto"
)

// Hysteresis of what bandwidth allows. See SWITCHING.md.
const (
	cautious       = 10 * time.Second // after bandwidth took a spatial layer away, going up again takes more:
	cautiousActive = 8 * time.Second  // a stream that has been alive for so long,
	cautiousMargin = 1.25             // and so many times its bitrate;
	upMargin       = 1.1              // else so many times,
	stayMargin     = 0.95             // and to stay so many: bitrates swing
)

// allocation is what bandwidth allows a consumer. It is made anew in rounds: Plan, Raise as often as there is something left, Apply.
type allocation struct {
	limited   bool          // somebody estimates bandwidth
	allowed   stream.Layers // highest that fit; of no meaning while not limited
	starved   bool          // not even the lowest do
	loweredAt time.Time     // when bandwidth last took a spatial layer away

	plan    stream.Layers // of the round; none at first
	planned int           // bit/s that it takes
	short   bool          // there was more to want than there was
}

// ready tells whether there is anything that bandwidth could be for.
func (c *Consumer) ready() bool { return c.connected && !c.paused && !c.producerPaused && !c.closed }

// DesiredBitrate is what the consumer would take if there was enough, in bit/s: the preferred layers as far as they are sent. Audio is not counted:
// nobody would rather have less of it.
func (c *Consumer) DesiredBitrate(now time.Time) int {
	if !c.ready() || c.Kind() == proto.Audio {
		return 0
	}
	wish, layered := c.selector.wishes()
	if !layered {
		return c.cfg.Source.LayerBitrate(now, c.streams[0], 0, 0)
	}
	for ; wish.Spatial >= 0; wish.Spatial-- {
		if bitrate := c.selector.bitrate(now, wish); bitrate > 0 {
			return bitrate
		}
	}
	return 0
}

// Limit makes a new consumer begin with the lowest layer until the first round.
func (c *Consumer) Limit() {
	c.allocation.limited = true
	c.allocation.allowed = stream.Layers{Temporal: maxTemporalLayers}
}

// Plan begins a round. It tells whether the consumer takes part.
func (c *Consumer) Plan() bool {
	a := &c.allocation
	a.plan, a.planned, a.short = stream.Layers{Spatial: none, Temporal: none}, 0, false
	return c.ready() && c.Kind() == proto.Video
}

// Raise takes the next layer, if it fits into available bit/s or must be had by all means. It returns how much more that takes, which may be less than
// nothing where few pictures of a better stream are smaller than all of a worse one, and false if there is no further layer or it does not fit. Consumers without layers take what they take, once.
func (c *Consumer) Raise(now time.Time, available int, must bool) (used int, raised bool) {
	a := &c.allocation
	wish, layered := c.selector.wishes()
	if !layered {
		if a.plan.Spatial != none {
			return 0, false
		}
		a.plan = stream.Layers{}
		a.planned = c.cfg.Source.LayerBitrate(now, c.streams[0], 0, 0)
		return min(a.planned, max(available, 0)), true
	}
	for next := a.after(a.plan, wish); next.Spatial <= wish.Spatial; next = a.after(next, wish) {
		bitrate := c.selector.bitrate(now, next)
		if bitrate == 0 || next.Spatial > a.plan.Spatial && !c.selector.mayRise(now, next.Spatial) {
			next.Temporal = wish.Temporal // nothing to be had of this spatial layer
			continue
		}
		cost := bitrate - a.planned
		if cost > 0 && !must && float64(cost)*a.margin(now, next) > float64(available) {
			a.short = true
			return 0, false
		}
		a.plan, a.planned = next, bitrate
		a.climb(c, now, wish)
		return min(cost, max(available, 0)), true
	}
	return 0, false
}

// after is the layer behind l in the order in which they are taken: temporal ones first.
func (a *allocation) after(l, wish stream.Layers) stream.Layers {
	if l.Spatial == none || l.Temporal >= wish.Temporal {
		return stream.Layers{Spatial: l.Spatial + 1}
	}
	return stream.Layers{Spatial: l.Spatial, Temporal: l.Temporal + 1}
}

// climb takes the temporal layers that cost nothing: the source has no such, or does not say.
func (a *allocation) climb(c *Consumer, now time.Time, wish stream.Layers) {
	for a.plan.Temporal < wish.Temporal {
		next := stream.Layers{Spatial: a.plan.Spatial, Temporal: a.plan.Temporal + 1}
		if c.selector.bitrate(now, next) > a.planned {
			return
		}
		a.plan = next
	}
}

// margin is how many times its cost a layer must fit.
func (a *allocation) margin(now time.Time, l stream.Layers) float64 {
	up := !a.limited || a.starved || l.Spatial > a.allowed.Spatial || l.Spatial == a.allowed.Spatial && l.Temporal > a.allowed.Temporal
	switch {
	case !up:
		return stayMargin
	case a.cautious(now):
		return cautiousMargin
	}
	return upMargin
}

func (a *allocation) cautious(now time.Time) bool {
	return !a.loweredAt.IsZero() && now.Sub(a.loweredAt) < cautious
}

// Apply ends a round. It returns what the consumer takes, in bit/s.
func (c *Consumer) Apply(now time.Time) int {
	a := &c.allocation
	wish, layered := c.selector.wishes()
	if !layered {
		return a.planned
	}
	was, limited, starved := a.allowed, a.limited, a.starved
	a.limited, a.starved = true, a.plan.Spatial == none && a.short
	a.allowed = a.plan
	if a.plan.Spatial == none { // what is wished is not sent, or not yet
		a.allowed = stream.Layers{Temporal: wish.Temporal}
	}
	if limited && !starved && a.short && (a.starved || a.allowed.Spatial < min(was.Spatial, wish.Spatial)) {
		a.loweredAt = now
	}
	switch {
	case a.starved != starved:
		c.activate(now)
	case !limited || a.allowed != was:
		c.selector.allowed(now)
	}
	return a.planned
}

// within cuts preferred layers down to what bandwidth allows.
func (a *allocation) within(prefers stream.Layers) stream.Layers {
	if !a.limited {
		return prefers
	}
	return stream.Layers{Spatial: min(prefers.Spatial, a.allowed.Spatial), Temporal: min(prefers.Temporal, a.allowed.Temporal)}
}

// demand says that what the consumer wants may have changed. At once is before anything else happens.
func (c *Consumer) demand(now time.Time, atOnce bool) {
	if c.cfg.Demand != nil && c.Kind() == proto.Video {
		c.cfg.Demand(now, atOnce)
	}
}
