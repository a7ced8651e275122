package rtp

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Sizes in bytes.
const (
	firEntrySize = 8
	rembHeadSize = 8 // identifier, number of SSRCs, bitrate
)

// NACKPair names up to 17 lost packets: ID, and ID+1+i for each bit i of Mask (RFC 4585 section 6.2.1).
type NACKPair struct {
	ID   uint16
	Mask uint16
}

// Sequences lists the lost packets in ascending order into room, which the result borrows.
func (n NACKPair) Sequences(room *[17]uint16) []uint16 {
	room[0] = n.ID
	count := 1
	for mask := n.Mask; mask != 0; mask &= mask - 1 {
		room[count] = n.ID + 1 + uint16(bits.TrailingZeros16(mask))
		count++
	}
	return room[:count]
}

// NACKPairs returns how many pairs a NACK has.
func (p *RTCP) NACKPairs() int {
	if p.Kind != NACK {
		return 0
	}
	return (len(p.body) - feedbackSize) / 4
}

// NACKPair returns pair i of NACKPairs.
func (p *RTCP) NACKPair(i int) NACKPair {
	b := p.body[feedbackSize+4*i:]
	return NACKPair{ID: binary.BigEndian.Uint16(b), Mask: binary.BigEndian.Uint16(b[2:])}
}

// FIREntry asks one source for a key frame. A repeated request has the sequence number of the first (RFC 5104 section 4.3.1.2).
type FIREntry struct {
	SSRC           uint32
	SequenceNumber uint8
}

// FIREntries returns how many sources a FIR asks.
func (p *RTCP) FIREntries() int {
	if p.Kind != FIR {
		return 0
	}
	return (len(p.body) - feedbackSize) / firEntrySize
}

// FIREntry returns entry i of FIREntries.
func (p *RTCP) FIREntry(i int) FIREntry {
	b := p.body[feedbackSize+firEntrySize*i:]
	return FIREntry{SSRC: binary.BigEndian.Uint32(b), SequenceNumber: b[4]}
}

// REMBBitrate returns the bit/s that a REMB allows all its sources together; one too large for an int is the largest int.
func (p *RTCP) REMBBitrate() int {
	if p.Kind != REMB {
		return 0
	}
	word := binary.BigEndian.Uint32(p.body[feedbackSize+4:])
	exponent, mantissa := int(word>>18&0x3f), uint64(word&0x3ffff)
	if bits.Len64(mantissa)+exponent > bits.UintSize-1 {
		return math.MaxInt
	}
	return int(mantissa << exponent)
}
