package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxKeySet = 256 << 10 // bytes
	maxKeys   = 64
	minRSA    = 2048 // bits (RFC 7518 section 3.3)
)

// keySet is the keys of a JWK Set (RFC 7517) that can verify the one algorithm.
type keySet struct {
	keys    []namedKey
	ignored int
}

type namedKey struct {
	kid string // "": none
	key any    // as go-jose takes it
}

// readKeySet picks the keys for an algorithm. "Implementations SHOULD ignore JWKs within a JWK Set that use "kty" (key type) values
// that are not understood by them, that are missing required members, or for which values are out of the supported ranges" (section
// 5). A set that holds something secret is refused: it has been published.
func readKeySet(text []byte, algorithm string) (keySet, error) {
	if len(text) > maxKeySet {
		return keySet{}, fmt.Errorf("has more than %d bytes", maxKeySet)
	}
	top, err := objectOf(text)
	if err != nil {
		return keySet{}, err
	}
	var raw []json.RawMessage
	if json.Unmarshal(top["keys"], &raw) != nil || raw == nil {
		return keySet{}, errors.New("has no list of keys")
	}
	if len(raw) > maxKeys {
		return keySet{}, fmt.Errorf("has %d keys; %d are enough", len(raw), maxKeys)
	}
	var set keySet
	for i, text := range raw {
		var fields object
		if json.Unmarshal(text, &fields) != nil {
			set.ignored++
			continue
		}
		for _, secret := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
			if fields[secret] != nil {
				return keySet{}, fmt.Errorf("has a secret key, the %d. one: only public keys belong in it", i+1)
			}
		}
		if key, ok := readKey(text, fields, algorithm); ok {
			set.keys = append(set.keys, key)
		} else {
			set.ignored++
		}
	}
	return set, nil
}

// readKey reads a public key, if it is one for signatures by the algorithm.
func readKey(text []byte, fields object, algorithm string) (namedKey, bool) {
	var k jose.JSONWebKey
	if k.UnmarshalJSON(text) != nil || !k.Valid() || len(k.KeyID) > maxKID {
		return namedKey{}, false
	}
	operations, err := fields.texts("key_ops")
	switch {
	case err != nil, operations != nil && !slices.Contains(operations, "verify"): // section 4.3
		return namedKey{}, false
	case k.Use != "" && k.Use != "sig", k.Algorithm != "" && k.Algorithm != algorithm:
		return namedKey{}, false
	}
	return namedKey{k.KeyID, k.Key}, fits(k.Key, algorithm)
}

// fits tells whether a key is of the kind that an algorithm needs (RFC 7518 section 3.1, RFC 8037 section 3.1).
func fits(key any, algorithm string) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return (algorithm == RS256 || algorithm == PS256) && key.N.BitLen() >= minRSA
	case *ecdsa.PublicKey:
		return algorithm == ES256 && key.Curve == elliptic.P256() || algorithm == ES384 && key.Curve == elliptic.P384()
	case ed25519.PublicKey:
		return algorithm == EdDSA
	}
	return false
}

// find returns the keys that a token with this kid may be signed with. A token without one is signed with the only key there is.
func (s keySet) find(kid string) []any {
	if kid == "" && len(s.keys) != 1 {
		return nil
	}
	var found []any
	for _, k := range s.keys {
		if kid == "" || k.kid == kid {
			found = append(found, k.key)
		}
	}
	return found
}
