package auth

import (
	"fmt"
	"strings"
	"testing"
)

// withKeys is a verifier of a key set that never changes.
func withKeys(t testing.TB, algorithm, set string) *Verifier {
	t.Helper()
	v, _ := withOrigin(t, algorithm, set)
	return v
}

func TestKeySet(t *testing.T) {
	es := testKeys()[ES256]
	good := jwk(es, "k", "")
	many := func(n int) string {
		var keys []string
		for i := range n {
			keys = append(keys, jwk(es, fmt.Sprint(i), ""))
		}
		return jwks(keys...)
	}
	for name, tt := range map[string]struct {
		set     string
		keys    int
		refused string
	}{
		"one":                  {jwks(good), 1, ""},
		"for signatures":       {jwks(jwk(es, "k", `,"use":"sig","alg":"ES256","key_ops":["verify"]`)), 1, ""},
		"for encryption":       {jwks(jwk(es, "k", `,"use":"enc"`)), 0, ""},
		"for another alg":      {jwks(jwk(es, "k", `,"alg":"ES384"`)), 0, ""},
		"for signing only":     {jwks(jwk(es, "k", `,"key_ops":["sign"]`)), 0, ""},
		"wrong key_ops":        {jwks(jwk(es, "k", `,"key_ops":7`)), 0, ""},
		"another curve":        {jwks(jwk(testKeys()[ES384], "k", ""), jwk(testKeys()["P-521"], "l", "")), 0, ""},
		"other types":          {jwks(jwk(testKeys()[RS256], "r", ""), jwk(testKeys()[EdDSA], "e", ""), good), 1, ""},
		"unknown type":         {jwks(`{"kty":"AES","kid":"x"}`, `{"kid":"y"}`, `7`, `null`, good), 1, ""},
		"off the curve":        {jwks(`{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`), 0, ""},
		"kid too long":         {jwks(jwk(es, strings.Repeat("k", maxKID+1), "")), 0, ""},
		"none":                 {jwks(), 0, ""},
		"a private key":        {jwks(good, jwk(es, "p", `,"d":"AAAA"`)), 0, "secret"},
		"a malformed private":  {jwks(good, `{"kty":"EC","d":7}`), 0, "secret"},
		"a private RSA key":    {jwks(`{"kty":"RSA","n":"AQAB","e":"AQAB","p":"AQAB"}`), 0, "secret"},
		"a symmetric key":      {jwks(`{"kty":"oct","k":"c2VjcmV0"}`), 0, "secret"},
		"as many as may be":    {many(maxKeys), maxKeys, ""},
		"too many":             {many(maxKeys + 1), 0, "65 keys"},
		"too large":            {jwks(good)[:10] + strings.Repeat(" ", maxKeySet) + jwks(good)[10:], 0, "bytes"},
		"no JSON":              {"<html>", 0, "JSON object"},
		"a list":               {"[" + good + "]", 0, "JSON object"},
		"no keys":              {`{}`, 0, "no list"},
		"keys null":            {`{"keys":null}`, 0, "no list"},
		"keys an object":       {`{"keys":{}}`, 0, "no list"},
		"keys twice":           {`{"keys":[],"keys":[]}`, 0, "twice"},
		"a member twice":       {jwks(`{"kty":"EC","kty":"RSA"}`), 0, "twice"},
		"nested without bound": {`{"keys":[` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `]}`, 0, "deeply"},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := readKeySet([]byte(tt.set), ES256)
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) || len(set.keys) != 0 {
					t.Errorf("%v, want …%s…", err, tt.refused)
				}
				return
			}
			if err != nil || len(set.keys) != tt.keys {
				t.Errorf("%d keys, %v; want %d", len(set.keys), err, tt.keys)
			}
		})
	}
}

// "A key of size 2048 bits or larger MUST be used with these algorithms" (RFC 7518 sections 3.3 and 3.5).
func TestSmallRSA(t *testing.T) {
	for _, algorithm := range []string{RS256, PS256} {
		if set, err := readKeySet([]byte(jwks(jwk(testKeys()["small"], "s", ""))), algorithm); err != nil || len(set.keys) != 0 {
			t.Errorf("%s: %d keys, %v", algorithm, len(set.keys), err)
		}
	}
}

func TestKeyIDs(t *testing.T) {
	one, other := testKeys()[ES256], ecdsaKey(t)
	single := withKeys(t, ES256, jwks(jwk(one, "k", "")))
	nameless := withKeys(t, ES256, jwks(jwk(one, "", "")))
	two := withKeys(t, ES256, jwks(jwk(one, "k", ""), jwk(other, "l", "")))
	alike := withKeys(t, ES256, jwks(jwk(one, "k", ""), jwk(other, "k", "")))
	for _, tt := range []struct {
		v       *Verifier
		token   string
		refused string
	}{
		{single, signed(t, ES256, "k", one, goodClaims), ""},
		{single, signed(t, ES256, "", one, goodClaims), ""},
		{single, signed(t, ES256, "x", one, goodClaims), "kid is not"},
		{single, signed(t, ES256, "k", other, goodClaims), "signature"},
		{nameless, signed(t, ES256, "", one, goodClaims), ""},
		{nameless, signed(t, ES256, "k", one, goodClaims), "kid is not"},
		{two, signed(t, ES256, "k", one, goodClaims), ""},
		{two, signed(t, ES256, "l", other, goodClaims), ""},
		{two, signed(t, ES256, "l", one, goodClaims), "signature"},
		{two, signed(t, ES256, "", one, goodClaims), "kid is missing"},
		{alike, signed(t, ES256, "k", one, goodClaims), ""},
		{alike, signed(t, ES256, "k", other, goodClaims), ""},
	} {
		if tt.refused != "" {
			refused(t, tt.v, tt.token, tt.refused)
		} else if _, err := tt.v.Verify(t.Context(), tt.token, now); err != nil {
			t.Errorf("%.40s…: %v", tt.token, err)
		}
	}
}
