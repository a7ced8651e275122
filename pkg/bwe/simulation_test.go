package bwe

import (
	"math/rand/v2"
	"time"

	"gazpacho/pkg/rtp"
)

// path is a simulated bottleneck: a queue in front of a link, then a delay.
type path struct {
	now      time.Time
	capacity func(at time.Duration) int // bit/s, 0 is unlimited
	delay    time.Duration
	jitter   time.Duration
	queue    time.Duration // longest; what comes on top is lost
	random   *rand.Rand

	began    time.Time
	freeAt   time.Time
	flying   []crossing
	returned []reply
}

type crossing struct {
	at    time.Time
	stamp uint32
	size  int
}

type reply struct {
	at      time.Time
	bitrate int
}

// send puts a packet on the path.
func (p *path) send(size int) {
	free := p.freeAt
	if free.Before(p.now) {
		free = p.now
	}
	if free.Sub(p.now) > p.queue {
		return
	}
	if capacity := p.capacity(p.now.Sub(p.began)); capacity > 0 {
		free = free.Add(time.Duration(size) * 8 * time.Second / time.Duration(capacity))
	}
	p.freeAt = free
	at := free.Add(p.delay)
	if p.jitter > 0 {
		at = at.Add(time.Duration(p.random.Int64N(int64(p.jitter))))
	}
	if n := len(p.flying); n > 0 && at.Before(p.flying[n-1].at) {
		at = p.flying[n-1].at
	}
	p.flying = append(p.flying, crossing{at, rtp.AbsSendTime(p.now), size})
}

// call is a sender that obeys REMB, over a path, to an Estimator.
type call struct {
	path
	estimator *Estimator
	wanted    int // bit/s that the encoder would like
	allowed   int
	budget    float64 // bytes the pacer may send
	backlog   []int
	estimates []int // one a second
}

// constant is a capacity that does not change.
func constant(bitrate int) func(time.Duration) int { return func(time.Duration) int { return bitrate } }

// newCall is a call over a path with 50 ms of delay each way and half a second of queue.
func newCall(capacity func(time.Duration) int) *call {
	c := &call{wanted: 10_000_000, allowed: 300_000}
	c.path = path{
		now: start, began: start, capacity: capacity, delay: 50 * time.Millisecond, queue: 500 * time.Millisecond,
		random: rand.New(rand.NewPCG(1, 2)),
	}
	c.estimator = NewEstimator(1, func(now time.Time, b []byte) {
		compound, _ := rtp.ParseRTCP(b)
		var p rtp.RTCP
		compound.Next(&p)
		c.returned = append(c.returned, reply{now.Add(c.delay), p.REMBBitrate()})
	})
	return c
}

// run lets virtual time pass in steps of a millisecond: 30 frames a second, paced at 2.5 times the rate every 5 ms.
func (c *call) run(d time.Duration) {
	for end := c.now.Add(d); c.now.Before(end); c.now = c.now.Add(time.Millisecond) {
		elapsed := c.now.Sub(c.began) / time.Millisecond
		rate := min(c.allowed, c.wanted)
		if elapsed%33 == 0 {
			for frame := rate / 8 * 33 / 1000; frame > 0; frame -= 1200 {
				c.backlog = append(c.backlog, max(min(frame, 1200), 100))
			}
		}
		if elapsed%5 == 0 {
			c.budget = min(c.budget+float64(rate)/8*2.5*0.005, 5000)
			for len(c.backlog) > 0 && c.budget > 0 {
				c.send(c.backlog[0])
				c.budget -= float64(c.backlog[0])
				c.backlog = c.backlog[1:]
			}
		}
		for len(c.flying) > 0 && !c.flying[0].at.After(c.now) {
			f := c.flying[0]
			c.flying = c.flying[1:]
			c.estimator.Arrived(c.now, 7, f.stamp, f.size)
		}
		for len(c.returned) > 0 && !c.returned[0].at.After(c.now) {
			c.allowed = c.returned[0].bitrate
			c.returned = c.returned[1:]
		}
		if elapsed%1000 == 999 {
			c.estimates = append(c.estimates, c.estimator.Bitrate())
		}
	}
}
