package auth

import (
	"encoding/json"
	"math"
	"slices"
	"time"
)

// maxName bounds the ids of rooms and peers, bytes.
const maxName = 256

// maxBitrate bounds canPublish.maxBitrate, bit/s: more than any link has.
const maxBitrate = 1_000_000_000_000

// kinds of media, in the order in which a grant lists them.
var kinds = []string{"audio", "video"}

// grantOf reads the claims of a token that was verified.
func (c Config) grantOf(o object, now time.Time) (Grant, error) {
	expires, err := c.checkRegistered(o, now)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{Expires: expires.Add(c.Leeway)}
	for _, f := range []struct {
		claim string
		value *string
	}{{"room", &g.Room}, {"peer", &g.Peer}} {
		if *f.value, err = o.text(f.claim); err != nil {
			return Grant{}, refuse("the token's %s %v", f.claim, err)
		}
		// "" means any, and must not come about by a template that was not filled in.
		if o[f.claim] != nil && (*f.value == "" || len(*f.value) > maxName) {
			return Grant{}, refuse("the token's %s does not have 1 to %d bytes", f.claim, maxName)
		}
	}
	for _, f := range []struct {
		claim string
		value *bool
	}{{"canSubscribe", &g.Subscribe}, {"canPublishData", &g.PublishData}, {"admin", &g.Admin}} {
		if *f.value, err = o.flag(f.claim); err != nil {
			return Grant{}, refuse("the token's %s %v", f.claim, err)
		}
	}
	if g.Publish, err = publishOf(o); err != nil {
		return Grant{}, err
	}
	return g, nil
}

// checkRegistered looks at the claims of RFC 7519 section 4.1 and returns the expiry.
func (c Config) checkRegistered(o object, now time.Time) (expires time.Time, err error) {
	dates := map[string]time.Time{}
	for _, claim := range []string{"exp", "nbf", "iat"} {
		if dates[claim], err = o.date(claim); err != nil {
			return expires, refuse("the token's %s %v", claim, err)
		}
	}
	issuer, err := o.text("iss")
	if err != nil {
		return expires, refuse("the token's iss %v", err)
	}
	audience, err := o.texts("aud")
	if err != nil {
		return expires, refuse("the token's aud %v", err)
	}
	expires = dates["exp"]
	switch {
	case expires.IsZero():
		return expires, refuse("the token's exp is missing")
	case !now.Before(expires.Add(c.Leeway)):
		return expires, refuse("the token's exp is in the past")
	case dates["nbf"].After(now.Add(c.Leeway)):
		return expires, refuse("the token's nbf is in the future")
	case dates["iat"].After(now.Add(c.Leeway)):
		return expires, refuse("the token's iat is in the future")
	case c.Issuer != "" && issuer != c.Issuer:
		return expires, refuse("the token's iss is not the one that is trusted here")
	// "If the principal processing the claim does not identify itself with a value in the "aud" claim when this claim is present,
	// then the JWT MUST be rejected" (section 4.1.3).
	case c.Audience == "" && audience != nil:
		return expires, refuse("the token's aud is for somebody: no audience is set here")
	case c.Audience != "" && !slices.Contains(audience, c.Audience):
		return expires, refuse("the token's aud does not name this server")
	}
	return expires, nil
}

// publishOf reads canPublish: true, false, or an object with kinds and maxBitrate.
func publishOf(o object) (Publish, error) {
	if all, err := o.flag("canPublish"); err == nil {
		if all {
			return Publish{Kinds: slices.Clone(kinds)}, nil
		}
		return Publish{}, nil
	}
	var some object
	if json.Unmarshal(o["canPublish"], &some) != nil || some == nil {
		return Publish{}, refuse("the token's canPublish is not true, false or an object")
	}
	for field := range some {
		// It may be a restriction that was misspelt.
		if field != "kinds" && field != "maxBitrate" {
			return Publish{}, refuse("the token's canPublish has a field besides kinds and maxBitrate")
		}
	}
	listed, err := some.texts("kinds")
	if err != nil || listed == nil {
		return Publish{}, refuse("the token's canPublish.kinds is not a list")
	}
	var p Publish
	for _, kind := range listed {
		if !slices.Contains(kinds, kind) {
			return Publish{}, refuse("the token's canPublish.kinds has one that is not audio or video")
		}
	}
	for _, kind := range kinds {
		if slices.Contains(listed, kind) {
			p.Kinds = append(p.Kinds, kind)
		}
	}
	if some["maxBitrate"] == nil {
		return p, nil
	}
	// 0 would mean no limit to us, and nothing to whom it comes from.
	f, err := some.number("maxBitrate")
	if err != nil || f < 1 || f > maxBitrate || f != math.Trunc(f) {
		return Publish{}, refuse("the token's canPublish.maxBitrate is not a whole number of bit/s above 0")
	}
	p.MaxBitrate = int(f)
	return p, nil
}
