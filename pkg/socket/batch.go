package socket

import (
	"net/netip"
	"time"

	"gazpacho/pkg/tuple"
)

// BatchSize is the number of packet slots in a Batch.
const BatchSize = 64

// Batch is up to BatchSize datagrams, or frames, that were read together from one socket or
// connection. Its memory is recycled: packets are valid until Release, and who keeps one copies it.
type Batch struct {
	// At is when the batch was read. All its packets share it.
	At time.Time
	// Link, Local and Protocol say where the packets came in.
	Link     tuple.Link
	Local    netip.AddrPort
	Protocol tuple.Protocol
	// Remote is the peer of a TCP connection's batch.
	Remote netip.AddrPort
	// Closed is set on the last batch of a TCP connection, which holds no packets: nothing will
	// come from Link or can be sent to it again.
	Closed bool
	// TURN is set when a TCP connection's packets came in the framing of TURN.
	TURN bool
	// Held is set when the last packet of a TCP connection's batch may be the last of its framing: the connection is not read on before
	// Links.Resume or Links.Splice.
	Held bool
	// More is set when the same reader has read another batch already, which its sink gets next.
	More bool

	packets [BatchSize]packet
	filled  int // packets that were read
	taken   int // packets that Next returned
	dirty   int // slots written since the batch was taken from the pool

	memory []byte
	pool   *Pool
	vector recvVector // what the system's batch call needs
}

// packet is one slot's content.
type packet struct {
	from  netip.AddrPort
	slot  uint16
	size  uint16
	relay *Relay // that received it; nil in a batch of one socket
}

func newBatch(pool *Pool) *Batch {
	b := &Batch{memory: make([]byte, BatchSize*slotSize), pool: pool}
	b.vector.init(b)
	return b
}

// slot is the memory of one packet, longer than any packet is.
func (b *Batch) slot(i int) []byte {
	return b.memory[i*slotSize : (i+1)*slotSize : (i+1)*slotSize]
}

// Len returns how many packets the batch was filled with.
func (b *Batch) Len() int { return b.filled }

// Remaining returns how many packets Next has not returned yet.
func (b *Batch) Remaining() int { return b.filled - b.taken }

// Next returns the following packet and where it came from, until ok is false. The slice may be
// changed in place and grown to its capacity. It is a cursor so that a handler that panicked can
// be called again for the packets behind the bad one.
func (b *Batch) Next() (from tuple.Tuple, data []byte, ok bool) {
	if b.taken == b.filled {
		return tuple.Tuple{}, nil, false
	}
	p := &b.packets[b.taken]
	b.taken++
	return tupleOf(b.Protocol, b.Link, b.Local, p.from), b.slot(int(p.slot))[:p.size], true
}

// NextRelayed is Next for the batches of Relays, whose packets came in on different sockets.
func (b *Batch) NextRelayed() (relay *Relay, from netip.AddrPort, data []byte, ok bool) {
	if b.taken == b.filled {
		return nil, netip.AddrPort{}, nil, false
	}
	p := &b.packets[b.taken]
	b.taken++
	return p.relay, p.from, b.slot(int(p.slot))[:p.size], true
}

// Append copies a packet into the next free slot. It returns false, and takes nothing, when the
// batch is full or the packet is empty or longer than MaxDatagram.
func (b *Batch) Append(data []byte, from netip.AddrPort) bool {
	if b.filled == BatchSize || len(data) == 0 || len(data) > MaxDatagram {
		return false
	}
	i := b.filled
	b.packets[i] = packet{from: tuple.Canonical(from), slot: uint16(i), size: uint16(copy(b.slot(i), data))}
	b.filled++
	b.dirty = max(b.dirty, b.filled)
	return true
}

// Full tells whether no slot is free.
func (b *Batch) Full() bool { return b.filled == BatchSize }

// Release gives the batch back to its pool. Releasing it twice panics: two readers would write to
// the same memory.
func (b *Batch) Release() {
	if poison {
		clearUsed(b)
	}
	b.pool.put(b)
}

// reset makes a recycled batch look new.
func (b *Batch) reset() {
	b.At, b.Link, b.Local, b.Remote, b.Protocol = time.Time{}, 0, netip.AddrPort{}, netip.AddrPort{}, tuple.UDP
	b.Closed, b.TURN, b.Held, b.More = false, false, false, false
	b.filled, b.taken, b.dirty = 0, 0, 0
}

// clearUsed overwrites released packets, so that in test builds whoever kept one reads nonsense.
func clearUsed(b *Batch) {
	used := b.memory[:b.dirty*slotSize]
	for i := range used {
		used[i] = 0xdb
	}
}
