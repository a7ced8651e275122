package bwe

import "time"

// Constants of probing. See ESTIMATOR.md.
const (
	probeTime     = 30 * time.Millisecond // a cluster lasts at least this long,
	probePackets  = 5                     // and has at least this many packets
	probeStep     = 5 * time.Millisecond  // between its bursts
	probeLongest  = 200 * time.Millisecond
	probePatience = time.Second // for the report of a cluster

	probeEnough      = 0.8  // of a cluster must have been received to count
	probeSaturated   = 0.9  // received slower than this times as sent, the path was full:
	probeUse         = 0.95 // use a little less than what came through
	probeImplausible = 2.0  // received this many times faster than sent, the arrivals mean something else
	probeFurther     = 0.7  // of what was tried came through: try more

	probeFirst       = 3.0 // times the initial bitrate
	probeFactor      = 2.0 // times what was found
	probeInterval    = 5 * time.Second
	probeIntervalMax = 20 * time.Second // when nothing is found again and again
	probeCalm        = time.Second      // after overuse nothing is probed

	dropLarge  = 0.66 // a fall below this times the bitrate before
	dropReturn = 0.85 // times that is probed once the path is calm again
	dropPause  = 3 * time.Second
)

// cluster is a short burst of packets at a bitrate above the estimate, padding and the media that goes with it.
type cluster struct {
	id      uint8 // 0 is none
	target  float64
	sending bool
	begunAt time.Duration // on our clock
	endedAt time.Duration
	bytes   int // sent
	packets int

	received      int // packets
	receivedBytes int
	firstSent     time.Duration // of those received
	finalSent     time.Duration
	finalBytes    int // received of the last burst
	firstArrival  time.Duration
	finalArrival  time.Duration
	firstBytes    int
}

// sent notes a packet of the cluster.
func (c *cluster) sent(size int) {
	c.bytes += size
	c.packets++
}

// due returns how many bytes of padding are to be sent now so that the cluster keeps its rate until the next step, or false when it is whole.
func (c *cluster) due(now time.Duration) (int, bool) {
	elapsed := now - c.begunAt
	if elapsed >= probeTime && c.packets >= probePackets || elapsed >= probeLongest {
		return 0, false
	}
	goal := c.target / 8 * (elapsed + probeStep).Seconds()
	return max(int(goal)-c.bytes, 0), true
}

// arrived notes that a packet of the cluster was received.
func (c *cluster) arrived(f *flight, arrival time.Duration) {
	size := int(f.size)
	if c.received == 0 {
		c.firstSent, c.finalSent = f.sent, f.sent
		c.firstArrival, c.finalArrival, c.firstBytes = arrival, arrival, size
	}
	c.received++
	c.receivedBytes += size
	switch {
	case f.sent > c.finalSent:
		c.finalSent, c.finalBytes = f.sent, size
	case f.sent == c.finalSent:
		c.finalBytes += size
	}
	c.firstSent = min(c.firstSent, f.sent)
	c.finalArrival = max(c.finalArrival, arrival)
	if arrival < c.firstArrival {
		c.firstArrival, c.firstBytes = arrival, size
	}
}

// result returns the bitrate that came through, or false while, or because, too little did. What was sent last did not take part of the time it
// was sent in, and what came first not of the time it came in.
func (c *cluster) result() (float64, bool) {
	if c.sending || c.received < probePackets || float64(c.received) < probeEnough*float64(c.packets) {
		return 0, false
	}
	sending, arriving := (c.finalSent - c.firstSent).Seconds(), (c.finalArrival - c.firstArrival).Seconds()
	if sending <= 0 || arriving <= 0 {
		return 0, false
	}
	sent := float64(c.receivedBytes-c.finalBytes) * 8 / sending
	received := float64(c.receivedBytes-c.firstBytes) * 8 / arriving
	switch {
	case received > probeImplausible*sent:
		return 0, false
	case received < probeSaturated*sent:
		return probeUse * received, true
	}
	return min(sent, received), true
}
