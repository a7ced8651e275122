package turn

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"net/netip"
	"time"
)

// A nonce is time ‖ HMAC(key, time ‖ address ‖ port ‖ features), 12 bytes as base64: nothing is kept of those that were given out (R-TURN-2). Of the time
// the lower 16 bits are written, in seconds; the HMAC covers it whole. In front there may be the nonce cookie and the features of the server, which are
// covered, too, so that nobody in between can take them away (RFC 8489 section 9.2).
const (
	nonceCookie    = "obMatJos2"
	shortNonceSize = 16
	longNonceSize  = len(nonceCookie) + 4 + shortNonceSize
	maxNonceAge    = time.Duration(1<<15) * time.Second
)

// features is the set of STUN Security Features.
type features uint8

// The features (RFC 8489 section 18.1).
const (
	passwordAlgorithms features = 1 << iota
	usernameAnonymity
)

// text encodes the set. RFC 8489 numbers its 24 bits from the left, an erratum and its test vectors from the right; clients of both kinds exist and
// ignore bits they do not know, so each feature has both of its bits.
func (f features) text() [4]byte {
	var b [3]byte
	b[2] = byte(f)
	if f&passwordAlgorithms != 0 {
		b[0] |= 0x80
	}
	if f&usernameAnonymity != 0 {
		b[0] |= 0x40
	}
	var text [4]byte
	base64.StdEncoding.Encode(text[:], b[:])
	return text
}

// nonces makes and checks nonces.
type nonces struct {
	mac      hash.Hash
	lifetime int64 // seconds
	input    [8 + 16 + 2 + 1]byte
	sum      [sha256.Size]byte
	out      [longNonceSize]byte
}

func newNonces(key []byte, lifetime time.Duration) nonces {
	return nonces{mac: hmac.New(sha256.New, key), lifetime: int64(lifetime / time.Second)}
}

// make returns a nonce for a client, valid until the next call. With no features it is a short one.
func (n *nonces) make(now time.Time, client netip.AddrPort, f features) []byte {
	text := n.out[:0]
	if f != 0 {
		code := f.text()
		text = append(append(text, nonceCookie...), code[:]...)
	}
	raw := n.raw(now.Unix(), client, f)
	return base64.StdEncoding.AppendEncode(text, raw[:])
}

// raw is the 12 bytes of a nonce of the time t.
func (n *nonces) raw(t int64, client netip.AddrPort, f features) (raw [12]byte) {
	binary.BigEndian.PutUint64(n.input[:], uint64(t))
	ip := client.Addr().As16()
	copy(n.input[8:], ip[:])
	binary.BigEndian.PutUint16(n.input[24:], client.Port())
	n.input[26] = byte(f)
	n.mac.Reset()
	n.mac.Write(n.input[:])
	n.mac.Sum(n.sum[:0])
	binary.BigEndian.PutUint16(raw[:], uint16(t))
	copy(raw[2:], n.sum[:])
	return raw
}

// check tells whether a nonce was given to this client, not too long ago, and with which features.
func (n *nonces) check(now time.Time, client netip.AddrPort, text []byte) (features, bool) {
	var f features
	switch len(text) {
	case shortNonceSize:
	case longNonceSize:
		var code [3]byte
		head := len(nonceCookie)
		if string(text[:head]) != nonceCookie {
			return 0, false
		}
		if _, err := base64.StdEncoding.Decode(code[:], text[head:head+4]); err != nil {
			return 0, false
		}
		f = features(code[2])
		if written := f.text(); string(written[:]) != string(text[head:head+4]) {
			return 0, false
		}
		text = text[head+4:]
	default:
		return 0, false
	}
	var got [12]byte
	if _, err := base64.StdEncoding.Decode(got[:], text); err != nil {
		return 0, false
	}
	age := int64(uint16(now.Unix()) - binary.BigEndian.Uint16(got[:]))
	if age >= n.lifetime {
		return 0, false
	}
	want := n.raw(now.Unix()-age, client, f)
	return f, hmac.Equal(got[:], want[:])
}
