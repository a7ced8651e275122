package srtp

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// keystream is AES counter mode without an allocation per packet, at the speed of many blocks at once.
//
// The standard library offers counter mode only as an object per IV, and single blocks cost five times as much. But its GCM, which
// takes the IV as an argument, is counter mode too: it encrypts from the block behind J0, and for an IV N of 16 bytes
//
//	J0 = ((N·H) + L)·H    with H = AES(0), L = the length block (NIST SP 800-38D section 7.1)
//
// in GF(2^128). So for a wanted first counter block C we pass N = (C-1)·H^-2 + L·H^-1, and let the tag that GCM appends be
// overwritten. GCM counts in the last 32 bits and SRTP in the last 16 (RFC 3711 section 4.1.1), so they never disagree.
// H is no secret worth keeping here: nothing is authenticated with it.
type keystream struct {
	aead cipher.AEAD
	salt cmSalt

	invSquare element // H^-2
	constant  element // what is the same in every N
	seq       [4][16]element

	nonce [aes.BlockSize]byte
}

// keystreamSlack is the room that xor needs in dst behind the data.
const keystreamSlack = 16

// prefix is the part of N that only SSRC and rollover counter decide; each stream remembers its own.
type prefix struct {
	part  element
	roc   uint32
	known bool
}

func newKeystream(key []byte, salt cmSalt) (*keystream, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithNonceSize(block, aes.BlockSize)
	if err != nil {
		return nil, err
	}
	var zero [aes.BlockSize]byte
	block.Encrypt(zero[:], zero[:])
	h := element{binary.BigEndian.Uint64(zero[:]), binary.BigEndian.Uint64(zero[8:])}
	if h.isZero() {
		return nil, ErrWeakKey
	}
	inv := h.inverse()
	k := &keystream{aead: aead, salt: salt, invSquare: inv.times(inv)}
	length := element{lo: 8 * aes.BlockSize}
	k.constant = length.times(inv)
	k.fillTable()
	return k, nil
}

// fillTable computes the products with H^-2 of every value of the four nibbles at bits 16 to 31, where the
// sequence number stands in a counter block. The rest of the block changes once in 65536 packets.
func (k *keystream) fillTable() {
	bit := element{lo: 1 << 31}.times(k.invSquare)
	for n := range k.seq {
		t := &k.seq[n]
		for v := 8; v > 0; v >>= 1 {
			t[v] = bit
			bit = bit.timesX()
		}
		for v := range t {
			low := v & -v
			t[v] = t[low].plus(t[v^low])
		}
	}
}

// xor writes src XOR the keystream of a packet to dst, which is src or does not overlap it, and spoils keystreamSlack
// bytes of dst behind that.
func (k *keystream) xor(dst, src []byte, ssrc uint32, index int64, p *prefix) {
	hi, lo := k.salt.counter(ssrc, index)
	if roc := uint32(index >> 16); !p.known || p.roc != roc {
		// The borrow of C-1 ends in the last 32 bits: there it leaves the sequence number less one, and ones.
		const last16 = 1<<16 - 1
		fixed := element{hi, lo&^(1<<32-1) | last16}
		*p = prefix{part: fixed.times(k.invSquare).plus(k.constant), roc: roc, known: true}
	}
	seq := uint16(lo>>16) - 1
	n := p.part.plus(k.seq[0][seq>>12]).plus(k.seq[1][seq>>8&15]).plus(k.seq[2][seq>>4&15]).plus(k.seq[3][seq&15])
	binary.BigEndian.PutUint64(k.nonce[:], n.hi)
	binary.BigEndian.PutUint64(k.nonce[8:], n.lo)
	k.aead.Seal(dst[:0], k.nonce[:], src, nil)
}
