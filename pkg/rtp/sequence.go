package rtp

// SeqLess tells whether sequence number a comes before b on the 16-bit circle: b is less than half a turn ahead. Of two
// numbers exactly half a turn apart neither comes before the other.
func SeqLess(a, b uint16) bool {
	d := b - a
	return d != 0 && d < 1<<15
}

// TimestampLess tells whether RTP timestamp a comes before b on the 32-bit circle, as SeqLess does.
func TimestampLess(a, b uint32) bool {
	d := b - a
	return d != 0 && d < 1<<31
}

// Unwrapper turns 16-bit sequence numbers or 32-bit timestamps into numbers that do not wrap. The zero value is ready to use.
type Unwrapper[T uint16 | uint32] struct {
	last    int64
	started bool
}

// Unwrap returns the number that is congruent to v and closest to the one returned before; of two at the same distance the
// higher. The first is v itself, so that what comes late at the very start may turn out negative.
func (u *Unwrapper[T]) Unwrap(v T) int64 {
	if !u.started {
		u.started, u.last = true, int64(v)
		return u.last
	}
	half := ^T(0)>>1 + 1
	ahead := v - T(u.last)
	u.last += int64(ahead)
	if ahead > half {
		u.last -= 2 * int64(half)
	}
	return u.last
}

// Last returns what Unwrap returned last, 0 before it was called.
func (u *Unwrapper[T]) Last() int64 { return u.last }
