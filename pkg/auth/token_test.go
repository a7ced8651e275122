package auth

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"
)

const goodClaims = `{"room":"r","canSubscribe":true,"exp":1777640400}` // an hour from now

// A token is refused for its form and its header before anything is done with its signature, which is right in all of these.
func TestForms(t *testing.T) {
	v := withSecret(t)
	good := hs256(secret, `{"alg":"HS256"}`, goodClaims)
	if _, err := v.Verify(t.Context(), good, now); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	for name, tt := range map[string]struct{ token, reason string }{
		"nothing":             {"", "needed"},
		"one part":            {"x", "three parts"},
		"two parts":           {parts[0] + "." + parts[1], "three parts"},
		"four parts":          {good + ".x", "three parts"},
		"JWE":                 {"eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..aXY.Y2lwaGVy.dGFn", "three parts"},
		"JSON serialization":  {`{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`, "three parts"},
		"several signatures":  {`{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`, "three parts"},
		"oversized":           {hs256(secret, `{"alg":"HS256"}`, `{"exp":1777640400,"x":"`+strings.Repeat("x", MaxToken)+`"}`), "more than"},
		"padding":             {good + "=", "base64url"},
		"line break":          {good[:20] + "\n" + good[20:], "base64url"},
		"space in front":      {" " + good, "base64url"},
		"standard base64":     {parts[0] + "." + parts[1] + "." + strings.Repeat("+/", 21) + "A", "base64url"},
		"no signature":        {parts[0] + "." + parts[1] + ".", "signature"},
		"no claims":           {parts[0] + ".." + parts[2], "signature"},
		"detached, signed":    {hs256(secret, `{"alg":"HS256"}`, ""), "JSON object"},
		"no header":           {"." + parts[1] + "." + parts[2], "JSON object"},
		"alg none":            {b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".", "alg"},
		"alg none, signed":    {hs256(secret, `{"alg":"none"}`, goodClaims), "alg"},
		"alg None":            {hs256(secret, `{"alg":"None"}`, goodClaims), "alg"},
		"alg hs256":           {hs256(secret, `{"alg":"hs256"}`, goodClaims), "alg"},
		"alg HS384":           {hs256(secret, `{"alg":"HS384"}`, goodClaims), "alg"},
		"alg RS256":           {hs256(secret, `{"alg":"RS256"}`, goodClaims), "alg"},
		"alg a list":          {hs256(secret, `{"alg":["HS256"]}`, goodClaims), "alg"},
		"alg null":            {hs256(secret, `{"alg":null}`, goodClaims), "alg"},
		"no alg":              {hs256(secret, `{"typ":"JWT"}`, goodClaims), "alg"},
		"ALG":                 {hs256(secret, `{"ALG":"HS256"}`, goodClaims), "alg"},
		"alg twice":           {hs256(secret, `{"alg":"none","alg":"HS256"}`, goodClaims), "key twice"},
		"alg escaped twice":   {hs256(secret, `{"alg":"none","\u0061lg":"HS256"}`, goodClaims), "key twice"},
		"crit":                {hs256(secret, `{"alg":"HS256","crit":["exp"],"exp":1}`, goodClaims), "crit"},
		"crit, b64":           {hs256(secret, `{"alg":"HS256","crit":["b64"],"b64":false}`, goodClaims), "crit"},
		"crit empty":          {hs256(secret, `{"alg":"HS256","crit":[]}`, goodClaims), "crit"},
		"crit null":           {hs256(secret, `{"alg":"HS256","crit":null}`, goodClaims), "crit"},
		"b64":                 {hs256(secret, `{"alg":"HS256","b64":false}`, goodClaims), "b64"},
		"nested":              {hs256(secret, `{"alg":"HS256","cty":"JWT"}`, good), "cty"},
		"zip":                 {hs256(secret, `{"alg":"HS256","zip":"DEF"}`, goodClaims), "zip"},
		"another typ":         {hs256(secret, `{"alg":"HS256","typ":"logout+jwt"}`, goodClaims), "typ"},
		"typ a number":        {hs256(secret, `{"alg":"HS256","typ":7}`, goodClaims), "typ"},
		"kid a number":        {hs256(secret, `{"alg":"HS256","kid":7}`, goodClaims), "kid"},
		"kid too long":        {hs256(secret, `{"alg":"HS256","kid":"`+strings.Repeat("k", maxKID+1)+`"}`, goodClaims), "kid"},
		"header a list":       {hs256(secret, `["HS256"]`, goodClaims), "JSON object"},
		"header null":         {hs256(secret, `null`, goodClaims), "JSON object"},
		"header and more":     {hs256(secret, `{"alg":"HS256"} {}`, goodClaims), "JSON object"},
		"header no UTF-8":     {hs256(secret, "{\"alg\":\"HS256\",\"x\":\"\xff\"}", goodClaims), "JSON object"},
		"header too deep":     {hs256(secret, `{"alg":"HS256","x":`+strings.Repeat("[", 20)+strings.Repeat("]", 20)+`}`, goodClaims), "deeply"},
		"malformed jwk":       {hs256(secret, `{"alg":"HS256","jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}`, goodClaims), "header"},
		"claims of a list":    {hs256(secret, `{"alg":"HS256"}`, `[]`), "JSON object"},
		"claims of null":      {hs256(secret, `{"alg":"HS256"}`, `null`), "JSON object"},
		"a claim twice":       {said(`{"room":"r","room":"s"}`), "key twice"},
		"a claim twice below": {said(`{"x":[{"y":1,"y":2}]}`), "key twice"},
		"claims too deep":     {said(`{"x":` + strings.Repeat(`{"x":`, 20) + `1` + strings.Repeat(`}`, 21)), "deeply"},
		"another secret":      {hs256([]byte("another secret of thirty-two byte"), `{"alg":"HS256"}`, goodClaims), "signature"},
		"the empty secret":    {hs256(nil, `{"alg":"HS256"}`, goodClaims), "signature"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, tt.token, tt.reason) })
	}
}

