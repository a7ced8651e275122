package dtls

import (
	"crypto/cipher"
	"encoding/binary"

	"golang.org/x/crypto/chacha20poly1305"
)

// chacha20Records protects records by ChaCha20-Poly1305, both ways.
type chacha20Records struct{ write, read chacha20Direction }

func (c *chacha20Records) sealRecord(raw []byte) []byte              { return c.write.seal(raw) }
func (c *chacha20Records) openRecord(raw []byte) (b []byte, ok bool) { return c.read.open(raw) }

// chacha20Direction is one way.
type chacha20Direction struct {
	aead cipher.AEAD
	iv   [chacha20poly1305.NonceSize]byte
}

func newChaCha20Direction(key, iv []byte) (d chacha20Direction, err error) {
	d.aead, err = chacha20poly1305.New(key)
	copy(d.iv[:], iv)
	return d, err
}

func (d *chacha20Direction) seal(raw []byte) []byte {
	nonce, aad := d.nonce(raw), additionalData(raw, len(raw)-recordHeader)
	out := make([]byte, recordHeader, len(raw)+chacha20poly1305.Overhead)
	copy(out, raw)
	out = d.aead.Seal(out, nonce[:], raw[recordHeader:], aad[:])
	binary.BigEndian.PutUint16(out[11:], uint16(len(out)-recordHeader))
	return out
}

func (d *chacha20Direction) open(raw []byte) ([]byte, bool) {
	if len(raw) < recordHeader+chacha20poly1305.Overhead {
		return nil, false
	}
	sealed := raw[recordHeader:]
	nonce, aad := d.nonce(raw), additionalData(raw, len(sealed)-chacha20poly1305.Overhead)
	plain, err := d.aead.Open(sealed[:0], nonce[:], sealed, aad[:])
	return plain, err == nil
}

// nonce is epoch and number of the record, "XORed with the ... write_IV" (RFC 7905 section 2).
func (d *chacha20Direction) nonce(header []byte) (nonce [chacha20poly1305.NonceSize]byte) {
	copy(nonce[4:], header[3:11])
	for i := range nonce {
		nonce[i] ^= d.iv[i]
	}
	return nonce
}
