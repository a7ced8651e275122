package auth

import (
	"context"
	"time"

	"gazpacho/proto"
)

// Verifier reads tokens into grants. Its methods may be called by many at a time.
type Verifier struct {
	cfg    Config        // without the secret
	secret func() []byte // a function, since that is all that fmt does not look into
	keys   *source       // nil: the secret
}

// New checks the configuration and reads the key set. Errors are *ConfigError.
func New(ctx context.Context, c Config) (*Verifier, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	secret := c.Secret
	c.Secret = nil
	v := &Verifier{cfg: c, secret: func() []byte { return secret }}
	if c.JWKS == "" {
		return v, nil
	}
	if v.keys, err = newSource(ctx, c, time.Now()); err != nil {
		return nil, &ConfigError{"auth-jwks", err}
	}
	return v, nil
}

// Algorithm is the only one that tokens may be signed with.
func (v *Verifier) Algorithm() string { return v.cfg.Algorithm }

// Verify reads a token as of now. It waits for the key set's source if that has to be asked for a new key. Errors are *proto.Error
// with CodeUnauthorized; they name the claim at fault and never repeat what the token says.
func (v *Verifier) Verify(ctx context.Context, token string, now time.Time) (Grant, error) {
	t, err := parse(token, v.cfg.Algorithm)
	if err != nil {
		return Grant{}, err
	}
	var keys []any
	if v.keys == nil {
		keys = []any{v.secret()}
	} else if keys, err = v.keys.find(ctx, t.kid, now); err != nil {
		return Grant{}, err
	}
	claims, err := t.open(keys)
	if err != nil {
		return Grant{}, err
	}
	return v.cfg.grantOf(claims, now)
}

func refuse(format string, args ...any) *proto.Error {
	return proto.Failed(proto.CodeUnauthorized, format, args...)
}