// Where a key comes from is not the token's to say: what would name one is ignored, and the signature must fit our key.
func TestTokenNamesKey(t *testing.T) {
	v := withSecret(t)
	mine := []byte("a secret of the attacker's choice")
	for _, header := range []string{
		`{"alg":"HS256","jku":"https://attacker.example/keys"}`,
		`{"alg":"HS256","x5u":"https://attacker.example/cert"}`,
		`{"alg":"HS256","kid":"../../dev/null"}`,
		`{"alg":"HS256","jwk":` + jwk(testKeys()[ES256], "", "") + `}`,
	} {
		refused(t, v, hs256(mine, header, goodClaims), "signature")
		if _, err := v.Verify(t.Context(), hs256(secret, header, goodClaims), now); err != nil {
			t.Errorf("%s with the right secret: %v", header, err)
		}
	}
}

// A server that trusts public keys must not take one for the secret of HS256.
func TestPublicKeyAsSecret(t *testing.T) {
	for _, algorithm := range []string{RS256, PS256, ES256, ES384, EdDSA} {
		key := testKeys()[algorithm]
		v := withKeys(t, algorithm, jwks(jwk(key, "k", "")))
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		for _, public := range [][]byte{
			der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), []byte(jwk(key, "k", "")), nil,
		} {
			refused(t, v, hs256(public, `{"alg":"HS256","kid":"k"}`, goodClaims), "alg")
			refused(t, v, hs256(public, fmt.Sprintf(`{"alg":%q,"kid":"k"}`, algorithm), goodClaims), "signature")
		}
	}
}

