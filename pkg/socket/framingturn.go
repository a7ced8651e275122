package socket

import "encoding/binary"

// Framing is how packets follow each other on a TCP connection.
type Framing uint8

// The framings.
const (
	// FramingRFC4571 has each packet's length ahead of it, as ICE over TCP has (RFC 6544).
	FramingRFC4571 Framing = iota
	// FramingTURN has STUN messages and ChannelData one behind the other, which say how long they are; ChannelData are padded to a
	// multiple of four bytes (RFC 8656 §12.5).
	FramingTURN
	// FramingEither is what a connection's first bytes say: one port serves both.
	FramingEither
)

// beginsTURN tells the framings apart by the first two bytes of a connection. Both begin with STUN. A request's type is a small number
// for all methods that a client may begin with, and no STUN message is as short as that.
func beginsTURN(stream []byte) bool { return binary.BigEndian.Uint16(stream) < stunHead }

const (
	stunHead    = 20
	channelHead = 4
)

// nextTURN cuts the first message from a stream, ChannelData with its padding. Both results alias stream.
func nextTURN(stream []byte) (packet, rest []byte, state frameState) {
	if len(stream) < channelHead {
		return nil, stream, frameHalf
	}
	switch n := sizeTURN(stream); {
	case n == 0:
		return nil, stream, frameNone
	case n > MaxDatagram:
		return nil, stream, frameTooLong
	case n > len(stream):
		return nil, stream, frameHalf
	default:
		return stream[:n], stream[n:], frameWhole
	}
}

// sizeTURN is how long the message is that a stream begins with, 0 if it is none.
func sizeTURN(stream []byte) int {
	n := int(binary.BigEndian.Uint16(stream[2:]))
	switch {
	case stream[0]&0xc0 == 0 && n%4 == 0:
		return stunHead + n
	case stream[0]&0xc0 == 0x40: // RFC 5766 had channels up to 0x7FFF, and there are clients that take those
		return (channelHead + n + 3) &^ 3
	}
	return 0
}

// maySplice tells whether the bytes behind a message may belong to a peer: it is the ConnectionBind request of RFC 6062.
func maySplice(message []byte) bool {
	const connectionBind = 0x000b
	return binary.BigEndian.Uint16(message) == connectionBind
}
