package rtp

import "encoding/binary"

// Block types of extended reports that carry round-trip times from receivers (RFC 3611 section 4.4, 4.5).
const (
	blockReferenceTime = 4
	blockDelays        = 5
)

const delaySize = 12

// ReceptionDelay answers a receiver's reference time, so that it learns the round-trip time (RFC 3611 section 4.5).
type ReceptionDelay struct {
	SSRC   uint32 // the receiver's
	LastRR uint32 // compact NTP time it sent
	Delay  uint32 // since that arrived, in 2^-16 s
}

// Blocks reads the blocks of an ExtendedReport.
type Blocks struct {
	blockType uint8
	body      []byte
	rest      []byte
}

// Blocks begins reading an ExtendedReport; of any other kind there are none.
func (p *RTCP) Blocks() Blocks {
	if p.Kind != ExtendedReport || len(p.body) < 4 {
		return Blocks{}
	}
	return Blocks{rest: p.body[4:]}
}

// Next reads the next block, or returns false after the last or at a malformed one.
func (b *Blocks) Next() bool {
	if len(b.rest) < 4 {
		return false
	}
	size := 4 * (int(binary.BigEndian.Uint16(b.rest[2:])) + 1)
	if size > len(b.rest) {
		return false
	}
	b.blockType, b.body, b.rest = b.rest[0], b.rest[4:size], b.rest[size:]
	return true
}

// ReferenceTime returns the NTP time of a receiver's reference time block, or false if this is another block.
func (b *Blocks) ReferenceTime() (ntp uint64, ok bool) {
	if b.blockType != blockReferenceTime || len(b.body) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(b.body), true
}

// Delays returns how many delays the block has; 0 if it is another block.
func (b *Blocks) Delays() int {
	if b.blockType != blockDelays {
		return 0
	}
	return len(b.body) / delaySize
}

// Delay returns delay i of Delays.
func (b *Blocks) Delay(i int) ReceptionDelay {
	d := b.body[delaySize*i:]
	return ReceptionDelay{
		SSRC:   binary.BigEndian.Uint32(d),
		LastRR: binary.BigEndian.Uint32(d[4:]),
		Delay:  binary.BigEndian.Uint32(d[8:]),
	}
}

func (p *RTCP) wellFormedBlocks() bool {
	if len(p.body) < 4 {
		return false
	}
	b := p.Blocks()
	for b.Next() {
		switch {
		case b.blockType == blockReferenceTime && len(b.body) != 8,
			b.blockType == blockDelays && len(b.body)%delaySize != 0:
			return false
		}
	}
	return len(b.rest) == 0
}
