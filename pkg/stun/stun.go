// Package stun reads and writes STUN (RFC 8489) messages in place, without allocating.
//
// A Message is a view of a received datagram, a Builder writes one into a buffer of its caller.
// Neither returns an error: what is not STUN is no Message, what does not fit is not built.
package stun

import "encoding/binary"

// Fixed parts of a message (RFC 8489 section 5).
const (
	HeaderSize  = 20
	magicCookie = 0x2112a442
)

// TransactionID tells a transaction from all others (RFC 8489 section 5).
type TransactionID [12]byte

// Class is what a message is for.
type Class uint8

// The classes (RFC 8489 section 5, C1 and C0 of the message type).
const (
	Request Class = iota
	Indication
	SuccessResponse
	ErrorResponse
)

// Method is the operation, 12 bits.
type Method uint16

// The methods: Binding is the one of ICE (RFC 8489 section 18.2), the others are those of TURN (RFC 8656 section 17, RFC 6062 section 6.1).
const (
	Binding           Method = 0x001
	Allocate          Method = 0x003
	Refresh           Method = 0x004
	Send              Method = 0x006
	Data              Method = 0x007
	CreatePermission  Method = 0x008
	ChannelBind       Method = 0x009
	Connect           Method = 0x00a
	ConnectionBind    Method = 0x00b
	ConnectionAttempt Method = 0x00c
)

// messageType interleaves class and method (RFC 8489 section 5):
//
//	 0                 1
//	 2  3  4 5 6 7 8 9 0 1 2 3 4 5
//	+--+--+-+-+-+-+-+-+-+-+-+-+-+-+
//	|M |M |M|M|M|C|M|M|M|C|M|M|M|M|
//	|11|10|9|8|7|1|6|5|4|0|3|2|1|0|
//	+--+--+-+-+-+-+-+-+-+-+-+-+-+-+
func messageType(c Class, m Method) uint16 {
	t := uint16(m)&0x000f | uint16(m)&0x0070<<1 | uint16(m)&0x0f80<<2
	return t | uint16(c)&1<<4 | uint16(c)&2<<7
}

// splitType is the inverse of messageType.
func splitType(t uint16) (Class, Method) {
	c := Class(t>>4&1 | t>>7&2)
	m := Method(t&0x000f | t>>1&0x0070 | t>>2&0x0f80)
	return c, m
}

// IsMessage tells STUN from what else may arrive on a media port (RFC 7983 section 7), by the
// header alone: "The most significant 2 bits of every STUN message MUST be zeroes", the cookie,
// and a length that is that of the datagram (RFC 8489 section 5).
func IsMessage(b []byte) bool {
	return len(b) >= HeaderSize &&
		b[0]&0xc0 == 0 &&
		binary.BigEndian.Uint32(b[4:]) == magicCookie &&
		int(binary.BigEndian.Uint16(b[2:])) == len(b)-HeaderSize
}

// MethodOf returns the method of what IsMessage calls a message.
func MethodOf(b []byte) Method {
	_, m := splitType(binary.BigEndian.Uint16(b))
	return m
}
