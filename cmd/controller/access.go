package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/settings"
)

const (
	// maxSecretFile is more than any secret needs, in bytes.
	maxSecretFile = 64 << 10
	secretHint    = "`openssl rand -base64 32` makes a good one"
)

// open tells whether no token is asked for: the mode for trying things out, which nothing but the lack of settings turns on.
func (s *checked) open() bool { return len(s.auth.Secret) == 0 && s.auth.JWKS == "" }

// checkAccess reads who may enter: those with a token signed by a secret, or by a key of a set, or everybody.
//
// Nothing is guessed where settings contradict each other. One who gives a secret and a key set believes in one of them, and the
// other would let in people whom nobody expects.
func checkAccess(s *checked) error {
	given := 0
	for _, f := range []struct{ setting, value string }{{"auth-secret", s.AuthSecret}, {"auth-secret-file", s.AuthSecretFile}, {"auth-jwks", s.AuthJWKS}} {
		if f.value == "" {
			continue
		}
		if given++; given > 1 {
			return s.wrongText(f.setting, "goes alone: give one of auth-secret, auth-secret-file and auth-jwks")
		}
		if s.InsecureOpen {
			return s.wrongText("insecure-open", "does not go with "+f.setting+": either everybody may enter or those with a token")
		}
	}
	if u, err := url.Parse(s.AuthJWKS); err == nil && u.User != nil {
		return s.wrongText("auth-jwks", "has a user's name or password in it, which everybody would see who sees the log; key sets are public and need none")
	}
	s.auth = auth.Config{
		Secret: []byte(s.AuthSecret), JWKS: s.AuthJWKS, Algorithm: s.AuthAlgorithm, Issuer: s.AuthIssuer, Audience: s.AuthAudience,
	}
	if s.AuthSecretFile != "" {
		if err := readSecret(s); err != nil {
			return s.wrong("auth-secret-file", err)
		}
	}
	if s.open() {
		return checkNoAccess(s)
	}
	if n := len(s.auth.Secret); n > 0 && n < auth.MinSecret {
		return s.wrong(s.secretSetting(), fmt.Errorf("%d bytes are too few for HS256, which needs %d (RFC 7518 section 3.2); %s", n, auth.MinSecret, secretHint))
	}
	// It works, since tries are easier that way, and it is said every time, since tries become services (SECURITY.md, side doors).
	if s.AuthSecret != "" && s.Set.Origin("auth-secret").Flag() {
		s.warnings = append(s.warnings, "--auth-secret: every user of this machine can read the command line; GAZPACHO_AUTH_SECRET, auth-secret in the configuration file and auth-secret-file keep it")
	}
	// Package auth has the same default; here it is for the log, which says what tokens must look like.
	if s.auth.Algorithm == "" {
		s.auth.Algorithm = auth.ES256
		if s.auth.JWKS == "" {
			s.auth.Algorithm = auth.HS256
		}
	}
	return s.wrongAuth(s.auth.Check())
}

// checkNoAccess refuses settings that suggest that tokens are asked for, where none are: who sets an issuer does not expect that
// everybody may enter.
func checkNoAccess(s *checked) error {
	for _, f := range []struct{ setting, value string }{{"auth-algorithm", s.AuthAlgorithm}, {"auth-issuer", s.AuthIssuer}, {"auth-audience", s.AuthAudience}} {
		if f.value != "" {
			return s.wrongText(f.setting, "says how tokens are checked, but none are: give auth-secret, auth-secret-file or auth-jwks as well")
		}
	}
	return nil
}

// secretSetting is where the secret stands.
func (s *checked) secretSetting() string {
	if s.AuthSecretFile != "" {
		return "auth-secret-file"
	}
	return "auth-secret"
}

// wrongAuth says of an error of package auth where the setting at fault was given.
func (s *checked) wrongAuth(err error) error {
	var config *auth.ConfigError
	if !errors.As(err, &config) {
		return err
	}
	if config.Setting == "auth-secret" {
		return s.wrong(s.secretSetting(), config.Err)
	}
	return s.wrong(config.Setting, config.Err)
}

// readSecret reads the file with the secret. The newline that editors put at its end is not part of it.
func readSecret(s *checked) error {
	text, info, err := settings.ReadFile(s.AuthSecretFile, maxSecretFile)
	if err != nil {
		return err
	}
	s.auth.Secret = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(s.auth.Secret) == 0 {
		return fmt.Errorf("%s is empty; %s", s.AuthSecretFile, secretHint)
	}
	// A warning and no more: secrets that Kubernetes mounts are readable by all of a container, which has one user.
	if settings.ReadableByOthers(info) {
		s.warnings = append(s.warnings, fmt.Sprintf("auth-secret-file: every user of the machine can read it: chmod 600 %s", s.AuthSecretFile))
	}
	return nil
}