// Every algorithm verifies what was signed with it, and nothing that was signed with another one.
func TestAlgorithms(t *testing.T) {
	for _, algorithm := range []string{RS256, PS256, ES256, ES384, EdDSA} {
		key := testKeys()[algorithm]
		v := withKeys(t, algorithm, jwks(jwk(key, "k", "")))
		g, err := v.Verify(t.Context(), signed(t, algorithm, "k", key, goodClaims), now)
		if err != nil || g.Room != "r" || !g.Subscribe {
			t.Errorf("%s: %+v, %v", algorithm, g, err)
		}
		for other, k := range testKeys() {
			if other == algorithm || other == "small" || other == "P-521" {
				continue
			}
			refused(t, v, signed(t, other, "k", k, goodClaims), "alg")
		}
		token := signed(t, algorithm, "k", key, goodClaims)
		parts := strings.Split(token, ".")
		refused(t, v, parts[0]+"."+b64([]byte(strings.Replace(goodClaims, `"r"`, `"s"`, 1)))+"."+parts[2], "signature")
	}
}

// The examples of RFC 7515 appendix A, which expired in 2011.
const (
	rfcPayload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	rfcSecret  = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
	rfcHS256   = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + rfcPayload + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	rfcRS256   = "eyJhbGciOiJSUzI1NiJ9." + rfcPayload + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7" +
		"AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K" +
		"0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB" +
		"p0igcN_IoypGlUPQGe77Rw"
	rfcRSAKey = `{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ` +
		`PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo` +
		`7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW` +
		`yuXpoQ"}`
	rfcES256  = "eyJhbGciOiJFUzI1NiJ9." + rfcPayload + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	rfcECKey  = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	rfcNone   = "eyJhbGciOiJub25lIn0." + rfcPayload + "."
	rfcEdDSA  = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
	rfcOKPKey = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
)

func TestRFC7515Examples(t *testing.T) {
	key, err := base64.RawURLEncoding.DecodeString(rfcSecret)
	if err != nil {
		t.Fatal(err)
	}
	then := time.Unix(1300819379, 0)
	for _, tt := range []struct {
		section  string
		verifier *Verifier
		token    string
	}{
		{"A.1", withSecret(t, func(c *Config) { c.Secret, c.Issuer = key, "joe" }), rfcHS256},
		{"A.2", withKeys(t, RS256, jwks(rfcRSAKey)), rfcRS256},
		{"A.3", withKeys(t, ES256, jwks(rfcECKey)), rfcES256},
	} {
		g, err := tt.verifier.Verify(t.Context(), tt.token, then)
		// It says nothing of rooms, so it allows nothing.
		if err != nil || !same(g, Grant{Expires: time.Unix(1300819380, 0).Add(DefaultLeeway)}) {
			t.Errorf("%s: %+v, %v", tt.section, g, err)
		}
		refused(t, tt.verifier, tt.token, "exp is in the past")
		refused(t, tt.verifier, rfcNone, "alg") // A.5
	}
	// RFC 8037 appendix A.4 signs what are no claims: that this is noticed shows that the signature is right.
	refused(t, withKeys(t, EdDSA, jwks(rfcOKPKey)), rfcEdDSA, "JSON object")
}

// A token has one text: no other one, however alike, is taken for it.
func TestMutations(t *testing.T) {
	v := withSecret(t)
	good := said(`{"room":"r","canPublish":true}`)
	for i := range len(good) {
		for _, c := range []byte("A_-.=\n0z\x00\xff") {
			changed := good[:i] + string(c) + good[i+1:]
			if _, err := v.Verify(t.Context(), changed, now); err == nil && changed != good {
				t.Errorf("accepted with %q at %d", c, i)
			}
		}
		if _, err := v.Verify(t.Context(), good[:i]+good[i+1:], now); err == nil {
			t.Errorf("accepted without the byte at %d", i)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []string{HS256, ES256, RS256, EdDSA} {
		v, token := withSecret(b), said(goodClaims)
		if algorithm != HS256 {
			key := testKeys()[algorithm]
			v, token = withKeys(b, algorithm, jwks(jwk(key, "k", ""))), signed(b, algorithm, "k", key, goodClaims)
		}
		b.Run(algorithm, func(b *testing.B) {
			for b.Loop() {
				if _, err := v.Verify(b.Context(), token, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
