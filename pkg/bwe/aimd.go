package bwe

import (
	"math"
	"time"
)

// Constants of the rate control (draft-ietf-rmcat-gcc-02 section 5.5), rates in bit/s.
const (
	minBitrate     = 30_000
	initialBitrate = 300_000 // what browsers start with
	decreaseFactor = 0.85    // beta
	increaseFactor = 1.08    // eta, per second
	headroom       = 1.5     // the estimate stays within this of what arrives, or a quiet sender would drive it to the sky
	headroomExtra  = 10_000
	assumedRTT     = 200 * time.Millisecond // while it is not known
	detectorTime   = 100 * time.Millisecond // until the detector notices; with the round trip, the response time of the loop
	frameRate      = 30
	packetBits     = 1200 * 8
)

// control turns states of the path into a bitrate: additive increase, multiplicative decrease.
//
// Until the path first complains it follows what arrives with the whole headroom, so that a sender that does not probe
// grows by half in each round instead of 8 % a second.
type control struct {
	bitrate     float64
	rtt         time.Duration // 0 while it is not known
	most        float64       // no increase goes beyond this, 0 is no bound
	complained  bool          // the path was overused once
	holding     bool          // while the queue drains
	capacity    capacity
	changedAt   time.Time
	decreasedAt time.Time
}

// update takes the state of the path and what arrives, if that is known, and returns the new bitrate.
func (c *control) update(now time.Time, state usage, incoming int, known bool) float64 {
	if c.bitrate == 0 {
		c.bitrate, c.changedAt = initialBitrate, now
	}
	arriving := c.bitrate
	if known {
		arriving = float64(incoming)
	}
	switch state {
	case overUse:
		c.holding = true
		if now.Sub(c.decreasedAt) >= c.roundTrip() { // a decrease takes a round trip to show
			c.decrease(now, arriving)
		}
	case underUse:
		c.holding = true
	case normalUse:
		// "Hold" lets the queue drain; the first normal state ends it, the next one increases.
		if c.holding {
			c.holding = false
		} else if known {
			c.increase(now, arriving)
		}
	}
	c.changedAt = now
	return c.bitrate
}

func (c *control) decrease(now time.Time, arriving float64) {
	c.complained, c.decreasedAt = true, now
	target := decreaseFactor * arriving
	if target > c.bitrate && c.capacity.known() {
		target = decreaseFactor * c.capacity.mean
	}
	c.bitrate = max(min(c.bitrate, target), minBitrate)
	c.capacity.sample(arriving)
}

func (c *control) increase(now time.Time, arriving float64) {
	ceiling := headroom*arriving + headroomExtra
	next := ceiling
	if c.complained {
		elapsed := min(now.Sub(c.changedAt), time.Second).Seconds()
		if c.capacity.known() && arriving > c.capacity.upper() {
			c.capacity = capacity{} // the path got better
		}
		if c.capacity.known() {
			next = c.bitrate + additive(c.bitrate, c.roundTrip()+detectorTime)*elapsed
		} else {
			next = c.bitrate * math.Pow(increaseFactor, elapsed)
		}
	}
	if c.most > 0 {
		ceiling = min(ceiling, c.most)
	}
	c.bitrate = max(c.bitrate, min(next, ceiling))
}

func (c *control) roundTrip() time.Duration {
	if c.rtt == 0 {
		return assumedRTT
	}
	return c.rtt
}

// additive is the increase in bit/s per second near the capacity: about one packet in each response time.
func additive(bitrate float64, responseTime time.Duration) float64 {
	frame := bitrate / frameRate
	packets := math.Ceil(frame / packetBits)
	return max(4000, frame/packets/responseTime.Seconds())
}

// capacity is what the path carried when it was full: a moving average and its deviation, in bit/s.
type capacity struct {
	mean     float64
	variance float64 // of the relative error, times the mean in kbit/s
}

const (
	capacityWeight      = 0.05
	capacityDeviations  = 3
	capacityVariance    = 0.4 // initially
	capacityVarianceMin = 0.4
	capacityVarianceMax = 2.5
)

func (c *capacity) known() bool { return c.mean > 0 }

// sample notes what arrived at a moment of overuse. Far from the mean the past is no guide.
func (c *capacity) sample(arriving float64) {
	if c.known() && math.Abs(arriving-c.mean) > c.spread() {
		*c = capacity{}
	}
	if !c.known() {
		*c = capacity{mean: arriving, variance: capacityVariance}
		return
	}
	deviation := c.mean - arriving
	c.mean = (1-capacityWeight)*c.mean + capacityWeight*arriving
	// Normalized by the mean, both in kbit/s, as the deviation of a rate grows with its root.
	squared := deviation * deviation / max(c.mean, 1) / 1000
	c.variance = (1-capacityWeight)*c.variance + capacityWeight*squared
	c.variance = min(max(c.variance, capacityVarianceMin), capacityVarianceMax)
}

// spread is how far from the mean is still the same capacity.
func (c *capacity) spread() float64 {
	return capacityDeviations * math.Sqrt(c.variance*c.mean*1000)
}

func (c *capacity) upper() float64 { return c.mean + c.spread() }
