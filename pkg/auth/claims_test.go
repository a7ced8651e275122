package auth

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var expiry = now.Add(time.Hour + DefaultLeeway)

func TestGrants(t *testing.T) {
	v := withSecret(t)
	both := []string{"audio", "video"}
	for claims, want := range map[string]Grant{
		// What is absent is denied.
		`{}`:                                 {},
		`{"room":"r"}`:                       {Room: "r"},
		`{"room":"r","peer":"p"}`:            {Room: "r", Peer: "p"},
		`{"canPublish":true}`:                {Publish: Publish{Kinds: both}},
		`{"canPublish":false}`:               {},
		`{"canPublish":{"kinds":["audio"]}}`: {Publish: Publish{Kinds: both[:1]}},
		`{"canPublish":{"kinds":"video"}}`:   {Publish: Publish{Kinds: both[1:]}},
		`{"canPublish":{"kinds":["video","audio","video"]}}`:       {Publish: Publish{Kinds: both}},
		`{"canPublish":{"kinds":[]}}`:                              {},
		`{"canPublish":{"kinds":["video"],"maxBitrate":500000}}`:   {Publish: Publish{both[1:], 500000}},
		`{"canPublish":{"kinds":["video"],"maxBitrate":5e5}}`:      {Publish: Publish{both[1:], 500000}},
		`{"canSubscribe":true,"canPublishData":true,"admin":true}`: {Subscribe: true, PublishData: true, Admin: true},
		`{"canSubscribe":false,"canPublishData":false}`:            {},
		// Claims that are none of ours are ignored (RFC 7519 section 4), and so are those that only look like ours.
		`{"sub":"x","jti":"y","Room":"r","ADMIN":true,"can_publish":true,"x":{"admin":true}}`: {},
		`{"room":"\u0072"}`: {Room: "r"},
	} {
		want.Expires = expiry
		g, err := v.Verify(t.Context(), said(claims), now)
		if err != nil || !same(g, want) {
			t.Errorf("%s: %+v, %v; want %+v", claims, g, err, want)
		}
	}
}

func TestWrongClaims(t *testing.T) {
	v := withSecret(t)
	for claims, claim := range map[string]string{
		`{"room":7}`:     "room",
		`{"room":null}`:  "room",
		`{"room":["r"]}`: "room",
		`{"room":""}`:    "room",
		`{"room":"` + strings.Repeat("r", maxName+1) + `"}`: "room",
		`{"peer":{}}`:                                           "peer",
		`{"peer":""}`:                                           "peer",
		`{"canSubscribe":"true"}`:                               "canSubscribe",
		`{"canSubscribe":1}`:                                    "canSubscribe",
		`{"canSubscribe":null}`:                                 "canSubscribe",
		`{"canPublishData":{}}`:                                 "canPublishData",
		`{"admin":"yes"}`:                                       "admin",
		`{"canPublish":"audio"}`:                                "canPublish",
		`{"canPublish":null}`:                                   "canPublish",
		`{"canPublish":1}`:                                      "canPublish",
		`{"canPublish":["audio"]}`:                              "canPublish",
		`{"canPublish":{}}`:                                     "canPublish.kinds",
		`{"canPublish":{"maxBitrate":1000}}`:                    "canPublish.kinds",
		`{"canPublish":{"kinds":null}}`:                         "canPublish.kinds",
		`{"canPublish":{"kinds":["audio",null]}}`:               "canPublish.kinds",
		`{"canPublish":{"kinds":["audio","smell"]}}`:            "canPublish.kinds",
		`{"canPublish":{"kinds":["Audio"]}}`:                    "canPublish.kinds",
		`{"canPublish":{"kinds":[1]}}`:                          "canPublish.kinds",
		`{"canPublish":{"kinds":["audio"],"maxBitrate":0}}`:     "maxBitrate",
		`{"canPublish":{"kinds":["audio"],"maxBitrate":-1}}`:    "maxBitrate",
		`{"canPublish":{"kinds":["audio"],"maxBitrate":1.5}}`:   "maxBitrate",
		`{"canPublish":{"kinds":["audio"],"maxBitrate":"1"}}`:   "maxBitrate",
		`{"canPublish":{"kinds":["audio"],"maxBitrate":null}}`:  "maxBitrate",
		`{"canPublish":{"kinds":["audio"],"maxBitrate":1e13}}`:  "maxBitrate",
		`{"canPublish":{"kinds":["audio"],"maxBitrate":1e999}}`: "maxBitrate",
		// A restriction that was misspelt must not get lost.
		`{"canPublish":{"kinds":["audio"],"maxbitrate":1000}}`: "canPublish",
		`{"iss":7}`:          "iss",
		`{"aud":7}`:          "aud",
		`{"aud":[7]}`:        "aud",
		`{"aud":null}`:       "aud",
		`{"exp":"tomorrow"}`: "exp",
		`{"exp":null}`:       "exp",
		`{"exp":-1}`:         "exp",
		`{"exp":1e300}`:      "exp",
		`{"exp":1e999}`:      "exp",
		`{"exp":0}`:          "exp",
		`{"nbf":"x"}`:        "nbf",
		`{"iat":[]}`:         "iat",
	} {
		refused(t, v, said(claims), claim)
	}
	refused(t, v, hs256(secret, `{"alg":"HS256"}`, `{"room":"r"}`), "exp is missing")
}

