package codec

import "math/bits"

// bitReader reads unsigned numbers from the highest bit to the lowest. Behind the end it reads zeros and says so.
type bitReader struct {
	b     []byte
	at    int // in bits
	short bool
}

// take reads a number of up to 32 bits, f(n) of the AV1 specifications.
func (r *bitReader) take(n int) uint32 {
	if r.at+n > 8*len(r.b) {
		r.short = true
		return 0
	}
	var v uint64
	for left := n; left > 0; {
		room := 8 - r.at&7
		some := min(left, room)
		v = v<<some | uint64(r.b[r.at>>3])>>(room-some)&(1<<some-1)
		r.at += some
		left -= some
	}
	return uint32(v)
}

func (r *bitReader) flag() bool { return r.take(1) != 0 }

// below reads a number below n with as few bits as that takes, ns(n) of the AV1 specifications.
func (r *bitReader) below(n int) uint32 {
	w := bits.Len(uint(n))
	m := uint32(1<<w - n)
	v := r.take(w - 1)
	if v < m {
		return v
	}
	return v<<1 - m + r.take(1)
}
