package dtls

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"sync/atomic"

	pion "github.com/pion/dtls/v2"
	"github.com/pion/dtls/v2/pkg/crypto/clientcertificate"
	"github.com/pion/dtls/v2/pkg/crypto/prf"
	"github.com/pion/dtls/v2/pkg/protocol/recordlayer"
	"golang.org/x/crypto/chacha20poly1305"
)

var (
	errSuiteUnset = errors.New("dtls: cipher suite has no keys yet")
	errNonce      = errors.New("dtls: record number does not increase")
	errSealed     = errors.New("dtls: record is not authentic")
)

// chacha20 is TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 (RFC 7905) as a cipher suite of one
// connection of the library, which has none whose nonce is not random.
type chacha20 struct {
	keys atomic.Pointer[chacha20Keys]
	next uint64 // lowest epoch and sequence number Encrypt may use; under the library's write lock
}

// chacha20Keys is what the handshake yields: made once, then read only.
type chacha20Keys struct {
	master, clientRandom, serverRandom []byte
	chacha20Records
}

// Init derives the keys (RFC 5246 section 6.3; RFC 7905 section 2: no MAC keys, an IV of 12 bytes).
func (c *chacha20) Init(master, clientRandom, serverRandom []byte, isClient bool) error {
	const keySize, ivSize = chacha20poly1305.KeySize, chacha20poly1305.NonceSize
	k, err := prf.GenerateEncryptionKeys(master, clientRandom, serverRandom, 0, keySize, ivSize, c.HashFunc())
	if err != nil {
		return err
	}
	client, err1 := newChaCha20Direction(k.ClientWriteKey, k.ClientWriteIV)
	server, err2 := newChaCha20Direction(k.ServerWriteKey, k.ServerWriteIV)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	keys := &chacha20Keys{master: master, clientRandom: clientRandom, serverRandom: serverRandom}
	keys.write, keys.read = server, client
	if isClient {
		keys.write, keys.read = client, server
	}
	c.keys.Store(keys)
	return nil
}

// Encrypt seals the record raw, header and plaintext, into a new slice.
func (c *chacha20) Encrypt(_ *recordlayer.RecordLayer, raw []byte) ([]byte, error) {
	k := c.keys.Load()
	if k == nil {
		return nil, errSuiteUnset
	}
	number := binary.BigEndian.Uint64(raw[3:]) // epoch and sequence number
	if number < c.next {
		return nil, errNonce
	}
	c.next = number + 1
	return k.sealRecord(raw), nil
}

// Decrypt opens the record in place and returns header and plaintext.
func (c *chacha20) Decrypt(in []byte) ([]byte, error) {
	k := c.keys.Load()
	if k == nil {
		return nil, errSuiteUnset
	}
	plain, ok := k.openRecord(in)
	if !ok {
		return nil, errSealed
	}
	return in[:recordHeader+len(plain)], nil
}

// The rest tells the library what kind of suite this is.

func (c *chacha20) ID() pion.CipherSuiteID { return suiteChaCha20 }

func (c *chacha20) String() string             { return "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" }
func (c *chacha20) ECC() bool                  { return true }
func (c *chacha20) IsInitialized() bool        { return c.keys.Load() != nil }
func (c *chacha20) HashFunc() func() hash.Hash { return sha256.New }

func (c *chacha20) CertificateType() clientcertificate.Type { return clientcertificate.ECDSASign }

func (c *chacha20) AuthenticationType() pion.CipherSuiteAuthenticationType {
	return pion.CipherSuiteAuthenticationTypeCertificate
}

func (c *chacha20) KeyExchangeAlgorithm() pion.CipherSuiteKeyExchangeAlgorithm {
	return pion.CipherSuiteKeyExchangeAlgorithmEcdhe
}
