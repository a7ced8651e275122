package stun

import (
	"encoding/binary"
	"net/netip"
)

// Families of an address attribute (RFC 8489 section 14.1).
const (
	familyIPv4 = 1
	familyIPv6 = 2
)

// An address attribute (RFC 8489 section 14.2). The port is XORed with the upper half of the magic
// cookie, the address with the cookie and, beyond 32 bits, the transaction ID: middleboxes that
// rewrite addresses they find in payloads shall not find this one.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|0 0 0 0 0 0 0 0|    Family     |         X-Port                |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|                X-Address (32 or 128 bits)
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

// decodeXORAddress reads v, an attribute of the message that begins with header.
func decodeXORAddress(v, header []byte) (netip.AddrPort, bool) {
	if len(v) < 4 {
		return netip.AddrPort{}, false
	}
	port := binary.BigEndian.Uint16(v[2:]) ^ magicCookie>>16
	switch {
	case v[1] == familyIPv4 && len(v) == 8:
		var ip [4]byte
		xorWithHeader(ip[:], v[4:], header)
		return netip.AddrPortFrom(netip.AddrFrom4(ip), port), true
	case v[1] == familyIPv6 && len(v) == 20:
		var ip [16]byte
		xorWithHeader(ip[:], v[4:], header)
		return netip.AddrPortFrom(netip.AddrFrom16(ip), port), true
	default:
		return netip.AddrPort{}, false
	}
}

// xorWithHeader sets dst to src XOR (magic cookie ‖ transaction ID), which is how a header goes on
// from its fifth byte.
func xorWithHeader(dst, src, header []byte) {
	for i := range dst {
		dst[i] = src[i] ^ header[4+i]
	}
}
