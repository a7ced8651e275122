package codec

import "gazpacho/pkg/rtp"

// Where the extended fields of a descriptor begin, and the flag that the set of active decode targets is there.
const (
	extendedAt = 24
	activeFlag = extendedAt + 1
)

// PutDescriptor writes the dependency descriptor src, which a Dependencies described in d, into dst, with set as the active decode targets. "Whenever the
// set of active Decode targets changes, the sender MUST signal the new set": written into every packet, it cannot get lost (appendix A.4).
// It returns the size, 0 if dst is too small.
func PutDescriptor(dst, src []byte, d *rtp.Descriptor, set uint32) int {
	count := d.Targets.Count
	at := int(d.At)
	rest := 8*len(src) - at
	if d.There {
		rest -= count
	}
	if len(src) <= extendedAt/8 {
		at, rest = extendedAt+5, 0
	}
	size := (at + count + max(rest, 0) + 7) / 8
	if size > len(dst) || rest < 0 {
		return 0
	}
	dst = dst[:size]
	clear(dst)
	r := bitReader{b: src}
	if len(src) <= extendedAt/8 {
		copy(dst, src)
	} else {
		move(dst, 0, &r, at)
	}
	dst[activeFlag/8] |= 0x80 >> (activeFlag % 8)
	put(dst, at, count, set)
	if rest > 0 {
		r.at = 8*len(src) - rest
		move(dst, at+count, &r, rest)
	}
	return size
}

// move copies bits.
func move(dst []byte, at int, r *bitReader, n int) {
	for n > 0 {
		some := min(n, 24)
		put(dst, at, some, r.take(some))
		at, n = at+some, n-some
	}
}

// put writes a number of up to 32 bits into bits that are zero.
func put(dst []byte, at, n int, v uint32) {
	for n > 0 {
		room := 8 - at&7
		some := min(n, room)
		dst[at>>3] |= byte(v>>(n-some)&(1<<some-1)) << (room - some)
		at, n = at+some, n-some
	}
}
