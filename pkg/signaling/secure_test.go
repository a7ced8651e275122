package signaling

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/room"
	"gazpacho/proto"
)

// tokens are those that are good, and what they allow.
type tokens map[string]auth.Grant

func (t tokens) verify(_ context.Context, token string) (auth.Grant, error) {
	if g, ok := t[token]; ok {
		return g, nil
	}
	return auth.Grant{}, proto.Failed(proto.CodeUnauthorized, "the token proves nothing")
}

// newSecureWorld is a world that asks for tokens.
func newSecureWorld(t *testing.T, good tokens, change ...func(*Config)) *world {
	t.Helper()
	return newWorldWith(t, func(c *Config) {
		c.Verify = good.verify
		for _, f := range change {
			f(c)
		}
	})
}

// allOf is a grant of everything but administration, in a room.
func allOf(roomID string) auth.Grant {
	g := auth.Everything()
	g.Room, g.Admin = roomID, false
	return g
}

// bossOf is a grant of everything in a room.
func bossOf(roomID string) auth.Grant {
	g := allOf(roomID)
	g.Admin = true
	return g
}

// without is a grant of everything in a room but a right, and what that implies.
func without(n right, roomID string) auth.Grant {
	g := bossOf(roomID)
	switch n {
	case takingPart:
		g.Publish, g.PublishData, g.Subscribe = auth.Publish{}, false, false
	case publishing:
		g.Publish = auth.Publish{}
	case publishingData:
		g.PublishData = false
	case subscribing:
		g.Subscribe = false
	case administering:
		g.Admin = false
	}
	return g
}

// lackable are the rights that a token may lack.
var lackable = []right{takingPart, publishing, publishingData, subscribing, administering}

func TestRights(t *testing.T) {
	for _, n := range lackable {
		if err := n.check(bossOf("r")); err != nil {
			t.Errorf("who may do everything: %v", err)
		}
		for _, lacking := range []auth.Grant{without(n, "r"), {}, {Room: "r"}} {
			if err := n.check(lacking); statusOf(err) != 403 || err.Error() != "Error: the token lacks "+claims[n] {
				t.Errorf("a token that lacks %s: %v", claims[n], err)
			}
		}
		for _, other := range lackable {
			if other == n || n == takingPart && other != administering {
				continue
			}
			if err := other.check(without(n, "r")); err != nil {
				t.Errorf("lacking %s: %v", claims[n], err)
			}
		}
	}
	for _, one := range []auth.Grant{{Publish: auth.Publish{Kinds: []string{"audio"}}}, {PublishData: true}, {Subscribe: true}} {
		if err := takingPart.check(one); err != nil {
			t.Errorf("%+v may not take part: %v", one, err)
		}
	}
	if err := member.check(auth.Grant{}); err != nil {
		t.Error(err)
	}
}

// What declares no right ends the program when it starts, and would be refused if it did not.
func TestUndeclared(t *testing.T) {
	for _, n := range []right{undeclared, -1, administering + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("right %d passes", n)
				}
			}()
			declared(n, "x")
		}()
		if n.check(bossOf("r")) == nil {
			t.Errorf("right %d is given", n)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a route without a right is served")
		}
		routes = routes[:len(routes)-1]
	}()
	routes = append(routes, route{pattern: "GET /undeclared", serve: notFound})
	New(Config{Rooms: room.New(room.Config{})})
}

// Every name in the tables is tested below; and a token of a room is told what it allows.
func TestAccess(t *testing.T) {
	until := time.Unix(1_900_000_000, 0)
	good := tokens{
		"all": bossOf("r"), "none": {Room: "r", Peer: "p", Expires: until}, "any": {Admin: true},
		"audio": {Room: "r", Publish: auth.Publish{Kinds: []string{"audio"}, MaxBitrate: 500_000}, Subscribe: true},
	}
	secure, open := newSecureWorld(t, good), newWorld(t)
	const all = `{"room":"r","canPublish":{"kinds":["audio","video"]},"canSubscribe":true,"canPublishData":true,"admin":true}`
	for _, tt := range []struct {
		w            *world
		token, query string
		status       int
		answer       string
	}{
		{secure, "all", "", 200, all},
		{secure, "all", "?roomId=r&peerId=anybody", 200, all},
		{secure, "all", "?roomId=s", 403, "Error: the token is not for this room"},
		{secure, "none", "?roomId=r&peerId=p", 200, `{"room":"r","peer":"p","canPublish":false,"canSubscribe":false,"canPublishData":false,"admin":false,"expires":1900000000}`},
		{secure, "none", "?roomId=r&peerId=q", 403, "Error: the token is for another peer id"},
		{secure, "audio", "", 200, `{"room":"r","canPublish":{"kinds":["audio"],"maxBitrate":500000},"canSubscribe":true,"canPublishData":false,"admin":false}`},
		{secure, "any", "?roomId=whatever", 200, `{"canPublish":false,"canSubscribe":false,"canPublishData":false,"admin":true}`},
		{secure, "", "", 401, "Error: an access token is needed"},
		{secure, "wrong", "?roomId=r", 401, "Error: the token proves nothing"},
		{open, "", "?roomId=r&peerId=p", 200, `{"canPublish":{"kinds":["audio","video"]},"canSubscribe":true,"canPublishData":true,"admin":true}`},
		{open, "whatever", "", 200, `{"canPublish":{"kinds":["audio","video"]},"canSubscribe":true,"canPublishData":true,"admin":true}`},
		{secure, "all", "?roomId=r&roomId=s", 400, "appears twice (roomId)"},
		{secure, "all", "?roomId=%zz", 400, "the query of the URL is malformed"},
	} {
		response, text := tt.w.callWith(bearer(tt.token), "GET", "/access"+tt.query, "")
		if response.StatusCode != tt.status || !strings.Contains(text, tt.answer) {
			t.Errorf("%q %s: %d %s, want %d %s", tt.token, tt.query, response.StatusCode, text, tt.status, tt.answer)
		}
	}
	if status, _ := secure.call("POST", "/access", "{}"); status != 401 {
		t.Errorf("POST /access without a token: %d", status)
	}
	if status, _ := open.call("POST", "/access", "{}"); status != 404 {
		t.Errorf("POST /access: %d", status)
	}
	want := map[string]uint64{"200": 5, "400": 2, "401": 3, "403": 2}
	if got := secure.server.Stats().HTTP; !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}
