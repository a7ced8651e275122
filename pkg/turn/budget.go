package turn

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"time"
)

// How many unauthenticated answers a source may get per second (R-TURN-2). A source is an address and a port: many clients may sit behind one NAT, and
// what is sent to somebody whose address was forged is bounded by its size.
const (
	budgetPerSecond = 10
	budgetWays      = 4
)

// budget counts per source, in a table that never grows. A flood of many sources pushes those out that have the fewest; who floods most stays.
type budget struct {
	sets []([budgetWays]spending)
	keys [3]uint64 // of the hash: who could foresee its collisions could have his own count forgotten
}

// spending is what one source had in one second.
type spending struct {
	source uint64
	second uint32
	count  uint32
}

// newBudget makes a table of 4·sets sources; sets is a power of two.
func newBudget(sets int, r *random) budget {
	return budget{sets: make([][budgetWays]spending, sets), keys: [3]uint64{r.uint64() | 1, r.uint64(), r.uint64() | 1}}
}

// find returns the place of a source: its own, or that of who spent least.
func (b *budget) find(now time.Time, source netip.AddrPort) *spending {
	ip := source.Addr().As16()
	h := b.mix(binary.BigEndian.Uint64(ip[:])^b.keys[1], b.keys[0])
	h = b.mix(h^binary.BigEndian.Uint64(ip[8:]), b.keys[2]^uint64(source.Port()))
	set := &b.sets[int(h)&(len(b.sets)-1)]
	second := uint32(now.Unix())
	least := &set[0]
	for i := range set {
		e := &set[i]
		if e.second != second {
			e.count = 0
		}
		if e.source == h {
			e.second = second
			return e
		}
		if e.count < least.count {
			least = e
		}
	}
	*least = spending{source: h, second: second}
	return least
}

func (b *budget) mix(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return hi ^ lo
}

// take takes one from the budget of a source, and returns false if it is spent.
func (b *budget) take(now time.Time, source netip.AddrPort) bool {
	e := b.find(now, source)
	if e.count >= budgetPerSecond {
		return false
	}
	e.count++
	return true
}

// spent tells whether a source has nothing left.
func (b *budget) spent(now time.Time, source netip.AddrPort) bool {
	return b.find(now, source).count >= budgetPerSecond
}
