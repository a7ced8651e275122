package dtls

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"

	pion "github.com/pion/dtls/v2"
	"github.com/pion/dtls/v2/pkg/crypto/prf"
)

// Sizes of TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (RFC 5288 section 3): the nonce is a salt from the handshake and eight bytes that every record
// carries.
const (
	gcmKeySize   = 16
	gcmSaltSize  = 4
	gcmNonceSize = 8
	gcmTagSize   = 16
)

// gcm seals and opens records by the library's own suite after the library has gone. What goes into the nonce is the record's number, which never
// repeats, instead of the library's random bytes.
type gcm struct {
	seal, open         cipher.AEAD
	sealSalt, openSalt []byte
}

// secrets is what the library's state says about the keys when it is serialised, by the names of its fields.
type secrets struct {
	LocalRandom, RemoteRandom [32]byte
	MasterSecret              []byte
	SequenceNumber            uint64 // of the next record, in the epoch that is protected
}

func secretsOf(conn *pion.Conn) (s secrets, err error) {
	state := conn.ConnectionState()
	b, err := state.MarshalBinary()
	if err != nil {
		return s, err
	}
	return s, gob.NewDecoder(bytes.NewReader(b)).Decode(&s)
}

func newGCM(s secrets, role Role) (*gcm, error) {
	client, server := s.LocalRandom[:], s.RemoteRandom[:]
	if role == Server {
		client, server = server, client
	}
	k, err := prf.GenerateEncryptionKeys(s.MasterSecret, client, server, 0, gcmKeySize, gcmSaltSize, sha256.New)
	if err != nil {
		return nil, err
	}
	g := &gcm{sealSalt: k.ClientWriteIV, openSalt: k.ServerWriteIV}
	ours, theirs := k.ClientWriteKey, k.ServerWriteKey
	if role == Server {
		g.sealSalt, g.openSalt = g.openSalt, g.sealSalt
		ours, theirs = theirs, ours
	}
	if g.seal, err = aead(ours); err != nil {
		return nil, err
	}
	g.open, err = aead(theirs)
	return g, err
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealRecord seals the record raw, header and plaintext, into a new slice.
func (g *gcm) sealRecord(raw []byte) []byte {
	nonce := append(bytes.Clone(g.sealSalt), raw[3:11]...)
	aad := additionalData(raw, len(raw)-recordHeader)
	out := append(bytes.Clone(raw[:recordHeader]), raw[3:11]...)
	out = g.seal.Seal(out, nonce, raw[recordHeader:], aad[:])
	binary.BigEndian.PutUint16(out[11:], uint16(len(out)-recordHeader))
	return out
}

// openRecord opens a record in place and returns the plaintext.
func (g *gcm) openRecord(raw []byte) ([]byte, bool) {
	sealed := raw[recordHeader:]
	if len(sealed) < gcmNonceSize+gcmTagSize {
		return nil, false
	}
	var nonce [gcmSaltSize + gcmNonceSize]byte
	copy(nonce[copy(nonce[:], g.openSalt):], sealed)
	sealed = sealed[gcmNonceSize:]
	aad := additionalData(raw, len(sealed)-gcmTagSize)
	plain, err := g.open.Open(sealed[:0], nonce[:], sealed, aad[:])
	return plain, err == nil
}
