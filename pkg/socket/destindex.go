package socket

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"gazpacho/pkg/tuple"
)

// destIndex finds the destination of a packet among those of the turn: a hash table with open
// addressing, at most half full. Clearing it is one addition, because a cell counts only if it was
// set in the present turn.
type destIndex struct {
	cells [2 * EgressSlots]destCell
	turn  uint32
	seed  uint64 // peers choose their ports: without a seed they could choose collisions
}

type destCell struct {
	turn uint32
	dest uint16
}

// find returns the cell of a destination, or the empty one where it belongs.
func (x *destIndex) find(link tuple.Link, remote netip.AddrPort, dests *[EgressSlots]dest) *destCell {
	for i := x.hash(link, remote); ; i++ {
		c := &x.cells[i%uint64(len(x.cells))]
		if !x.holds(c) {
			return c
		}
		if d := &dests[c.dest]; d.link == link && d.remote == remote {
			return c
		}
	}
}

// holds tells whether the cell was set in the present turn.
func (x *destIndex) holds(c *destCell) bool { return c.turn == x.turn+1 }

func (x *destIndex) set(c *destCell, d uint16) { *c = destCell{turn: x.turn + 1, dest: d} }

// clear forgets all cells.
func (x *destIndex) clear() {
	if x.turn++; x.turn == ^uint32(0) {
		// The numbers come round: cells of long ago must not look present.
		clear(x.cells[:])
		x.turn = 0
	}
}

func (x *destIndex) hash(link tuple.Link, remote netip.AddrPort) uint64 {
	ip := remote.Addr().As16()
	a := binary.LittleEndian.Uint64(ip[:8]) ^ uint64(link)<<16 ^ uint64(remote.Port())
	b := binary.LittleEndian.Uint64(ip[8:])
	hi, lo := bits.Mul64(a^x.seed, b^0x9e3779b97f4a7c15)
	return hi ^ lo
}
