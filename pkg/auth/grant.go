// Package auth decides who may do what: it reads access tokens into grants.
//
// A token is a JWT (RFC 7519) in the compact serialization, signed with the one algorithm that the operator chose, by a secret or by a
// key of a set that is read again when it changes. What a token does not claim is denied; what it claims in a way that is not
// understood is refused as a whole.
package auth

import (
	"slices"
	"time"
)

// Grant is what its holder may do. The zero value may do nothing.
type Grant struct {
	Room string // the only room it is for; "": any, of an admin's grant
	Peer string // the only id its holder may have; "": any

	Publish     Publish
	Subscribe   bool // receive media and messages
	PublishData bool
	Admin       bool      // also act on other members of the room, and on the room
	Expires     time.Time // zero: never
}

// Publish is which media may be sent.
type Publish struct {
	Kinds      []string // audio, video; empty: none
	MaxBitrate int      // of each transport, bit/s; 0: no limit of its own
}

// Everything is the grant of those who need no token, in the open mode.
func Everything() Grant {
	return Grant{Publish: Publish{Kinds: []string{"audio", "video"}}, Subscribe: true, PublishData: true, Admin: true}
}

// CanPublish tells whether media of a kind may be sent.
func (g Grant) CanPublish(kind string) bool { return slices.Contains(g.Publish.Kinds, kind) }

// Expired tells whether the grant's time is over.
func (g Grant) Expired(now time.Time) bool { return !g.Expires.IsZero() && !now.Before(g.Expires) }

// CoversRoom tells whether the grant is for a room.
func (g Grant) CoversRoom(id string) bool {
	if g.Room == "" {
		return g.Admin
	}
	return g.Room == id
}

// CoversPeer tells whether its holder may have an id.
func (g Grant) CoversPeer(id string) bool { return g.Peer == "" || g.Peer == id }
