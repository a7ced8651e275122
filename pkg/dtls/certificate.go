package dtls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"
)

// What LoadCertificate says, to be told apart with errors.Is.
var (
	ErrCertificatePEM = errors.New("dtls: no certificate and key in PEM form")
	ErrCertificateKey = errors.New("dtls: the certificate's key is not ECDSA on P-256 or P-384")
)

// certificateLife is how long a self-signed certificate is valid. Peers compare its fingerprint and
// ignore the dates, but some libraries refuse one that has not begun.
const certificateLife = 10 * 365 * 24 * time.Hour

// Certificate is our certificate and its key: one per worker, shared by all its associations.
type Certificate struct {
	pair         tls.Certificate
	fingerprints []Fingerprint
}

// NewCertificate makes a key on P-256 and a certificate signed by itself with SHA-256.
func NewCertificate(rand io.Reader, now time.Time) (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand)
	if err != nil {
		return nil, fmt.Errorf("dtls: making a key: %w", err)
	}
	var serial [16]byte
	if _, err := io.ReadFull(rand, serial[:]); err != nil {
		return nil, fmt.Errorf("dtls: making a serial number: %w", err)
	}
	serial[0] &= 0x7f // RFC 5280 section 4.1.2.2: positive
	template := &x509.Certificate{
		SerialNumber:       new(big.Int).SetBytes(serial[:]),
		Subject:            pkix.Name{CommonName: "gazpacho"},
		NotBefore:          now.Add(-24 * time.Hour), // the peer's clock may be behind
		NotAfter:           now.Add(certificateLife),
		SignatureAlgorithm: x509.ECDSAWithSHA256,
	}
	der, err := x509.CreateCertificate(rand, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("dtls: making a certificate: %w", err)
	}
	return newCertificate(tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}), nil
}

// LoadCertificate reads a certificate and its key from PEM. The error wraps ErrCertificatePEM or
// ErrCertificateKey: only ECDSA fits the cipher suites we speak.
func LoadCertificate(certPEM, keyPEM []byte) (*Certificate, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificatePEM, err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: %T", ErrCertificateKey, pair.PrivateKey)
	}
	if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
		return nil, fmt.Errorf("%w: %s", ErrCertificateKey, key.Curve.Params().Name)
	}
	return newCertificate(pair), nil
}

func newCertificate(pair tls.Certificate) *Certificate {
	return &Certificate{pair: pair, fingerprints: fingerprintsOf(pair.Certificate[0])}
}

// Fingerprints returns what signaling tells the peer: the hash of the certificate by sha-1, sha-224,
// sha-256, sha-384 and sha-512, in that order.
func (c *Certificate) Fingerprints() []Fingerprint { return slices.Clone(c.fingerprints) }

func certificatePEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
