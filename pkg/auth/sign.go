package auth

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Sign makes a token for a grant, which must have an expiry. secret is for HS256.
func Sign(secret []byte, g Grant, now time.Time) (string, error) {
	return Config{Secret: secret}.Sign(g, now)
}

// signedClaims is what a token of ours says. What is absent is denied.
type signedClaims struct {
	Issuer         string `json:"iss,omitempty"`
	Audience       string `json:"aud,omitempty"`
	IssuedAt       int64  `json:"iat"`
	Expires        int64  `json:"exp"`
	Room           string `json:"room,omitempty"`
	Peer           string `json:"peer,omitempty"`
	CanPublish     any    `json:"canPublish,omitempty"`
	CanSubscribe   bool   `json:"canSubscribe,omitempty"`
	CanPublishData bool   `json:"canPublishData,omitempty"`
	Admin          bool   `json:"admin,omitempty"`
}

// Sign makes a token for a grant, with the issuer and the audience that a Verifier of the same configuration asks for. It needs a
// secret: whose key set it is signs its own. Errors name what a Verifier would refuse.
func (c Config) Sign(g Grant, now time.Time) (string, error) {
	c, err := c.complete()
	switch {
	case err != nil:
		return "", err
	case c.Algorithm != HS256:
		return "", wrong("auth-jwks", "holds only what verifies tokens; who issued it signs them")
	case g.Expires.IsZero():
		return "", errors.New("a token needs an expiry")
	case g.Publish.MaxBitrate < 0 || g.Publish.MaxBitrate > 0 && len(g.Publish.Kinds) == 0:
		return "", errors.New("a maximum bitrate goes with something that may be sent")
	}
	said := signedClaims{
		Issuer: c.Issuer, Audience: c.Audience, IssuedAt: now.Unix(), Expires: g.Expires.Unix(), Room: g.Room, Peer: g.Peer,
		CanSubscribe: g.Subscribe, CanPublishData: g.PublishData, Admin: g.Admin,
	}
	if len(g.Publish.Kinds) > 0 {
		said.CanPublish = struct {
			Kinds      []string `json:"kinds"`
			MaxBitrate int      `json:"maxBitrate,omitempty"`
		}{g.Publish.Kinds, g.Publish.MaxBitrate}
	}
	payload, err := json.Marshal(said)
	if err != nil {
		return "", err
	}
	// What we sign we must accept.
	claims, err := objectOf(payload)
	if err != nil {
		return "", err
	}
	if _, err := c.grantOf(claims, now); err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: c.Secret}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
