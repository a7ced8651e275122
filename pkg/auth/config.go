package auth

import (
	"fmt"
	"log/slog"
	"time"
)

// The algorithms of RFC 7518 section 3.1 and RFC 8037 that tokens may be signed with: one of them, which the operator names.
const (
	HS256 = "HS256" // a secret, known to who signs and to us
	RS256 = "RS256"
	PS256 = "PS256"
	ES256 = "ES256"
	ES384 = "ES384"
	EdDSA = "EdDSA"
)

const (
	// DefaultLeeway is what clocks may differ.
	DefaultLeeway = 30 * time.Second
	// MinSecret is what RFC 7518 section 3.2 asks of a secret for HS256, bytes.
	MinSecret = 32
)

// Config is how tokens are recognized: by a secret or by a key set.
type Config struct {
	Secret    []byte `json:"-"` // of HS256
	JWKS      string // a file's path or an https URL
	Algorithm string // the only one; "": HS256 with a secret, ES256 with a key set
	Issuer    string // "": any
	Audience  string // "": tokens that name an audience are refused, since it is not us (RFC 7519 section 4.1.3)
	Leeway    time.Duration
	Log       *slog.Logger // hears when a key set cannot be read again; nil: nobody
}

// Format keeps the secret out of whatever prints a configuration.
func (c Config) Format(f fmt.State, _ rune) {
	secret := "none"
	if len(c.Secret) > 0 {
		secret = "hidden"
	}
	fmt.Fprintf(f, "{secret: %s, jwks: %q, algorithm: %q, issuer: %q, audience: %q, leeway: %v}",
		secret, c.JWKS, c.Algorithm, c.Issuer, c.Audience, c.Leeway)
}

// ConfigError names the setting that is at fault.
type ConfigError struct {
	Setting string // as the controller calls it: auth-secret, auth-jwks, auth-algorithm
	Err     error
}

// Error makes it an error.
func (e *ConfigError) Error() string { return e.Setting + ": " + e.Err.Error() }

// Unwrap is why.
func (e *ConfigError) Unwrap() error { return e.Err }

func wrong(setting, format string, args ...any) *ConfigError {
	return &ConfigError{setting, fmt.Errorf(format, args...)}
}

// Check finds what is wrong with a configuration before anything is read. Errors are *ConfigError.
func (c Config) Check() error {
	_, err := c.complete()
	return err
}

// complete checks a configuration and fills in what it leaves out.
func (c Config) complete() (Config, error) {
	switch {
	case len(c.Secret) == 0 && c.JWKS == "":
		return c, wrong("auth-secret", "is missing, and so is a key set")
	case len(c.Secret) > 0 && c.JWKS != "":
		return c, wrong("auth-jwks", "cannot be used together with a secret")
	case len(c.Secret) > 0 && len(c.Secret) < MinSecret:
		return c, wrong("auth-secret", "has %d bytes; %s needs %d (RFC 7518 section 3.2)", len(c.Secret), HS256, MinSecret)
	case c.Leeway < 0:
		return c, wrong("auth-leeway", "%v is negative", c.Leeway)
	}
	if c.Algorithm == "" {
		c.Algorithm = ES256
		if c.JWKS == "" {
			c.Algorithm = HS256
		}
	}
	switch c.Algorithm {
	case HS256:
		// A key set is public: whoever reads it could sign.
		if c.JWKS != "" {
			return c, wrong("auth-algorithm", "%s goes with a secret, not with a key set", HS256)
		}
	case RS256, PS256, ES256, ES384, EdDSA:
		if c.JWKS == "" {
			return c, wrong("auth-algorithm", "%s goes with a key set, not with a secret", c.Algorithm)
		}
	default:
		return c, wrong("auth-algorithm", "%q is not one of %s, %s, %s, %s, %s, %s", c.Algorithm, HS256, RS256, PS256, ES256, ES384, EdDSA)
	}
	if c.Leeway == 0 {
		c.Leeway = DefaultLeeway
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
