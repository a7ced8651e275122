package rtp

import "encoding/binary"

// sdesCNAME is the item type of the canonical name (RFC 3550 section 6.5.1).
const sdesCNAME = 1

// Chunks reads the chunks of a Description, one per source.
type Chunks struct {
	SSRC  uint32
	CNAME []byte // borrowed; nil if the source gave none

	rest []byte
	left uint8
}

// Chunks begins reading a Description; of any other kind there are none.
func (p *RTCP) Chunks() Chunks {
	if p.Kind != Description {
		return Chunks{}
	}
	return Chunks{rest: p.body, left: p.count}
}

// Next reads the next chunk, or returns false after the last or at a malformed one.
//
// A chunk is an SSRC and items of type, length and text; it ends with one to four zero bytes on a 32-bit boundary (RFC 3550
// section 6.5).
func (c *Chunks) Next() bool {
	if c.left == 0 || len(c.rest) < 4 {
		return false
	}
	c.SSRC, c.CNAME = binary.BigEndian.Uint32(c.rest), nil
	b := c.rest
	at := 4
	for {
		if at >= len(b) {
			return false
		}
		if b[at] == 0 {
			break
		}
		if at+1 >= len(b) {
			return false
		}
		start := at + 2
		end := start + int(b[at+1])
		if end > len(b) {
			return false
		}
		if b[at] == sdesCNAME && c.CNAME == nil {
			c.CNAME = b[start:end:end]
		}
		at = end
	}
	at = (at + 4) &^ 3
	if at > len(b) {
		return false
	}
	c.rest = b[at:]
	c.left--
	return true
}

func (p *RTCP) wellFormedChunks() bool {
	c := p.Chunks()
	for c.Next() {
	}
	return c.left == 0
}
