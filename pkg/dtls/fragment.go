package dtls

import "encoding/binary"

// Handshake message types (RFC 5246 section 7.4, RFC 6347 section 4.3.2).
const (
	typeClientHello        = 1
	typeServerHello        = 2
	typeHelloVerifyRequest = 3
	typeCertificate        = 11
	typeServerKeyExchange  = 12
	typeCertificateRequest = 13
	typeServerHelloDone    = 14
	typeCertificateVerify  = 15
	typeClientKeyExchange  = 16
)

const handshakeHeader = 12

// fragment is a piece of a handshake message, within the record it came in.
//
//	 0      1             4     6                 9                 12
//	+------+-------------+-----+-----------------+-----------------+-----
//	| type | length      | seq | fragment offset | fragment length | data
//	+------+-------------+-----+-----------------+-----------------+-----
type fragment struct {
	kind   uint8
	seq    uint16
	length int // of the whole message, without this header
	offset int
	data   []byte
}

// nextFragment cuts the first handshake fragment off the content of a record, which may hold several
// (RFC 6347 section 4.2.3).
func nextFragment(b []byte) (f fragment, rest []byte, ok bool) {
	if len(b) < handshakeHeader {
		return fragment{}, nil, false
	}
	f = fragment{
		kind:   b[0],
		seq:    binary.BigEndian.Uint16(b[4:]),
		length: uint24(b[1:]),
		offset: uint24(b[6:]),
	}
	n := uint24(b[9:])
	b = b[handshakeHeader:]
	// An empty piece of a message that is not empty says nothing.
	if n > len(b) || f.offset+n > f.length || n == 0 && f.length > 0 {
		return fragment{}, nil, false
	}
	f.data = b[:n]
	return f, b[n:], true
}

// putHandshakeHeader writes the header of the fragment of length n at offset.
func putHandshakeHeader(b []byte, kind uint8, length int, seq uint16, offset, n int) {
	putUint24(b[9:], n)
	putUint24(b[6:], offset)
	binary.BigEndian.PutUint16(b[4:], seq)
	putUint24(b[1:], length)
	b[0] = kind
}

func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

func putUint24(b []byte, n int) { b[0], b[1], b[2] = byte(n>>16), byte(n>>8), byte(n) }
