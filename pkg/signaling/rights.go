package signaling

import (
	"slices"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// right is what a request or a route needs. The zero value is none: what declares no right is not served, but ends the program when
// it starts. Package room checks again what depends on more than the method, such as the kind of a producer.
type right int

const (
	undeclared     right = iota
	member               // any token, for this room if the request is about one
	takingPart           // may send or receive something
	publishing           // may send media of some kind
	publishingData       // may send messages
	subscribing          // may receive
	administering        // may act on others
)

// claims that give a right, as tokens call them.
var claims = map[right]string{
	takingPart: "canPublish, canPublishData or canSubscribe", publishing: "canPublish", publishingData: "canPublishData",
	subscribing: "canSubscribe", administering: "admin",
}

// check refuses a grant without the right.
func (n right) check(g auth.Grant) error {
	ok := false
	switch n {
	case member:
		ok = true
	case takingPart:
		ok = len(g.Publish.Kinds) > 0 || g.PublishData || g.Subscribe
	case publishing:
		ok = len(g.Publish.Kinds) > 0
	case publishingData:
		ok = g.PublishData
	case subscribing:
		ok = g.Subscribe
	case administering:
		ok = g.Admin
	}
	if !ok {
		return proto.Failed(proto.CodeForbidden, "the token lacks %s", claims[n])
	}
	return nil
}

// declared ends the program if something that is served declares no right.
func declared(n right, what string) {
	if n <= undeclared || n > administering {
		panic(what + " declares no right")
	}
}

// accessInfo is the answer to GET /access: a grant, with the names that tokens have.
type accessInfo struct {
	Room           string `json:"room,omitempty"` // "": any
	Peer           string `json:"peer,omitempty"` // "": any
	CanPublish     any    `json:"canPublish"`     // false or a publishInfo
	CanSubscribe   bool   `json:"canSubscribe"`
	CanPublishData bool   `json:"canPublishData"`
	Admin          bool   `json:"admin"`
	Expires        int64  `json:"expires,omitempty"` // Unix time in seconds; 0: never
}

type publishInfo struct {
	Kinds      []string `json:"kinds"`
	MaxBitrate int      `json:"maxBitrate,omitempty"` // bit/s
}

func accessOf(g auth.Grant) accessInfo {
	info := accessInfo{
		Room: g.Room, Peer: g.Peer, CanPublish: false, CanSubscribe: g.Subscribe, CanPublishData: g.PublishData, Admin: g.Admin,
		Expires: unixTime(g),
	}
	if len(g.Publish.Kinds) > 0 {
		info.CanPublish = publishInfo{Kinds: slices.Sorted(slices.Values(g.Publish.Kinds)), MaxBitrate: g.Publish.MaxBitrate}
	}
	return info
}

// unixTime is when a grant expires, or 0.
func unixTime(g auth.Grant) int64 {
	if g.Expires.IsZero() {
		return 0
	}
	return g.Expires.Unix()
}
