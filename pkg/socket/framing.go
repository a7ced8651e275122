package socket

import "encoding/binary"

// RFC 4571 §2: each packet on a stream follows its length.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-------------------------------+-------------------------------+
//	|            LENGTH             |  RTP, RTCP, STUN or DTLS ...  |
//	+-------------------------------+-------------------------------+
const frameHead = 2

// maxFrame is a whole frame as it is read.
const maxFrame = frameHead + MaxDatagram

func putFrameLength(head []byte, n int) { binary.BigEndian.PutUint16(head, uint16(n)) }

// frameState says what nextFrame found.
type frameState uint8

const (
	frameWhole   frameState = iota // a packet, empty for the null packet of LENGTH 0
	frameHalf                      // more bytes must come
	frameTooLong                   // over MaxDatagram: the stream is of no use any more
	frameNone                      // no packet begins here, nor will one
)

// nextFrame cuts the first frame from a stream. Both results alias stream.
func nextFrame(stream []byte) (packet, rest []byte, state frameState) {
	if len(stream) < frameHead {
		return nil, stream, frameHalf
	}
	n := int(binary.BigEndian.Uint16(stream))
	if n > MaxDatagram {
		return nil, stream, frameTooLong
	}
	if len(stream) < frameHead+n {
		return nil, stream, frameHalf
	}
	return stream[frameHead : frameHead+n], stream[frameHead+n:], frameWhole
}

// looksLikeSTUN checks what RFC 8489 §5 lets one see at a glance: the two zero bits, the magic
// cookie, and a length that is a multiple of 4 and that of the packet.
func looksLikeSTUN(p []byte) bool {
	const header, cookie = 20, 0x2112a442
	if len(p) < header || p[0]&0xc0 != 0 {
		return false
	}
	n := int(binary.BigEndian.Uint16(p[2:]))
	return n%4 == 0 && header+n == len(p) && binary.BigEndian.Uint32(p[4:]) == cookie
}
