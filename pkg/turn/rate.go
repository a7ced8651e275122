package turn

import "time"

// rate bounds bits and packets per second of one direction of an allocation (R-TURN-6). What was not used of a second may be used in the next.
type rate struct {
	at            time.Time
	bits, packets float64
}

// take tells whether a packet may pass, and counts it then.
func (r *rate) take(now time.Time, size int, q *Quotas) bool {
	if q.Bitrate == 0 && q.PacketRate == 0 {
		return true
	}
	if passed := now.Sub(r.at).Seconds(); passed > 0 {
		r.at = now
		r.bits = min(r.bits+passed*float64(q.Bitrate), float64(q.Bitrate))
		r.packets = min(r.packets+passed*float64(q.PacketRate), float64(q.PacketRate))
	}
	need := float64(8 * size)
	if q.Bitrate > 0 && r.bits < need || q.PacketRate > 0 && r.packets < 1 {
		return false
	}
	r.bits -= need
	r.packets--
	return true
}
