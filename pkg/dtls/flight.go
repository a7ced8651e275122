package dtls

import (
	pion "github.com/pion/dtls/v2"
	"github.com/pion/dtls/v2/pkg/protocol/handshake"
)

// flight follows the order in which the peer's plaintext handshake messages must come
// (RFC 5246 section 7.3). We always ask for a certificate, and a client that has none is no peer.
type flight struct {
	role Role  // ours
	last uint8 // type of the message that came last; 0 before the first
}

// accepts tells whether a message of that type may come next.
func (f flight) accepts(kind uint8) bool {
	if f.role == Server {
		switch f.last {
		case typeClientHello:
			return kind == typeCertificate
		case typeCertificate:
			return kind == typeClientKeyExchange
		case typeClientKeyExchange:
			return kind == typeCertificateVerify
		}
		return false
	}
	switch f.last {
	case 0, typeHelloVerifyRequest:
		return kind == typeHelloVerifyRequest || kind == typeServerHello
	case typeServerHello:
		return kind == typeCertificate
	case typeCertificate:
		return kind == typeServerKeyExchange
	case typeServerKeyExchange:
		return kind == typeCertificateRequest || kind == typeServerHelloDone
	case typeCertificateRequest:
		return kind == typeServerHelloDone
	}
	return false
}

// complete tells whether all messages have come, so that ChangeCipherSpec is next.
func (f flight) complete() bool {
	if f.role == Server {
		return f.last == typeCertificateVerify
	}
	return f.last == typeServerHelloDone
}

// parses runs the library's parser over a whole message. Here, on the loop, a bug in it costs one
// transport; in the library's own goroutine it would cost the process.
func parses(raw []byte) bool {
	h := handshake.Handshake{KeyExchangeAlgorithm: pion.CipherSuiteKeyExchangeAlgorithmEcdhe}
	return h.Unmarshal(raw) == nil
}
