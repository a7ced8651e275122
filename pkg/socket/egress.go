package socket

import (
	"gazpacho/pkg/tuple"
)

const (
	// EgressSlots is how many packets are flushed together at most. It is also the most that one
	// sendmmsg takes (UIO_MAXIOV).
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

	dests   destTable
	active  []uint16  // destinations with packets, in the order of their first
	sockets []*outlet // with packets in this flush
	vector  sendVector
	stats   EgressStats
}

// slot describes a queued packet. Slots of one destination form a chain.
type slot struct {
	size uint16
	next uint16
}

// none ends a chain.
const none = ^uint16(0)

// NewEgress makes an egress for the sockets and connections in links.
func NewEgress(links *Links) *Egress {
	e := &Egress{
		links:   links,
		memory:  make([]byte, EgressSlots*slotSize),
		active:  make([]uint16, 0, EgressSlots),
		sockets: make([]*outlet, 0, 64),
	}
	e.dests.init()
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
	if to.Link == 0 {
		e.stats.Closed++
		return
	}
	d := e.dests.find(&to)
	s := e.used
	e.used++
	e.slots[s] = slot{size: uint16(n), next: none}
	if dst := &e.dests.list[d]; dst.first == none {
		dst.first, dst.last = s, s
		e.active = append(e.active, d)
	} else {
		e.slots[dst.last].next = s
		dst.last = s
	}
	if e.used == EgressSlots {
		e.Flush()
	}
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
	for _, o := range e.sockets {
		o.conn.send(e, o.firstDest)
		o.firstDest = none
	}
	for _, d := range e.active {
		dst := &e.dests.list[d]
		if dst.conn != nil {
			dst.conn.send(e, dst)
			dst.conn = nil
		}
		if dst.port != nil {
			dst.port.deliver(e, dst)
			dst.port = nil
		}
		dst.first, dst.next = none, none
	}
	clear(e.sockets)
	e.sockets, e.active = e.sockets[:0], e.active[:0]
	e.used = 0
	e.dests.trim()
}

// resolve finds the socket or connection of each destination, under one lock.
func (e *Egress) resolve() {
	e.links.mu.RLock()
	defer e.links.mu.RUnlock()
	var link tuple.Link // no link: the first destination looks its own up
	var r route
	for _, i := range e.active {
		d := &e.dests.list[i]
		if d.link != link {
			link, r = d.link, e.links.routes[d.link]
		}
		switch {
		case r.out != nil:
			e.chain(r.out, i)
		case r.tcp != nil:
			d.conn = r.tcp
		case r.port != nil:
			d.port = r.port
		default:
			e.stats.Closed += e.count(d.first)
		}
	}
}

// chain appends a destination to those of its socket.
func (e *Egress) chain(o *outlet, d uint16) {
	if o.firstDest == none {
		o.firstDest, o.lastDest = d, d
		e.sockets = append(e.sockets, o)
		return
	}
	e.dests.list[o.lastDest].next = d
	o.lastDest = d
}

// count returns how many packets a chain holds.
func (e *Egress) count(s uint16) (n uint64) {
	for ; s != none; s = e.slots[s].next {
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
