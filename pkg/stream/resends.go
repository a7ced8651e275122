package stream

import "time"

// Limits on how often one packet is sent again.
const (
	maxResends   = 10
	resendSlots  = 256
	resendPeriod = time.Millisecond
)

// Resends keeps a receiver that asks again and again from getting the same packet more often than once per round trip, or more
// than ten times. It remembers the 256 numbers asked for last. The zero value is ready and takes no memory before it is used.
type Resends struct {
	start time.Time
	slots *[resendSlots]resend
}

// resend is what was sent again under one number.
type resend struct {
	at    uint32 // in resendPeriod since start, plus 1
	seq   uint16
	count uint8
}

// Allow tells whether the packet may be sent again now, counting on it, and whether that is the first time.
func (r *Resends) Allow(now time.Time, seq uint16, rtt time.Duration) (ok, first bool) {
	if r.slots == nil {
		r.slots, r.start = new([resendSlots]resend), now
	}
	at := uint32(now.Sub(r.start)/resendPeriod) + 1
	s := &r.slots[seq%resendSlots]
	if s.at != 0 && s.seq == seq {
		if s.count == maxResends || time.Duration(at-s.at)*resendPeriod < rtt {
			return false, false
		}
		s.at, s.count = at, s.count+1
		return true, false
	}
	*s = resend{at: at, seq: seq, count: 1}
	return true, true
}
