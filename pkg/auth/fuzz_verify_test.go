package auth

import (
	"testing"
)

// FuzzVerify sees that no text but the signed ones is ever granted anything, and that nothing panics.
func FuzzVerify(f *testing.F) {
	v := withSecret(f)
	byKey := withKeys(f, ES256, jwks(rfcECKey))
	mine := map[string]Grant{}
	for _, claims := range []string{
		`{}`, `{"room":"r","peer":"p","canPublish":{"kinds":["audio"],"maxBitrate":64000},"canSubscribe":true}`, `{"admin":true,"iat":1}`,
	} {
		token := said(claims)
		g, err := v.Verify(f.Context(), token, now)
		if err != nil {
			f.Fatal(err)
		}
		mine[token] = g
		f.Add(token)
	}
	for _, token := range []string{
		"", "..", "e30.e30.e30", rfcES256, rfcHS256, rfcNone, rfcEdDSA, hs256(nil, `{"alg":"none"}`, goodClaims),
		hs256(secret, `{"alg":"HS256","crit":["x"]}`, goodClaims), said(`{"canPublish":{"kinds":["smell"]}}`), said(`{"room":"a","room":"b"}`),
	} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		g, err := v.Verify(t.Context(), token, now)
		if want, known := mine[token]; (err == nil) != known || !same(g, want) {
			t.Errorf("%q: %+v, %v", token, g, err)
		}
		if _, err := byKey.Verify(t.Context(), token, now); err == nil {
			t.Errorf("%q is accepted", token)
		}
	})
}

// FuzzClaims sees that any claims give either an error or a grant within bounds, as if they had been signed.
func FuzzClaims(f *testing.F) {
	c, err := Config{Secret: secret}.complete()
	if err != nil {
		f.Fatal(err)
	}
	for _, claims := range []string{
		`{"exp":1777640400}`, `{"exp":1777640400.5,"room":"r","canPublish":{"kinds":["video"],"maxBitrate":1e6}}`,
		`{"exp":1777640400,"canPublish":{"kinds":["video"],"maxBitrate":-1}}`, `{"exp":1e999}`, `{"exp":1777640400,"aud":["x",null]}`, `[]`, `{"a":{"b":[1,{"c":1,"c":2}]}}`,
	} {
		f.Add([]byte(claims))
	}
	f.Fuzz(func(t *testing.T, claims []byte) {
		o, err := objectOf(claims)
		if err != nil {
			return
		}
		g, err := c.grantOf(o, now)
		switch {
		case err != nil && !same(g, Grant{}):
			t.Errorf("%s: refused with the grant %+v", claims, g)
		case err == nil && (g.Expired(now) || len(g.Room) > maxName || len(g.Publish.Kinds) > 2 || g.Publish.MaxBitrate < 0):
			t.Errorf("%s: %+v", claims, g)
		}
	})
}
