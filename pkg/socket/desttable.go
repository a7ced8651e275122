package socket

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"

	"gazpacho/pkg/tuple"
)

const (
	// keptDests is how many destinations the table remembers from turn to turn. A turn may add one
	// for each slot.
	keptDests = 3072
	maxDests  = keptDests + EgressSlots
)

// dest is a destination, and its packets in this turn.
type dest struct {
	remote      netip.AddrPort
	link        tuple.Link
	first, last uint16   // slots; first is none while there are no packets
	next        uint16   // the next destination of the same socket in this flush
	conn        *tcpConn // in this flush, if the link is a connection
	port        *Port    // in this flush, if the link ends in this process
	name        destName // remote as the system wants it
}

// destTable finds the destination of a packet. Destinations are remembered over turns: an SFU sends
// each packet to the same peers in the same order, so the one that follows the last is mostly the
// one that is wanted, at the price of a comparison. Otherwise a hash table with open addressing, at
// most half full, knows. When too many are remembered, all are forgotten between two turns.
type destTable struct {
	list   [maxDests]dest
	known  uint16
	recent uint16 // what find returned last
	cells  [2 * maxDests]destCell
	epoch  uint32
	seed   uint64 // peers choose their ports: without a seed they could choose collisions
}

// destCell counts only if it was set in the present epoch: forgetting all is one addition.
type destCell struct {
	epoch uint32
	dest  uint16
}

func (t *destTable) init() {
	t.epoch = 1
	t.seed = rand.Uint64()
}

// find returns the place of a tuple's destination in the list. Its link is not zero.
func (t *destTable) find(to *tuple.Tuple) uint16 {
	if d := t.recent; t.list[d].is(to) {
		return d
	}
	if d := t.recent + 1; d < t.known && t.list[d].is(to) {
		t.recent = d
		return d
	}
	t.recent = t.lookUp(to)
	return t.recent
}

// is also holds off unused places: their link is zero.
func (d *dest) is(to *tuple.Tuple) bool { return d.link == to.Link && d.remote == to.Remote }

// lookUp finds the destination by its hash, or adds it.
func (t *destTable) lookUp(to *tuple.Tuple) uint16 {
	for i := t.hash(to); ; i++ {
		c := &t.cells[i%uint64(len(t.cells))]
		if c.epoch != t.epoch {
			*c = destCell{epoch: t.epoch, dest: t.add(to)}
			return c.dest
		}
		if t.list[c.dest].is(to) {
			return c.dest
		}
	}
}

func (t *destTable) add(to *tuple.Tuple) uint16 {
	d := t.known
	t.known++
	t.list[d] = dest{remote: to.Remote, link: to.Link, first: none, next: none}
	return d
}

// trim forgets all destinations when there are too many. It may be called between turns only.
func (t *destTable) trim() {
	if t.known <= keptDests {
		return
	}
	t.known, t.recent = 0, 0
	t.list[0].link = 0 // find looks at it before any is known
	if t.epoch++; t.epoch == 0 {
		clear(t.cells[:]) // the numbers came round: cells of long ago must not look present
		t.epoch = 1
	}
}

func (t *destTable) hash(to *tuple.Tuple) uint64 {
	ip := to.Remote.Addr().As16()
	a := binary.LittleEndian.Uint64(ip[:8]) ^ uint64(to.Link)<<16 ^ uint64(to.Remote.Port())
	b := binary.LittleEndian.Uint64(ip[8:])
	hi, lo := bits.Mul64(a^t.seed, b^0x9e3779b97f4a7c15)
	return hi ^ lo
}
