package turn

import "math/bits"

// ports is the pool of ports of one relay address: a bit for each, set while somebody owns it (R-TURN-3).
type ports struct {
	used  []uint64
	first int // the port of bit 0, even
	count int // of all ports
	free  int
}

// newPorts makes a pool of the ports from low to high.
func newPorts(low, high uint16) ports {
	first := int(low) &^ 1
	size := int(high) - first + 1
	count := int(high) - int(low) + 1
	p := ports{used: make([]uint64, (size+63)/64), first: first, count: count, free: count}
	for i := size; i < 64*len(p.used); i++ {
		p.set(i)
	}
	if first != int(low) {
		p.set(0) // below the range, only there so that even bits are even ports
	}
	return p
}

func (p *ports) set(i int)      { p.used[i/64] |= 1 << (i % 64) }
func (p *ports) clear(i int)    { p.used[i/64] &^= 1 << (i % 64) }
func (p *ports) has(i int) bool { return p.used[i/64]>>(i%64)&1 != 0 }

// even selects the bits of even ports.
const even = 0x5555555555555555

// take takes a port that the outside cannot foresee (RFC 6056): any, an even one, or an even one together with the next. It returns 0 if there is none.
func (p *ports) take(r *random, wantEven, pair bool) uint16 {
	words := len(p.used)
	start, turn := r.intn(words), r.intn(64)
	for i := range words {
		w := (start + i) % words
		open := ^p.used[w]
		if pair {
			open &= open >> 1
		}
		if wantEven {
			open &= even
		}
		if open == 0 {
			continue
		}
		bit := (bits.TrailingZeros64(bits.RotateLeft64(open, -turn)) + turn) % 64
		p.set(64*w + bit)
		p.free--
		if pair {
			p.set(64*w + bit + 1)
			p.free--
		}
		return uint16(p.first + 64*w + bit)
	}
	return 0
}

// release gives a port back.
func (p *ports) release(port uint16) {
	i := int(port) - p.first
	if !p.has(i) {
		panic("turn: a port is released that nobody owns")
	}
	p.clear(i)
	p.free++
}