// "exp": "on or after which the JWT MUST NOT be accepted" (RFC 7519 section 4.1.4); "nbf": "before which" (4.1.5). "Implementers MAY
// provide for some small leeway".
func TestTimes(t *testing.T) {
	v := withSecret(t)
	strict := withSecret(t, func(c *Config) { c.Leeway = time.Nanosecond })
	for _, tt := range []struct {
		claim   string
		offset  time.Duration
		v       *Verifier
		refused string
	}{
		{"exp", time.Second, v, ""},
		{"exp", 0, v, ""},
		{"exp", 1 - DefaultLeeway, v, ""}, // rounded down to the second, this is in the past
		{"exp", -DefaultLeeway, v, "exp"},
		{"exp", time.Second, strict, ""},
		{"exp", -time.Second, strict, "exp"},
		{"nbf", 0, v, ""},
		{"nbf", DefaultLeeway, v, ""},
		{"nbf", DefaultLeeway + time.Second, v, "nbf"},
		{"nbf", time.Second, strict, "nbf"},
		{"iat", DefaultLeeway, v, ""},
		{"iat", DefaultLeeway + time.Second, v, "iat"},
		{"iat", -1000 * time.Hour, v, ""},
	} {
		claims := fmt.Sprintf(`{%q:%d}`, tt.claim, at(tt.offset))
		if tt.offset == 1-DefaultLeeway {
			claims = fmt.Sprintf(`{%q:%d.5}`, tt.claim, at(-DefaultLeeway))
		}
		if tt.refused != "" {
			refused(t, tt.v, said(claims), tt.refused)
			continue
		}
		g, err := tt.v.Verify(t.Context(), said(claims), now)
		if err != nil || g.Expired(now) {
			t.Errorf("%s: %v, expired %t", claims, err, g.Expired(now))
		}
	}
	// What is granted ends when a token would not be accepted any more.
	g, err := v.Verify(t.Context(), said(`{}`), now)
	if end := now.Add(time.Hour + DefaultLeeway); err != nil || g.Expired(end.Add(-1)) || !g.Expired(end) {
		t.Errorf("%v; expires at %v", err, g.Expires)
	}
}

func TestIssuerAndAudience(t *testing.T) {
	issuer := func(c *Config) { c.Issuer = "https://issuer.example" }
	audience := func(c *Config) { c.Audience = "sfu" }
	for _, tt := range []struct {
		claims  string
		change  func(*Config)
		refused string
	}{
		{`{"iss":"https://issuer.example"}`, issuer, ""},
		{`{"iss":"https://issuer.example/"}`, issuer, "iss"},
		{`{"iss":""}`, issuer, "iss"},
		{`{}`, issuer, "iss"},
		{`{"iss":"anybody"}`, func(*Config) {}, ""},
		{`{"aud":"sfu"}`, audience, ""},
		{`{"aud":["other","sfu"]}`, audience, ""},
		{`{"aud":["other"]}`, audience, "aud"},
		{`{"aud":[]}`, audience, "aud"},
		{`{"aud":"SFU"}`, audience, "aud"},
		{`{}`, audience, "aud"},
		{`{"aud":"sfu"}`, func(*Config) {}, "aud"},
	} {
		v := withSecret(t, tt.change)
		if tt.refused != "" {
			refused(t, v, said(tt.claims), tt.refused)
		} else if _, err := v.Verify(t.Context(), said(tt.claims), now); err != nil {
			t.Errorf("%s: %v", tt.claims, err)
		}
	}
}

// The zero grant does nothing, and Everything everything.
func TestGrantMethods(t *testing.T) {
	for _, tt := range []struct {
		g          Grant
		room, peer bool // r, p
		audio      bool
	}{
		{Grant{}, false, true, false},
		{Everything(), true, true, true},
		{Grant{Room: "r"}, true, true, false},
		{Grant{Room: "s", Peer: "q", Admin: true}, false, false, false},
		{Grant{Admin: true, Peer: "p"}, true, true, false},
		{Grant{Publish: Publish{Kinds: []string{"video"}}}, false, true, false},
	} {
		if tt.g.CoversRoom("r") != tt.room || tt.g.CoversPeer("p") != tt.peer || tt.g.CanPublish("audio") != tt.audio {
			t.Errorf("%+v: room %t, peer %t, audio %t", tt.g, tt.g.CoversRoom("r"), tt.g.CoversPeer("p"), tt.g.CanPublish("audio"))
		}
	}
	if (Grant{}).CoversRoom("") || Everything().Expired(now.AddDate(1000, 0, 0)) {
		t.Error("the zero grant covers a room without a name, or the open mode ends")
	}
}
