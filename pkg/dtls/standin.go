package dtls

import (
	"bytes"
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

// suiteStandIn is what the library believes to speak with clients whose cookies are ours; the number is of those for private use.
const suiteStandIn = 0xff47

// Suites for clients of an Acceptor, by the certificate's key.
const (
	suiteECDSAChaCha20 = 0xcca9
	suiteRSAChaCha20   = 0xcca8
	suiteECDSAGCM      = 0xc02b
	suiteRSAGCM        = 0xc02f
)

// standIn is a cipher suite under whose number the library speaks another one. The library saw a hello without a cookie, as if it were the first,
// while the client sent one before: so the client's messages have numbers that are higher by shift, and its transcript has another hello. All that
// touches either is the suite's to put right: the hash, and the Finished messages, which are protected.
type standIn struct {
	wire  uint16 // the suite as the client knows it
	rsa   bool
	shift uint16
	// hello is the ClientHello as the library has it, real as the client does.
	hello, real []byte
	// keyed is called once there are keys.
	keyed func()

	records atomic.Pointer[protection]
}

// protection seals and opens records.
type protection struct {
	sealRecord func(raw []byte) []byte
	openRecord func(raw []byte) ([]byte, bool)
}

// pickSuite chooses what to speak, 0 for nothing. What a processor has instructions for is faster, and its nonces are the records' numbers here.
func pickSuite(h *stranger, rsa bool) uint16 {
	if binary.BigEndian.Uint16(h.body) != version12 {
		return 0
	}
	list := [...]uint16{suiteECDSAGCM, suiteECDSAChaCha20}
	if rsa {
		list = [...]uint16{suiteRSAGCM, suiteRSAChaCha20}
	}
	for _, suite := range list {
		if h.offers(suite) {
			return suite
		}
	}
	return 0
}

// Init makes the keys.
func (s *standIn) Init(master, clientRandom, serverRandom []byte, isClient bool) error {
	if isClient {
		return errors.New("dtls: is for servers")
	}
	p, err := s.protection(master, clientRandom, serverRandom)
	if err != nil {
		return err
	}
	s.records.Store(p)
	s.keyed()
	return nil
}

func (s *standIn) protection(master, clientRandom, serverRandom []byte) (*protection, error) {
	if s.wire == suiteECDSAGCM || s.wire == suiteRSAGCM {
		k := secrets{MasterSecret: master}
		copy(k.LocalRandom[:], serverRandom)
		copy(k.RemoteRandom[:], clientRandom)
		g, err := newGCM(k, Server)
		if err != nil {
			return nil, err
		}
		return &protection{g.sealRecord, g.openRecord}, nil
	}
	k, err := prf.GenerateEncryptionKeys(master, clientRandom, serverRandom, 0, chacha20poly1305.KeySize, chacha20poly1305.NonceSize, sha256.New)
	if err != nil {
		return nil, err
	}
	var c chacha20Records
	var err1, err2 error
	c.read, err1 = newChaCha20Direction(k.ClientWriteKey, k.ClientWriteIV)
	c.write, err2 = newChaCha20Direction(k.ServerWriteKey, k.ServerWriteIV)
	return &protection{c.sealRecord, c.openRecord}, errors.Join(err1, err2)
}

// Encrypt seals a record; the number of a Finished is raised first.
func (s *standIn) Encrypt(_ *recordlayer.RecordLayer, raw []byte) ([]byte, error) {
	p := s.records.Load()
	if p == nil {
		return nil, errSuiteUnset
	}
	if raw[0] == contentHandshake && len(raw) >= recordHeader+handshakeHeader {
		raw = bytes.Clone(raw)
		renumber(raw[recordHeader:], s.shift)
	}
	return p.sealRecord(raw), nil
}

// Decrypt opens a record in place; the number of a Finished is lowered then.
func (s *standIn) Decrypt(in []byte) ([]byte, error) {
	p := s.records.Load()
	if p == nil {
		return nil, errSuiteUnset
	}
	plain, ok := p.openRecord(in)
	if !ok {
		return nil, errSealed
	}
	if in[0] == contentHandshake && len(plain) >= handshakeHeader {
		renumber(plain, -s.shift)
	}
	out := append(bytes.Clone(in[:recordHeader]), plain...)
	binary.BigEndian.PutUint16(out[11:], uint16(len(plain)))
	return out, nil
}

// renumber adds to the number of a handshake message, or of a fragment of one.
func renumber(message []byte, by uint16) {
	binary.BigEndian.PutUint16(message[4:], binary.BigEndian.Uint16(message[4:])+by)
}

// HashFunc is SHA-256 of the client's transcript, whenever the library hashes its own.
func (s *standIn) HashFunc() func() hash.Hash {
	return func() hash.Hash { return &transcriptHash{Hash: sha256.New(), suite: s} }
}

// transcriptHash hashes anything else as it is. Transcripts are known by the hello that they begin with, random and all; the library writes them at once.
type transcriptHash struct {
	hash.Hash
	suite *standIn
}

// Write adds to the hash.
func (h *transcriptHash) Write(b []byte) (int, error) {
	if !bytes.HasPrefix(b, h.suite.hello) {
		return h.Hash.Write(b)
	}
	h.Hash.Write(h.suite.real)
	rest := bytes.Clone(b[len(h.suite.hello):])
	for m := rest; len(m) >= handshakeHeader; {
		end := min(handshakeHeader+uint24(m[1:]), len(m))
		h.suite.toWire(m[:end])
		m = m[end:]
	}
	h.Hash.Write(rest)
	return len(b), nil
}

// toWire makes of a message of the library, or the first fragment of it, what the client has.
func (s *standIn) toWire(message []byte) {
	renumber(message, s.shift)
	const suiteAt = handshakeHeader + 2 + 32 // and the session before it
	if message[0] != typeServerHello || len(message) <= suiteAt {
		return
	}
	if at := suiteAt + 1 + int(message[suiteAt]); len(message) >= at+2 && uint24(message[6:]) == 0 {
		binary.BigEndian.PutUint16(message[at:], s.wire)
	}
}

// The rest tells the library what kind of suite this is.

func (s *standIn) ID() pion.CipherSuiteID { return suiteStandIn }
func (s *standIn) String() string         { return "stand-in" }
func (s *standIn) ECC() bool              { return true }
func (s *standIn) IsInitialized() bool    { return s.records.Load() != nil }

func (s *standIn) CertificateType() clientcertificate.Type {
	if s.rsa {
		return clientcertificate.RSASign
	}
	return clientcertificate.ECDSASign
}

func (s *standIn) AuthenticationType() pion.CipherSuiteAuthenticationType {
	return pion.CipherSuiteAuthenticationTypeCertificate
}

func (s *standIn) KeyExchangeAlgorithm() pion.CipherSuiteKeyExchangeAlgorithm {
	return pion.CipherSuiteKeyExchangeAlgorithmEcdhe
}
