package stream

import (
	"math"
	"time"

	"gazpacho/pkg/rtp"
)

// clockSamples is how many sender reports the estimate of a sender's clock looks back on.
const clockSamples = 8

// Clock relates a stream's timestamps to time, as its sender reports tell (RFC 3550 section 6.4.1). The zero value knows nothing.
type Clock struct {
	rate      int // timestamp units per second
	ntp       uint64
	timestamp uint32
	reports   int
	delays    [clockSamples]time.Duration // from the sender's clock to ours, way included, of the last reports
}

// Report takes a sender report as it arrives.
func (c *Clock) Report(now time.Time, clockRate int, ntp uint64, timestamp uint32) {
	c.rate, c.ntp, c.timestamp = clockRate, ntp, timestamp
	delay := now.Sub(rtp.NTPTime(ntp))
	if c.reports == 0 {
		for i := range c.delays {
			c.delays[i] = delay
		}
	}
	c.delays[c.reports%clockSamples] = delay
	c.reports++
}

// Known tells whether a report came.
func (c *Clock) Known() bool { return c.reports > 0 }

// NTP converts a timestamp to the sender's time.
func (c *Clock) NTP(timestamp uint32) uint64 {
	units := float64(int32(timestamp - c.timestamp))
	return c.ntp + uint64(int64(math.Round(units/float64(c.rate)*(1<<32))))
}

// Timestamp converts the sender's time to a timestamp.
func (c *Clock) Timestamp(ntp uint64) uint32 {
	seconds := float64(int64(ntp-c.ntp)) / (1 << 32)
	return c.timestamp + uint32(int64(math.Round(seconds*float64(c.rate))))
}

// TimestampAt is the timestamp of what the sender captures when our clock shows now. The offset between both clocks is that
// of the report that was under way the shortest: the fixed part of the way cannot be told from it, and need not, because all
// streams of one sender share it.
func (c *Clock) TimestampAt(now time.Time) uint32 {
	delay := c.delays[0]
	for _, d := range c.delays[1:] {
		delay = min(delay, d)
	}
	return c.Timestamp(rtp.NTP(now.Add(-delay)))
}

// Units converts a duration to timestamp units. It wraps as timestamps do, and does not overflow before.
func Units(d time.Duration, clockRate int) uint32 {
	seconds, rest := d/time.Second, d%time.Second
	return uint32(int64(seconds)*int64(clockRate) + int64(rest)*int64(clockRate)/int64(time.Second))
}
