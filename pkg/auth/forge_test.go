package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gazpacho/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	secret = []byte("0123456789abcdef0123456789abcdef")
	now    = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
)

// at is a NumericDate some time from now.
func at(d time.Duration) int64 { return now.Add(d).Unix() }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// The tokens of tests are made with nothing but the standard library, so that no mistake is made twice.

// hs256 signs any two texts.
func hs256(key []byte, header, claims string) string {
	input := b64([]byte(header)) + "." + b64([]byte(claims))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(input))
	return input + "." + b64(mac.Sum(nil))
}

// said is a token with these claims, and an expiry unless they have one.
func said(claims string) string {
	if !strings.Contains(claims, `"exp"`) {
		more := fmt.Sprintf(`{"exp":%d`, at(time.Hour))
		if claims != "{}" {
			more += ","
		}
		claims = more + claims[1:]
	}
	return hs256(secret, `{"alg":"HS256","typ":"JWT"}`, claims)
}

func sum(h crypto.Hash, text string) []byte {
	if h == crypto.SHA384 {
		s := sha512.Sum384([]byte(text))
		return s[:]
	}
	s := sha256.Sum256([]byte(text))
	return s[:]
}

// signed signs claims with any of the asymmetric algorithms.
func signed(t testing.TB, algorithm, kid string, key crypto.Signer, claims string) string {
	t.Helper()
	header := fmt.Sprintf(`{"alg":%q,"kid":%q}`, algorithm, kid)
	if kid == "" {
		header = fmt.Sprintf(`{"alg":%q}`, algorithm)
	}
	input := b64([]byte(header)) + "." + b64([]byte(claims))
	var signature []byte
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		digest := sum(crypto.SHA256, input)
		signature, err = rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, digest)
		if algorithm == PS256 {
			signature, err = rsa.SignPSS(rand.Reader, k, crypto.SHA256, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
	case *ecdsa.PrivateKey:
		h, size := crypto.SHA256, 32
		if k.Curve == elliptic.P384() {
			h, size = crypto.SHA384, 48
		}
		var r, s *big.Int
		if r, s, err = ecdsa.Sign(rand.Reader, k, sum(h, input)); err == nil {
			signature = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
	case ed25519.PrivateKey:
		signature = ed25519.Sign(k, []byte(input))
	}
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(signature)
}

// keys of every kind, made once.
var testKeys = sync.OnceValue(func() map[string]crypto.Signer {
	must := func(k crypto.Signer, err error) crypto.Signer {
		if err != nil {
			panic(err)
		}
		return k
	}
	r := must(rsa.GenerateKey(rand.Reader, 2048))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	return map[string]crypto.Signer{
		RS256: r, PS256: r, "small": must(rsa.GenerateKey(rand.Reader, 1024)),
		ES256: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ES384: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"P-521": must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)), EdDSA: must(ed, err),
	}
})

// jwk is a public key as a key set has it; more is further members.
func jwk(key crypto.Signer, kid, more string) string {
	var fields string
	switch k := key.Public().(type) {
	case *rsa.PublicKey:
		fields = fmt.Sprintf(`"kty":"RSA","n":%q,"e":"AQAB"`, b64(k.N.Bytes()))
	case *ecdsa.PublicKey:
		size := (k.Curve.Params().BitSize + 7) / 8
		point, _ := k.Bytes() // 4, x, y
		fields = fmt.Sprintf(`"kty":"EC","crv":%q,"x":%q,"y":%q`, k.Curve.Params().Name, b64(point[1:1+size]), b64(point[1+size:]))
	case ed25519.PublicKey:
		fields = fmt.Sprintf(`"kty":"OKP","crv":"Ed25519","x":%q`, b64(k))
	}
	if kid != "" {
		fields += fmt.Sprintf(`,"kid":%q`, kid)
	}
	return "{" + fields + more + "}"
}

func jwks(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// withSecret is a verifier of HS256.
func withSecret(t testing.TB, change ...func(*Config)) *Verifier {
	t.Helper()
	c := Config{Secret: secret}
	for _, f := range change {
		f(&c)
	}
	v, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// refused checks that a token is refused for a reason that contains text, and that the reason has nothing of the token in it.
func refused(t testing.TB, v *Verifier, token, text string) {
	t.Helper()
	g, err := v.Verify(t.Context(), token, now)
	var e *proto.Error
	if !errors.As(err, &e) || e.Code != proto.CodeUnauthorized || !strings.Contains(e.Message, text) {
		t.Errorf("%.60s…: %v, want a refusal …%s…", token, err, text)
		return
	}
	if !same(g, Grant{}) {
		t.Errorf("%.60s…: refused, but with the grant %+v", token, g)
	}
	for _, part := range strings.Split(token, ".") {
		if len(part) > 8 && strings.Contains(e.Error(), part[:8]) {
			t.Errorf("the refusal repeats the token: %s", e)
		}
	}
}

func same(a, b Grant) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}
