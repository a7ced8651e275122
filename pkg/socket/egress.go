package socket

import (
	"math/rand/v2"
	"net/netip"

	"gazpacho/pkg/tuple"
)

const (
	// EgressSlots is how many packets are flushed together at most. It is also the most that one sendmmsg takes (UIO_MAXIOV).
	EgressSlots = 1024

	// slotHead is room ahead of each packet, whose last two bytes take the RFC 4571 length, so that
	// a frame for TCP needs no copy.
	slotHead = 16

	// MaxPacket is the capacity of the slot that Egress.Next returns.
	MaxPacket = slotSize - slotHead
)

// Egress collects the packets that one loop sends during a turn, over all its sockets, and sends
// them at the turn's end in as few system calls as it can: grouped by socket, within a socket by
// destination, where several packets for one peer leave as one (UDP GSO). Packets for one
// destination keep their order. It belongs to one goroutine, allocates nothing and never waits.
type Egress struct {
	links *Links

	memory []byte
	slots  [EgressSlots]slot
	used   uint16

	dests  [EgressSlots]dest
	known  uint16
	index  destIndex
	recent uint16 // the destination of the last packet; packets come in runs

	sockets []*UDP // with packets in this flush
	streams []uint16
	vector  sendVector
	stats   EgressStats
}

// slot describes a queued packet. Slots of one destination form a chain.
type slot struct {
	size uint16
	next uint16
}

// dest is a destination of this turn. Destinations of one socket form a chain.
type dest struct {
	remote      netip.AddrPort
	link        tuple.Link
	first, last uint16 // slots
	next        uint16
	conn        *tcpConn
}

// none ends a chain.
const none = ^uint16(0)

// EgressStats counts what became of committed packets: after a flush, each is either sent or in one
// of the drops. Sent means taken by the kernel, or by the queue of a slow TCP connection.
type EgressStats struct {
	Sent, Bytes uint64
	// Calls and Messages show how well batching works: Sent ≥ Messages ≥ Calls.
	Calls, Messages uint64
	// Full is for want of room in a socket's buffer, or a TCP connection's queue.
	Full uint64
	// Unreachable is what routing, a firewall or ICMP refused.
	Unreachable uint64
	// Closed is for links that were closed, or never opened.
	Closed uint64
	// TooLong is over MaxPacket, or more than the way allows.
	TooLong uint64
	// Failed is any other error of the system.
	Failed uint64
	// Split counts messages of several packets that had to be sent one by one.
	Split uint64
}

// Dropped is the sum of all drops.
func (s EgressStats) Dropped() uint64 {
	return s.Full + s.Unreachable + s.Closed + s.TooLong + s.Failed
}

// NewEgress makes an egress for the sockets and connections in links.
func NewEgress(links *Links) *Egress {
	e := &Egress{
		links:  links,
		memory: make([]byte, EgressSlots*slotSize),
		recent: none,
	}
	e.index.seed = rand.Uint64()
	e.vector.init(e)
	return e
}

// Next returns the slot for the next packet, MaxPacket bytes that hold old data. It is the same
// slot until Commit.
func (e *Egress) Next() []byte {
	at := int(e.used)*slotSize + slotHead
	return e.memory[at : at+MaxPacket : at+MaxPacket]
}

// Commit queues the first n bytes of the slot that Next returned. The packet that fills the last
// slot flushes.
func (e *Egress) Commit(n int, to tuple.Tuple) {
	if n <= 0 || n > MaxPacket {
		e.stats.TooLong++
		return
	}
	d := e.recent
	if d == none || e.dests[d].link != to.Link || e.dests[d].remote != to.Remote {
		d = e.destOf(to.Link, to.Remote)
		e.recent = d
	}
	s := e.used
	e.used++
	e.slots[s] = slot{size: uint16(n), next: none}
	if dst := &e.dests[d]; dst.first == none {
		dst.first, dst.last = s, s
	} else {
		e.slots[dst.last].next = s
		dst.last = s
	}
	if e.used == EgressSlots {
		e.Flush()
	}
}

// destOf finds the destination of this turn, or makes it.
func (e *Egress) destOf(link tuple.Link, remote netip.AddrPort) uint16 {
	cell := e.index.find(link, remote, &e.dests)
	if e.index.holds(cell) {
		return cell.dest
	}
	d := e.known
	e.known++
	e.dests[d] = dest{remote: remote, link: link, first: none, last: none, next: none}
	e.index.set(cell, d)
	return d
}

// Pending returns how many packets wait for Flush.
func (e *Egress) Pending() int { return int(e.used) }

// Stats returns the counters so far.
func (e *Egress) Stats() EgressStats { return e.stats }

// Flush sends everything that was committed. What a socket does not take now is dropped.
func (e *Egress) Flush() {
	if e.used == 0 {
		return
	}
	e.resolve()
	for _, u := range e.sockets {
		u.conn.send(e, u.firstDest)
		u.firstDest = none
	}
	for _, d := range e.streams {
		e.dests[d].conn.send(e, d)
		e.dests[d].conn = nil
	}
	clear(e.sockets)
	e.sockets, e.streams = e.sockets[:0], e.streams[:0]
	e.used, e.known, e.recent = 0, 0, none
	e.index.clear()
}

// resolve finds the socket or connection of each destination, under one lock.
func (e *Egress) resolve() {
	e.links.mu.RLock()
	defer e.links.mu.RUnlock()
	var link tuple.Link
	var r route
	for i := range e.dests[:e.known] {
		d := &e.dests[i]
		if i == 0 || d.link != link {
			link, r = d.link, e.links.routes[d.link]
		}
		switch {
		case r.udp != nil:
			e.chain(r.udp, uint16(i))
		case r.tcp != nil:
			d.conn = r.tcp
			e.streams = append(e.streams, uint16(i))
		default:
			e.stats.Closed += uint64(e.count(uint16(i)))
		}
	}
}

// chain appends a destination to those of its socket.
func (e *Egress) chain(u *UDP, d uint16) {
	if u.firstDest == none {
		u.firstDest, u.lastDest = d, d
		e.sockets = append(e.sockets, u)
		return
	}
	e.dests[u.lastDest].next = d
	u.lastDest = d
}

// count returns how many packets a destination has.
func (e *Egress) count(d uint16) int {
	n := 0
	for s := e.dests[d].first; s != none; s = e.slots[s].next {
		n++
	}
	return n
}

// payload is a queued packet.
func (e *Egress) payload(s uint16) []byte {
	at := int(s)*slotSize + slotHead
	return e.memory[at : at+int(e.slots[s].size)]
}

// frame is a queued packet with its RFC 4571 length ahead of it.
func (e *Egress) frame(s uint16) []byte {
	size := e.slots[s].size
	at := int(s)*slotSize + slotHead
	putFrameLength(e.memory[at-frameHead:at], int(size))
	return e.memory[at-frameHead : at+int(size)]
}
