package consumer

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
)

// Limits on how a stream joins the timestamps of what was sent before it. See SWITCHING.md, "Timestamps".
const (
	maxExtra   = 75 * time.Millisecond // that frames may be put off so that they do not go back in time
	maxDrift   = time.Second           // that sender reports may differ from arrival times
	leastPause = time.Millisecond      // between the frames on both sides of a switch
)

// timeline is the relation between the timestamps of the source and those sent.
type timeline struct {
	stream int    // the one that base belongs to; none if it began anew since
	base   uint32 // added to its timestamps, what it had to be put off aside
	offset uint32 // added to the timestamps of the stream being forwarded

	// The newest timestamp that was left out, as it would have been sent. What lies before it may still come late, under a number in
	// front of all that follows a switch.
	dropped  uint32
	dropping bool
}

// drop notes a packet that is left out.
func (t *timeline) drop(timestamp uint32) { t.dropped, t.dropping = timestamp+t.offset, true }

// join returns what to add to the timestamps of stream i, which is forwarded from packet p on.
func (t *timeline) join(now time.Time, c *Consumer, i int, p *rtp.Packet) uint32 {
	last, at, sent := c.send.Last()
	if !sent {
		*t = timeline{stream: i}
		return 0
	}
	rate := c.send.ClockRate
	arrival := last + stream.Units(now.Sub(at), rate)
	if t.dropping && rtp.TimestampLess(last, t.dropped) {
		last = t.dropped
	}
	least := last + stream.Units(leastPause, rate)
	want, known := t.translate(c, i, p.Timestamp)
	// A stream's own timeline needs no second opinion; two streams' reports do.
	if drift := int32(want - arrival); known && i != t.stream {
		limit := int32(stream.Units(maxDrift, rate))
		known = -limit <= drift && drift <= limit
	}
	if behind := int32(least - want); known && behind > 0 {
		known = behind <= int32(stream.Units(maxExtra, rate))
	}
	if !known {
		want = arrival
	}
	// What the stream is put off by stays out of the base, so that it does not add up over many switches.
	t.stream, t.base, t.offset, t.dropping = i, want-p.Timestamp, want-p.Timestamp, false
	if rtp.TimestampLess(want, least) {
		t.offset = least - p.Timestamp
	}
	return t.offset
}

// translate finds the place of a timestamp of stream i among those sent: on the stream's own timeline, or through the time at which both
// streams' sender reports put it.
func (t *timeline) translate(c *Consumer, i int, timestamp uint32) (uint32, bool) {
	if t.stream == none {
		return 0, false
	}
	if t.stream == i {
		return timestamp + t.base, true
	}
	from, to := c.cfg.Source.Stream(c.streams[i]), c.cfg.Source.Stream(c.streams[t.stream])
	if from == nil || to == nil || !from.Clock().Known() || !to.Clock().Known() {
		return 0, false
	}
	return to.Clock().Timestamp(from.Clock().NTP(timestamp)) + t.base, true
}

// restarted forgets the timeline of a stream that began anew.
func (t *timeline) restarted(i int) {
	if t.stream == i {
		t.stream = none
	}
}
