package signaling

import (
	"context"
	"encoding/json"
	"time"

	"gazpacho/pkg/room"
	"gazpacho/proto"
)

var (
	errExpired = proto.Failed(proto.CodeUnauthorized, "the token has expired")
	errOpen    = proto.InvalidState("this server asks for no tokens")
)

// tokenExpires is when a session's token expires, Unix time in seconds; 0 is never.
type tokenExpires struct {
	Expires int64 `json:"expires"`
}

// expires tells the client that it needs a new token soon.
func (c *session) expires(at time.Time) { c.Notify("tokenExpires", tokenExpires{at.Unix()}) }

// expired ends a session whose token was not renewed.
func (c *session) expired() { c.finish(closedExpired, room.CloseTokenExpired, "token expired") }

// renewToken goes on with a new token, for the same room and peer.
func renewToken(ctx context.Context, c *session, data json.RawMessage, reply func(any)) error {
	var body struct {
		Token string `json:"token"`
	}
	if err := decode(data, &body); err != nil {
		return err
	}
	switch {
	case c.server.cfg.Verify == nil:
		return errOpen
	case body.Token == "":
		return proto.BadField("token", "is missing")
	}
	g, err := c.server.verify(ctx, body.Token)
	if err != nil {
		return err
	}
	err = c.peer.SetGrant(g)
	c.expiry.set(c.peer.Grant().Expires) // which may be the new one even if a worker has not done all that follows from it
	if err != nil {
		return err
	}
	reply(tokenExpires{unixTime(g)})
	return nil
}
