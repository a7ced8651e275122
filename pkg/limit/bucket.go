package limit

import (
	"time"

	"golang.org/x/time/rate"
)

// Bucket allows a burst, and then a rate. It may be used by several goroutines.
type Bucket struct{ limiter *rate.Limiter }

// NewBucket is full at first.
func NewBucket(perSecond float64, burst int) *Bucket {
	return &Bucket{rate.NewLimiter(rate.Limit(perSecond), burst)}
}

// Allow takes one, if there is one.
func (b *Bucket) Allow(now time.Time) bool { return b.limiter.AllowN(now, 1) }
