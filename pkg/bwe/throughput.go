package bwe

import "time"

const (
	throughputWindow  = time.Second // T of draft-ietf-rmcat-gcc-02 section 5.5
	throughputBuckets = 20
	throughputBucket  = throughputWindow / throughputBuckets
)

// throughput measures what arrives, over the last second or another window, as rtp.RateMeter does for people to read; but it tells when it does not know,
// because a decrease that went by a guess would starve the sender.
type throughput struct {
	width   time.Duration          // of a bucket; 0 is throughputBucket
	buckets [throughputBuckets]int // bytes; a ring
	sum     int
	index   int64 // of the bucket being filled, counted from since
	since   time.Time
}

// add counts a packet. The first begins the measurement, also after a pause longer than the window.
func (t *throughput) add(now time.Time, size int) {
	if t.since.IsZero() || !t.advance(now) {
		*t = throughput{width: t.width, since: now}
	}
	t.buckets[t.index%throughputBuckets] += size
	t.sum += size
}

// advance drops what fell out of the window. It returns false when that is all.
func (t *throughput) advance(now time.Time) bool {
	index := int64(now.Sub(t.since) / t.bucket())
	if index-t.index >= throughputBuckets {
		return false
	}
	for t.index < index {
		t.index++
		slot := &t.buckets[t.index%throughputBuckets]
		t.sum -= *slot
		*slot = 0
	}
	return true
}

// bitrate returns bit/s, or false while too little was seen.
func (t *throughput) bitrate(now time.Time) (int, bool) {
	if t.since.IsZero() || !t.advance(now) {
		return 0, false
	}
	elapsed := now.Sub(t.since)
	bucket := t.bucket()
	if elapsed < throughputBuckets/2*bucket {
		return 0, false // less says nothing
	}
	// The bucket being filled counts for as much of it as has passed.
	window := min(elapsed, (throughputBuckets-1)*bucket+elapsed%bucket)
	return int(int64(t.sum) * 8 * int64(time.Second) / int64(window)), true
}

func (t *throughput) bucket() time.Duration {
	if t.width == 0 {
		return throughputBucket
	}
	return t.width
}
