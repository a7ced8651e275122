package rtp

import "encoding/binary"

// TransportTick is the unit of arrival times in transport-wide feedback, 250 µs, and TransportReference that of its reference
// time, in ticks.
const (
	TransportTick      = 250_000 // nanoseconds
	TransportReference = 256     // ticks: 64 ms
)

// Packet status symbols (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1.1). The symbol is the size of the delta.
const (
	statusLost     = 0
	statusSmall    = 1
	statusLarge    = 2
	statusReserved = 3
)

// Forms of packet status chunks (section 3.1.3, 3.1.4) and what they hold.
const (
	chunkVector   = 0x8000
	chunkTwoBit   = 0x4000
	maxRunLength  = 0x1fff
	oneBitSymbols = 14
	twoBitSymbols = 7
)

// transportCCHeadSize is the size of base, count, reference time and feedback count behind the SSRCs.
const transportCCHeadSize = 8

// Arrivals reads the packets that a TransportCC reports, in the order of their sequence numbers.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|      base sequence number     |      packet status count      |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                 reference time                | fb pkt. count |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|          packet chunk         |         packet chunk          |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	.                               .  recv deltas, zero padding    .
type Arrivals struct {
	Feedback       uint8  // the number of this feedback packet
	SequenceNumber uint16 // of the packet
	Received       bool
	Tick           uint32 // when it was received, in TransportTick; wraps

	left   int    // packets to come
	chunks []byte // from the next chunk on
	deltas []byte // from the next delta on
	chunk  uint16
	inside int // symbols of chunk to come
}

// Arrivals begins reading a TransportCC; of any other kind there are none.
func (p *RTCP) Arrivals() Arrivals {
	if p.Kind != TransportCC || len(p.body) < feedbackSize+transportCCHeadSize {
		return Arrivals{}
	}
	head := p.body[feedbackSize:]
	reference := binary.BigEndian.Uint32(head[4:])
	a := Arrivals{
		Feedback:       uint8(reference),
		SequenceNumber: binary.BigEndian.Uint16(head) - 1,
		Tick:           reference >> 8 * TransportReference,
		left:           int(binary.BigEndian.Uint16(head[2:])),
		chunks:         head[transportCCHeadSize:],
	}
	size, _, ok := a.measure()
	if !ok {
		return Arrivals{}
	}
	a.deltas = a.chunks[size:]
	return a
}

// Len returns how many packets are still to come.
func (a *Arrivals) Len() int { return a.left }

// Next reads the next packet, received or not, or returns false after the last.
func (a *Arrivals) Next() bool {
	if a.left == 0 {
		return false
	}
	for a.inside == 0 { // a run may be empty
		a.chunk = binary.BigEndian.Uint16(a.chunks)
		a.chunks = a.chunks[2:]
		a.inside = chunkSymbols(a.chunk)
	}
	a.inside--
	a.left--
	a.SequenceNumber++
	symbol := chunkSymbol(a.chunk, a.inside)
	a.Received = symbol != statusLost
	switch symbol {
	case statusSmall:
		a.Tick += uint32(a.deltas[0])
	case statusLarge:
		a.Tick += uint32(int16(binary.BigEndian.Uint16(a.deltas)))
	}
	a.deltas = a.deltas[symbol:]
	return true
}

// chunkSymbols returns how many packets a chunk covers.
func chunkSymbols(chunk uint16) int {
	switch {
	case chunk&chunkVector == 0:
		return int(chunk & maxRunLength)
	case chunk&chunkTwoBit == 0:
		return oneBitSymbols
	}
	return twoBitSymbols
}

// chunkSymbol returns the symbol of a chunk that has after more behind it. Whoever reads a chunk to its end starts at the front.
func chunkSymbol(chunk uint16, after int) int {
	switch {
	case chunk&chunkVector == 0:
		return int(chunk >> 13)
	case chunk&chunkTwoBit == 0:
		return int(chunk >> after & 1)
	}
	return int(chunk >> (2 * after) & 3)
}

// measure returns the bytes of the chunks and of the deltas they announce, or false if they do not fit or hold a reserved symbol.
func (a *Arrivals) measure() (chunks, deltas int, ok bool) {
	for left := a.left; left > 0; {
		if chunks+2 > len(a.chunks) {
			return 0, 0, false
		}
		chunk := binary.BigEndian.Uint16(a.chunks[chunks:])
		chunks += 2
		total := chunkSymbols(chunk)
		n := min(total, left)
		left -= n
		if chunk&chunkVector == 0 {
			if symbol := chunkSymbol(chunk, 0); symbol != statusReserved {
				deltas += n * symbol
				continue
			}
			return 0, 0, false
		}
		for i := range n {
			symbol := chunkSymbol(chunk, total-1-i)
			if symbol == statusReserved {
				return 0, 0, false
			}
			deltas += symbol
		}
	}
	return chunks, deltas, chunks+deltas <= len(a.chunks)
}

// wellFormedTransportCC asks for at least one packet, as feedback about none is not feedback.
func (p *RTCP) wellFormedTransportCC() bool {
	if len(p.body) < feedbackSize+transportCCHeadSize {
		return false
	}
	a := p.Arrivals()
	return a.left > 0
}
