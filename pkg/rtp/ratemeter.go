package rtp

import "time"

// A RateMeter's window is 15 buckets of 2^meterShift nanoseconds (67 ms), about one second, and the one being filled.
const (
	meterShift   = 26
	meterBuckets = 16
	meterWindow  = (meterBuckets - 1) << meterShift
)

// RateMeter measures a bitrate over a sliding window of a second. The zero value is ready.
type RateMeter struct {
	start   time.Time // of bucket 0
	last    int64     // bucket written to last
	sum     uint64    // bytes in the window
	started bool
	buckets [meterBuckets]uint32 // bytes; the one being filled and the window behind it
}

// Add counts bytes.
func (m *RateMeter) Add(now time.Time, bytes int) {
	if !m.started {
		m.start, m.started = now, true
	}
	if at := int64(now.Sub(m.start)) >> meterShift; at > m.last {
		m.advance(at)
	}
	m.buckets[m.last%meterBuckets] += uint32(bytes)
	m.sum += uint64(bytes)
}

// Bitrate is the rate of the last second in bit/s.
func (m *RateMeter) Bitrate(now time.Time) int {
	if !m.started {
		return 0
	}
	elapsed := int64(now.Sub(m.start))
	if at := elapsed >> meterShift; at > m.last {
		m.advance(at)
	}
	// The window ends within a bucket, so it is up to one bucket longer than meterWindow.
	window := meterWindow + max(elapsed-m.last<<meterShift, 0)
	return int(m.sum * 8 * uint64(time.Second) / uint64(window))
}

// advance empties the buckets between the one written to last and bucket at.
func (m *RateMeter) advance(at int64) {
	if at-m.last >= meterBuckets {
		m.buckets = [meterBuckets]uint32{}
		m.sum, m.last = 0, at
		return
	}
	for m.last < at {
		m.last++
		b := &m.buckets[m.last%meterBuckets]
		m.sum -= uint64(*b)
		*b = 0
	}
}
