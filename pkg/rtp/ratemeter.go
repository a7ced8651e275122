package rtp

import "time"

// The window of a RateMeter: long enough to smooth key frames out, short enough to follow a pause.
const (
	rateBuckets = 20
	rateBucket  = 125 * time.Millisecond
	rateWindow  = rateBuckets * rateBucket
)

// RateMeter measures a bitrate over the last 2.5 seconds. Its zero value is ready; it allocates nothing.
type RateMeter struct {
	start   time.Time
	newest  int64 // number of the bucket being filled, counted from start
	sum     uint64
	buckets [rateBuckets]uint32
}

// Add counts bytes.
func (r *RateMeter) Add(now time.Time, bytes int) {
	if r.start.IsZero() {
		r.start = now
	}
	r.advance(now)
	r.buckets[r.newest%rateBuckets] += uint32(bytes)
	r.sum += uint64(bytes)
}

// Bitrate returns bit/s. Until a whole window has passed it divides by the time since the first bytes, but by a second at least,
// so that one packet does not look like a flood.
func (r *RateMeter) Bitrate(now time.Time) int {
	if r.start.IsZero() {
		return 0
	}
	r.advance(now)
	span := min(max(now.Sub(r.start), time.Second), rateWindow)
	return int(r.sum * 8 * uint64(time.Second) / uint64(span))
}

// advance empties the buckets that fell out of the window.
func (r *RateMeter) advance(now time.Time) {
	bucket := int64(now.Sub(r.start) / rateBucket)
	if bucket-r.newest >= rateBuckets {
		r.buckets, r.sum = [rateBuckets]uint32{}, 0
		r.newest = bucket
		return
	}
	for r.newest < bucket {
		r.newest++
		i := r.newest % rateBuckets
		r.sum -= uint64(r.buckets[i])
		r.buckets[i] = 0
	}
}
