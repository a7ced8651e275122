package srtp

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// wantStream computes a packet's keystream as RFC 3711 section 4.1.1 writes it, with the standard counter mode.
func wantStream(key, salt []byte, ssrc uint32, index int64, src []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	var iv [16]byte
	copy(iv[:], salt)
	var mask [16]byte
	binary.BigEndian.PutUint64(mask[:], uint64(ssrc))
	binary.BigEndian.PutUint64(mask[8:], uint64(index)<<16)
	for i := range iv {
		iv[i] ^= mask[i]
	}
	out := make([]byte, len(src))
	cipher.NewCTR(block, iv[:]).XORKeyStream(out, src)
	return out
}

// TestKeystream compares with the standard counter mode, over any key, salt, SSRC and order of indices.
func TestKeystream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key")
		salt := rapid.SliceOfN(rapid.Byte(), 14, 14).Draw(t, "salt")
		ssrc := rapid.Uint32().Draw(t, "ssrc")
		k, err := newKeystream(key, newCMSalt(salt))
		if err != nil {
			t.Fatal(err)
		}
		var p prefix
		for range 4 {
			index := rapid.Int64Range(0, 1<<48-1).Draw(t, "index")
			src := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "src")
			dst := make([]byte, len(src)+keystreamSlack)
			k.xor(dst, src, ssrc, index, &p)
			if want := wantStream(key, salt, ssrc, index, src); !bytes.Equal(dst[:len(src)], want) {
				t.Fatalf("index %d: %x, want %x", index, dst[:len(src)], want)
			}
		}
	})
}

// TestKeystreamBorrow covers the counter block that has zeros where the sequence number stands, where C-1 borrows.
func TestKeystreamBorrow(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 16)
	salt := unhex("0102030405060708090a0b0c0d0e")
	k, err := newKeystream(key, newCMSalt(salt))
	if err != nil {
		t.Fatal(err)
	}
	src := make([]byte, 64)
	for _, seq := range []int64{0x0d0e, 0x0d0f, 0x0d0d, 0, 0xffff} {
		for _, roc := range []int64{0, 1, maxROC} {
			dst := make([]byte, len(src)+keystreamSlack)
			k.xor(dst, src, 1, roc<<16|seq, new(prefix))
			if !bytes.Equal(dst[:len(src)], wantStream(key, salt, 1, roc<<16|seq, src)) {
				t.Errorf("sequence number %#x, rollover %d: wrong keystream", seq, roc)
			}
		}
	}
}

// TestKeystreamInPlace checks that it makes no difference whether dst is src.
func TestKeystreamInPlace(t *testing.T) {
	k, err := newKeystream(make([]byte, 16), newCMSalt(make([]byte, 14)))
	if err != nil {
		t.Fatal(err)
	}
	for size := range 200 {
		b := bytes.Repeat([]byte{0xa5}, size+keystreamSlack)
		k.xor(b, b[:size], 5, 77, new(prefix))
		want := wantStream(make([]byte, 16), make([]byte, 14), 5, 77, bytes.Repeat([]byte{0xa5}, size))
		if !bytes.Equal(b[:size], want) {
			t.Fatalf("%d bytes: wrong keystream", size)
		}
	}
}
