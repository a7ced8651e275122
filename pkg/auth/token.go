package auth

import (
	"encoding/base64"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	// MaxToken bounds a token, bytes; ours have some 300.
	MaxToken = 8 << 10
	// maxKID bounds the name of a key, bytes.
	maxKID = 256
)

// token is a JWS in the compact serialization (RFC 7515 section 3.1) that nobody has verified yet.
type token struct {
	signed *jose.JSONWebSignature
	kid    string // "": none
}

// parse takes apart a token that is signed by the one algorithm.
func parse(text, algorithm string) (token, error) {
	switch {
	case text == "":
		return token{}, refuse("a token is needed")
	case len(text) > MaxToken:
		return token{}, refuse("the token has more than %d bytes", MaxToken)
	}
	// Five parts are an encrypted token (RFC 7516), a brace begins one in the JSON serialization, which may have several signatures.
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return token{}, refuse("the token does not have the three parts of a signed one")
	}
	var header object
	for i, part := range parts {
		// Decoders forgive line breaks and stray bits at the end: then there would be many texts of one token.
		if strings.ContainsAny(part, "\r\n") {
			return token{}, refuse("the token is not base64url")
		}
		decoded, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil {
			return token{}, refuse("the token is not base64url")
		}
		if i == 0 {
			if header, err = objectOf(decoded); err != nil {
				return token{}, refuse("the token's header %v", err)
			}
		}
	}
	kid, err := header.check(algorithm)
	if err != nil {
		return token{}, err
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
	if err != nil {
		return token{}, refuse("the token's header is malformed")
	}
	return token{signed, kid}, nil
}

// check reads a header (RFC 7515 section 4) and returns the key's id.
func (o object) check(algorithm string) (kid string, err error) {
	if alg, err := o.text("alg"); err != nil || alg != algorithm {
		return "", refuse("the token's alg is not %s", algorithm)
	}
	// "If any of the listed extension Header Parameters are not understood and supported by the recipient, then the JWS is invalid"
	// (section 4.1.11): we support none. b64 is one of them (RFC 7797), and would change what is signed. cty says that there is
	// another token inside (RFC 7519 section 5.2), zip and enc belong to encrypted ones.
	for _, name := range []string{"crit", "b64", "cty", "zip", "enc"} {
		if o[name] != nil {
			return "", refuse("the token's header has %s, which is not supported", name)
		}
	}
	// A token that was made for something else is not one for us (RFC 8725 section 3.11).
	typ, err := o.text("typ")
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "", "jwt", "at+jwt":
	default:
		return "", refuse("the token's typ is not JWT")
	}
	if err != nil {
		return "", refuse("the token's typ %v", err)
	}
	kid, err = o.text("kid")
	if err != nil || len(kid) > maxKID {
		return "", refuse("the token's kid is not a text of at most %d bytes", maxKID)
	}
	return kid, nil
}

// open verifies the signature with one key after the other and returns the claims.
func (t token) open(keys []any) (object, error) {
	for _, key := range keys {
		payload, err := t.signed.Verify(key)
		if err != nil {
			continue
		}
		claims, err := objectOf(payload)
		if err != nil {
			return nil, refuse("the token's claims: %v", err)
		}
		return claims, nil
	}
	return nil, refuse("the token's signature is wrong")
}
