package transport

import (
	"encoding/binary"
	"io"
)

// random draws from the shell's generator.
type random struct{ r io.Reader }

func newRandom(r io.Reader) random { return random{r: r} }

// bytes returns n random bytes. The shell's reader does not fail; if it did, predictable numbers would be worse than an end.
func (r random) bytes(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		panic("transport: no randomness: " + err.Error())
	}
	return b
}

func (r random) uint32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }

// alphabet has 32 of the characters that ICE allows (RFC 8839 section 5.4), so that each carries 5 bits.
const alphabet = "abcdefghijkmnpqrstuvwxyz23456789"

// text returns size random characters.
func (r random) text(size int) string {
	s := r.bytes(size)
	for i := range s {
		s[i] = alphabet[s[i]%32]
	}
	return string(s)
}
