// Package link is a bottleneck of a virtual network: a queue in front of a rate, then a delay, and loss that has nothing to do with either. It has no clock:
// tests with virtual time use it as well as relays between real sockets.
package link

import (
	"math/rand/v2"
	"time"
)

// Link is one direction of a path. What is zero is not there.
type Link struct {
	Capacity func(elapsed time.Duration) int // bit/s, since Began; 0 is no bottleneck
	Began    time.Time
	Delay    time.Duration
	Jitter   time.Duration // at most on top; packets do not overtake each other
	Queue    time.Duration // longest wait; what comes on top is lost
	Loss     float64       // of packets, 0 to 1
	Random   *rand.Rand

	freeAt time.Time // when what is queued has gone
	lastAt time.Time // of arrival
}

// New makes a link with 25 ms of delay and a queue of 300 ms, whose luck is decided by the seed.
func New(began time.Time, seed uint64, capacity func(time.Duration) int) *Link {
	return &Link{
		Capacity: capacity, Began: began, Delay: 25 * time.Millisecond, Queue: 300 * time.Millisecond, Random: rand.New(rand.NewPCG(seed, seed)),
	}
}

// Constant is a capacity that does not change.
func Constant(bitrate int) func(time.Duration) int { return func(time.Duration) int { return bitrate } }

// Waiting is how long a packet that is sent now will be queued.
func (l *Link) Waiting(now time.Time) time.Duration { return max(l.freeAt.Sub(now), 0) }

// Send puts a packet of size bytes on the link. It returns when it arrives, or false if it does not.
func (l *Link) Send(now time.Time, size int) (time.Time, bool) {
	waiting := l.Waiting(now)
	if l.Queue > 0 && waiting > l.Queue || l.Loss > 0 && l.Random.Float64() < l.Loss {
		return time.Time{}, false
	}
	l.freeAt = now.Add(waiting)
	if capacity := l.Capacity(now.Sub(l.Began)); capacity > 0 {
		l.freeAt = l.freeAt.Add(time.Duration(size) * 8 * time.Second / time.Duration(capacity))
	}
	at := l.freeAt.Add(l.Delay)
	if l.Jitter > 0 {
		at = at.Add(time.Duration(l.Random.Int64N(int64(l.Jitter))))
	}
	if at.Before(l.lastAt) {
		at = l.lastAt
	}
	l.lastAt = at
	return at, true
}
