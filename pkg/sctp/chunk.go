package sctp

import "encoding/binary"

// Types of chunks and parameters that are looked at (RFC 9260 section 3.2, RFC 3758, RFC 6525, RFC 8260).
const (
	chunkData        = 0
	chunkInit        = 1
	chunkInitAck     = 2
	chunkSACK        = 3
	chunkIData       = 64
	chunkReconfig    = 130
	chunkForwardTSN  = 192
	chunkIForwardTSN = 194

	paramOutgoingReset = 13
)

const (
	commonHeader = 12 // ports, verification tag, checksum
	tlvHeader    = 4  // type, flags, length; of parameters type, length
)

// chunk is one chunk of a packet: its type, and what follows its header. It shares the packet's memory.
type chunk struct {
	kind  uint8
	value []byte
}

// nextChunk takes the first chunk of b, the rest of a packet behind its common header.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+---------------+---------------+-------------------------------+
//	|     type      |     flags     |  length with these four bytes |
//	+---------------+---------------+-------------------------------+
//	|                 value, padded to a multiple of 4              |
func nextChunk(b []byte) (c chunk, rest []byte, ok bool) {
	if len(b) < tlvHeader {
		return chunk{}, nil, false
	}
	value, rest, ok := tlv(b)
	return chunk{kind: b[0], value: value}, rest, ok
}

// tlv cuts a chunk or parameter out of b: both have their length in the third and fourth byte, and padding behind.
func tlv(b []byte) (value, rest []byte, ok bool) {
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < tlvHeader || n > len(b) {
		return nil, nil, false
	}
	return b[tlvHeader:n], b[min((n+3)&^3, len(b)):], true
}

// stream returns the stream of a DATA or I-DATA chunk, which follows the TSN in both.
func (c chunk) stream() (uint16, bool) {
	if len(c.value) < 6 {
		return 0, false
	}
	return binary.BigEndian.Uint16(c.value[4:]), true
}

// streams returns the numbers of outbound and inbound streams in an INIT or INIT ACK chunk.
func (c chunk) streams() (outbound, inbound uint16, ok bool) {
	if len(c.value) < 12 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint16(c.value[8:]), binary.BigEndian.Uint16(c.value[10:]), true
}

// eachReset calls f for every stream a RE-CONFIG chunk asks to reset (RFC 6525 section 4.1).
func (c chunk) eachReset(f func(stream uint16)) {
	for b := c.value; len(b) >= tlvHeader; {
		value, rest, ok := tlv(b)
		if !ok {
			return
		}
		if binary.BigEndian.Uint16(b) == paramOutgoingReset && len(value) > 12 {
			for ids := value[12:]; len(ids) >= 2; ids = ids[2:] {
				f(binary.BigEndian.Uint16(ids))
			}
		}
		b = rest
	}
}
