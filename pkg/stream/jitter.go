package stream

import "time"

// jitter estimates the variation of transit times (RFC 3550 section 6.4.1, A.8).
type jitter struct {
	started   bool
	arrivedAt time.Time
	timestamp uint32
	scaled    int64 // estimate × 16, in units of the media clock
}

// update takes a packet's arrival: "D(i,j) = (Rj - Ri) - (Sj - Si)", "J(i) = J(i-1) + (|D(i-1,i)| - J(i-1))/16".
func (j *jitter) update(now time.Time, timestamp uint32, clockRate int) {
	if j.started {
		transit := int64(int32(Units(now.Sub(j.arrivedAt), clockRate) - (timestamp - j.timestamp)))
		transit = max(transit, -transit)
		// A publisher that paused or jumped says nothing about the path.
		if transit < 10*int64(clockRate) {
			j.scaled += transit - (j.scaled+8)>>4
		}
	}
	j.started, j.arrivedAt, j.timestamp = true, now, timestamp
}

// value is the estimate in units of the media clock.
func (j *jitter) value() uint32 { return uint32(j.scaled >> 4) }
