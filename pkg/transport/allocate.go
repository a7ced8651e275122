package transport

import (
	"cmp"
	"math"
	"slices"
	"time"

	"gazpacho/pkg/bwe"
	"gazpacho/pkg/consumer"
	"gazpacho/proto"
)

// desiredFall is how fast, per second, the effective desired bitrate follows a desired one that fell: bitrates swing, and estimates that follow
// every swing find nothing.
const desiredFall = 0.95

// With more than fewConsumers, what they demand is seen to no more often than once in demandInterval: a thousand that come one after the other must
// not be shared among a thousand times.
const (
	fewConsumers   = 32
	demandInterval = 50 * time.Millisecond
)

// demand is told by consumers that what they want may have changed.
func (o *outgoing) demand(now time.Time, atOnce bool) {
	if o.sender == nil || o.media.closed {
		return
	}
	at := now
	if len(o.media.consumers) > fewConsumers && o.allocatedAt.Add(demandInterval).After(now) {
		at = o.allocatedAt.Add(demandInterval)
	}
	if atOnce && !o.held && at.Equal(now) {
		o.allocate(now)
		return
	}
	o.soon.Reset(at)
}

// hold puts allocations off until release: all consumers are about to change.
func (o *outgoing) hold() { o.held = true }

func (o *outgoing) release(now time.Time) {
	o.held = false
	if o.sender != nil {
		o.allocate(now)
	}
}

// allocate shares the estimate among the consumers.
func (o *outgoing) allocate(now time.Time) {
	if o.sender == nil || o.media.closed || o.held || !o.media.path.open() {
		return
	}
	o.held = true // layers that change make demands
	o.soon.Stop()
	o.wish(now)
	o.available = o.sender.Bitrate()
	o.used = o.share(now, o.available)
	o.allocatedAt, o.held = now, false
}

// wish finds out how much all consumers would take.
func (o *outgoing) wish(now time.Time) {
	o.desired = 0
	for _, c := range o.media.consumers {
		if c, ok := c.(*consumer.Consumer); ok {
			o.desired += c.DesiredBitrate(now)
		}
	}
	fallen := float64(o.effective)
	if !o.allocatedAt.IsZero() {
		fallen *= math.Pow(desiredFall, min(now.Sub(o.allocatedAt).Seconds(), 60))
	}
	o.effective = max(o.desired, int(fallen))
	if o.desired == 0 {
		o.effective = 0
	}
	o.sender.SetDesired(o.effective)
}

// share gives each consumer one layer, those of high priority first, then rounds of as many as its priority to each, until no further layer fits.
// One consumer has its lowest layer whatever the estimate says: without any packet there would be nothing to estimate from. It returns what is taken.
func (o *outgoing) share(now time.Time, available int) (used int) {
	list := o.order[:0]
	for _, c := range o.media.consumers {
		if c, ok := c.(*consumer.Consumer); ok && c.Plan() {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b *consumer.Consumer) int { return cmp.Compare(b.Priority(), a.Priority()) })
	must := true
	for base, more := true, true; base || more; base = false {
		more = false
		for _, c := range list {
			for rounds := c.Priority(); rounds > 0; rounds-- {
				n, raised := c.Raise(now, available, must)
				if !raised {
					break
				}
				available -= n
				more, must = true, false
				if base {
					break
				}
			}
		}
	}
	for _, c := range list {
		used += c.Apply(now)
	}
	clear(list)
	o.order = list[:0]
	return used
}

// trace tells the controller of the estimate, if it asked for that.
func (o *outgoing) trace(now time.Time) {
	m := o.media
	if !slices.Contains(m.traces, "bwe") {
		return
	}
	kind := "remb"
	if o.cc {
		kind = "transport-cc"
	}
	most := o.sender.Most()
	m.emitTrace(now, "bwe", map[string]any{
		"bweType": kind, "desiredBitrate": o.desired, "effectiveDesiredBitrate": o.effective,
		"minBitrate": o.sender.Least(), "maxBitrate": most, "startBitrate": max(o.available, proto.MinBitrate),
		"maxPaddingBitrate": int(bwe.Padding * float64(most)), "availableBitrate": o.available,
	})
}

func (m *media) emitTrace(now time.Time, kind string, info map[string]any) {
	m.env.Events.Emit(m.id, proto.Event{Name: proto.EventTransportTrace, Body: proto.TraceEvent{
		Type: kind, Timestamp: now.UnixMilli(), Direction: "out", Info: info,
	}})
}
