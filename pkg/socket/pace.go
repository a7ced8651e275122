package socket

import (
	"sync"
	"sync/atomic"
	"time"
)

// Pace bounds how fast streams carry bytes in one direction: all that share it together stay within the rate. What is over it is not lost, as packets
// are, but read later.
type Pace struct {
	bitrate *atomic.Int64 // bit/s, 0 for no bound; it may change

	mu  sync.Mutex
	due time.Time // when what was carried so far is paid for
}

// NewPace makes one of a rate in bit/s, which may be shared and change; 0 is no bound.
func NewPace(bitrate *atomic.Int64) *Pace { return &Pace{bitrate: bitrate} }

// paceBurst is how much of what was not used may be used later: enough for the rate to be reached though waits are never exact.
const paceBurst = 100 * time.Millisecond

// chunk is how much is read at once, so that no wait is long.
func (p *Pace) chunk() int {
	rate := p.rate()
	if rate == 0 {
		return spliceBuffer
	}
	const least = 512
	return int(min(max(rate/8/int64(time.Second/paceBurst), least), spliceBuffer))
}

func (p *Pace) rate() int64 {
	if p == nil {
		return 0
	}
	return p.bitrate.Load()
}

// pay takes n bytes that were carried, and returns how long to wait before more are.
func (p *Pace) pay(now time.Time, n int) time.Duration {
	rate := p.rate()
	if rate == 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if earliest := now.Add(-paceBurst); p.due.Before(earliest) {
		p.due = earliest
	}
	p.due = p.due.Add(time.Duration(float64(n) * 8 / float64(rate) * float64(time.Second)))
	return p.due.Sub(now)
}
