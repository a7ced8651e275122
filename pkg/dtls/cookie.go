package dtls

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net/netip"
	"time"
)

const (
	cookieSize = 20
	// cookieAge is how long one key's worth of time is; a cookie is good for that long, or up to twice as long.
	cookieAge = 30 * time.Second
)

// cookies proves, without remembering anybody, that who says hello is where it says it is (RFC 6347 section 4.2.1).
type cookies struct{ key [sha256.Size]byte }

func newCookies(random io.Reader) (c cookies, err error) {
	_, err = io.ReadFull(random, c.key[:])
	return c, err
}

// make is the cookie for a hello from an address, at a time. It covers all that the server takes from the hello.
func (c *cookies) make(period uint64, from netip.AddrPort, h *stranger) (cookie [cookieSize]byte) {
	mac := hmac.New(sha256.New, c.key[:])
	var b [8 + 16 + 2]byte
	binary.BigEndian.PutUint64(b[:], period)
	ip := from.Addr().As16()
	copy(b[8:], ip[:])
	binary.BigEndian.PutUint16(b[24:], from.Port())
	mac.Write(b[:])
	mac.Write(h.body[:h.cookieAt]) // version, random, session
	mac.Write(h.body[h.cookieAt+1+len(h.cookie):])
	copy(cookie[:], mac.Sum(nil))
	return cookie
}

func (c *cookies) good(now time.Time, from netip.AddrPort, h *stranger) bool {
	period := uint64(now.Unix()) / uint64(cookieAge/time.Second)
	for _, p := range [...]uint64{period, period - 1} {
		if want := c.make(p, from, h); hmac.Equal(want[:], h.cookie) {
			return true
		}
	}
	return false
}

// stranger is the ClientHello of a client that is not known, whole, in one record. Its slices alias the datagram.
type stranger struct {
	record   uint64 // epoch and number of its record
	seq      uint16 // of the message
	body     []byte
	cookieAt int // of the cookie's length in body
	cookie   []byte
	suites   []byte
}

// parseStranger reads what a datagram begins with. Hellos in fragments would have to be remembered, so they are nobody's.
func parseStranger(datagram []byte) (h stranger, ok bool) {
	r, _, ok := nextRecord(datagram)
	if !ok || r.kind != contentHandshake || r.epoch != 0 {
		return h, false
	}
	f, _, ok := nextFragment(r.fragment())
	if !ok || f.kind != typeClientHello || f.offset != 0 || len(f.data) != f.length {
		return h, false
	}
	h.record, h.seq, h.body = binary.BigEndian.Uint64(r.raw[3:]), f.seq, f.data
	rest := f.data
	const fixed = 2 + 32 // version and random
	if len(rest) < fixed+1 || rest[0] != 0xfe {
		return h, false
	}
	session := int(rest[fixed])
	h.cookieAt = fixed + 1 + session
	if len(rest) < h.cookieAt+1 {
		return h, false
	}
	end := h.cookieAt + 1 + int(rest[h.cookieAt])
	if len(rest) < end+2 {
		return h, false
	}
	h.cookie = rest[h.cookieAt+1 : end]
	size := int(binary.BigEndian.Uint16(rest[end:]))
	if size%2 != 0 || len(rest) < end+2+size {
		return h, false
	}
	h.suites = rest[end+2 : end+2+size]
	return h, true
}

// offers tells whether the client knows a suite.
func (h *stranger) offers(suite uint16) bool {
	for b := h.suites; len(b) >= 2; b = b[2:] {
		if binary.BigEndian.Uint16(b) == suite {
			return true
		}
	}
	return false
}

// verifyRequest asks for the hello again, with a cookie. It is shorter than any hello, and takes the hello's record number: "the server MUST use the
// record sequence number in the ClientHello as the record sequence number in the HelloVerifyRequest" (RFC 6347 section 4.2.1).
func (c *cookies) verifyRequest(now time.Time, from netip.AddrPort, h *stranger) []byte {
	const body = 2 + 1 + cookieSize
	b := make([]byte, recordHeader+handshakeHeader+body)
	putRecordHeader(b, contentHandshake, h.record, handshakeHeader+body)
	binary.BigEndian.PutUint16(b[1:], version10)
	putHandshakeHeader(b[recordHeader:], typeHelloVerifyRequest, body, h.seq, 0, body)
	out := b[recordHeader+handshakeHeader:]
	binary.BigEndian.PutUint16(out, version10)
	out[2] = cookieSize
	cookie := c.make(uint64(now.Unix())/uint64(cookieAge/time.Second), from, h)
	copy(out[3:], cookie[:])
	return b
}

// refusal tells a client that it knows nothing that is spoken here: DTLS 1.2 (RFC 8996 forbids 1.0), and suites that authenticate what they encrypt.
func (h *stranger) refusal() []byte {
	const fatal, handshakeFailure, protocolVersion = 2, 40, 70
	b := make([]byte, recordHeader+2)
	putRecordHeader(b, contentAlert, h.record, 2)
	binary.BigEndian.PutUint16(b[1:], version10)
	b[recordHeader], b[recordHeader+1] = fatal, handshakeFailure
	if binary.BigEndian.Uint16(h.body) == version10 {
		b[recordHeader+1] = protocolVersion
	}
	return b
}

// forLibrary is the hello as if it were the first: without its cookie, with the one suite that stands for the one that is spoken.
func (h *stranger) forLibrary() []byte {
	suitesAt := h.cookieAt + 1 + len(h.cookie)
	end := suitesAt + 2 + len(h.suites)
	body := append([]byte(nil), h.body[:h.cookieAt]...)
	body = append(body, 0, 0, 2)
	body = binary.BigEndian.AppendUint16(body, suiteStandIn)
	body = append(body, h.body[end:]...)
	message := make([]byte, handshakeHeader, handshakeHeader+len(body))
	putHandshakeHeader(message, typeClientHello, len(body), 0, 0, len(body))
	return append(message, body...)
}

// onWire is the hello as the client's transcript has it.
func (h *stranger) onWire() []byte {
	message := make([]byte, handshakeHeader, handshakeHeader+len(h.body))
	putHandshakeHeader(message, typeClientHello, len(h.body), h.seq, 0, len(h.body))
	return append(message, h.body...)
}
