package dtls

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Fingerprint is the hash of a certificate in its DER form (RFC 8122 section 5).
type Fingerprint struct {
	Algorithm string // "sha-1", "sha-224", "sha-256", "sha-384" or "sha-512"
	Value     string // hexadecimal bytes joined by colons: "4A:AD:B9:…"
}

// What Start says about fingerprints, to be told apart with errors.Is.
var (
	ErrNoFingerprint        = errors.New("dtls: no fingerprint")
	ErrFingerprintAlgorithm = errors.New("dtls: unsupported fingerprint algorithm")
	ErrFingerprintValue     = errors.New("dtls: malformed fingerprint value")
)

// algorithm is a hash function by its name in SDP.
type algorithm struct {
	name string
	sum  func(der []byte) []byte
}

var algorithms = []algorithm{
	{"sha-1", func(der []byte) []byte { s := sha1.Sum(der); return s[:] }},
	{"sha-224", func(der []byte) []byte { s := sha256.Sum224(der); return s[:] }},
	{"sha-256", func(der []byte) []byte { s := sha256.Sum256(der); return s[:] }},
	{"sha-384", func(der []byte) []byte { s := sha512.Sum384(der); return s[:] }},
	{"sha-512", func(der []byte) []byte { s := sha512.Sum512(der); return s[:] }},
}

// FingerprintError says which fingerprint of a list is wrong.
type FingerprintError struct {
	Index int
	Err   error
}

// Error says what is wrong with it.
func (e *FingerprintError) Error() string { return e.Err.Error() }

// Unwrap returns one of the errors above.
func (e *FingerprintError) Unwrap() error { return e.Err }

// digest is a Fingerprint in binary.
type digest struct {
	algorithm algorithm
	value     []byte
}

// parseFingerprints checks what signaling brought. Algorithm and value may be in either case.
func parseFingerprints(list []Fingerprint) ([]digest, error) {
	if len(list) == 0 {
		return nil, ErrNoFingerprint
	}
	digests := make([]digest, 0, len(list))
	for i, f := range list {
		d, err := parseFingerprint(f)
		if err != nil {
			return nil, &FingerprintError{Index: i, Err: err}
		}
		digests = append(digests, d)
	}
	return digests, nil
}

func parseFingerprint(f Fingerprint) (digest, error) {
	for _, alg := range algorithms {
		if !strings.EqualFold(alg.name, f.Algorithm) {
			continue
		}
		size := len(alg.sum(nil))
		pairs := strings.Split(f.Value, ":")
		if len(pairs) != size {
			return digest{}, fmt.Errorf("%w: %d bytes for %s", ErrFingerprintValue, len(pairs), alg.name)
		}
		value := make([]byte, 0, size)
		for _, pair := range pairs {
			b, err := hex.DecodeString(pair)
			if err != nil || len(b) != 1 {
				return digest{}, fmt.Errorf("%w: %q is not a byte", ErrFingerprintValue, pair)
			}
			value = append(value, b[0])
		}
		return digest{alg, value}, nil
	}
	return digest{}, fmt.Errorf("%w: %q", ErrFingerprintAlgorithm, f.Algorithm)
}

// matches tells whether der is the certificate one of the digests was made of.
func matches(der []byte, digests []digest) bool {
	for _, d := range digests {
		if subtle.ConstantTimeCompare(d.algorithm.sum(der), d.value) == 1 {
			return true
		}
	}
	return false
}

// fingerprintsOf returns the fingerprints of a certificate by all algorithms, in upper case as RFC 8122
// section 5 has it.
func fingerprintsOf(der []byte) []Fingerprint {
	list := make([]Fingerprint, 0, len(algorithms))
	for _, alg := range algorithms {
		var value strings.Builder
		for i, b := range alg.sum(der) {
			if i > 0 {
				value.WriteByte(':')
			}
			fmt.Fprintf(&value, "%02X", b)
		}
		list = append(list, Fingerprint{alg.name, value.String()})
	}
	return list
}
