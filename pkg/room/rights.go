package room

import (
	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// right is something that a grant allows or does not.
type right struct {
	claim string // that gives it, as tokens call it
	held  func(auth.Grant) bool
}

var (
	toSend       = right{"canPublish or canPublishData", func(g auth.Grant) bool { return len(g.Publish.Kinds) > 0 || g.PublishData }}
	toMessage    = right{"canPublishData", func(g auth.Grant) bool { return g.PublishData }}
	toReceive    = right{"canSubscribe", func(g auth.Grant) bool { return g.Subscribe }}
	toTakePart   = right{"canPublish, canPublishData or canSubscribe", func(g auth.Grant) bool { return toSend.held(g) || g.Subscribe }}
	toAdminister = right{"admin", func(g auth.Grant) bool { return g.Admin }}
)

// toPublish is the right to send media of a kind.
func toPublish(kind string) right {
	return right{"canPublish of " + kind, func(g auth.Grant) bool { return g.CanPublish(kind) }}
}

// Reasons of refusals that are counted, beside the names of limits.
const (
	reasonUnauthorized = "unauthorized"
	reasonForbidden    = "forbidden"
)

// check refuses a grant that is over, or that lacks one of the rights.
func (rs *Rooms) check(g auth.Grant, rights ...right) error {
	if g.Expired(rs.cfg.Now()) {
		return rs.refused(reasonUnauthorized, proto.Failed(proto.CodeUnauthorized, "the token has expired"))
	}
	for _, want := range rights {
		if !want.held(g) {
			return rs.forbidden("the token lacks " + want.claim)
		}
	}
	return nil
}

// checkKind refuses media that the grant does not allow to be sent. What is neither audio nor video nobody may send.
func (rs *Rooms) checkKind(g auth.Grant, kind string) error {
	if kind != proto.Audio && kind != proto.Video {
		if err := rs.check(g); err != nil {
			return err
		}
		return proto.BadField("kind", "%q is not audio or video", kind)
	}
	return rs.check(g, toPublish(kind))
}

// covers refuses a grant that is over, or for another room. It does not look whether there is such a room: who may not enter may not
// know either.
func (rs *Rooms) covers(g auth.Grant, roomID string) error {
	if err := rs.check(g); err != nil {
		return err
	}
	if !g.CoversRoom(roomID) {
		return rs.forbidden("the token is not for this room")
	}
	return nil
}

// coversMember refuses a grant that is not for this room and this id.
func (rs *Rooms) coversMember(g auth.Grant, roomID, id string) error {
	if err := rs.covers(g, roomID); err != nil {
		return err
	}
	if !g.CoversPeer(id) {
		return rs.forbidden("the token is for another peer id")
	}
	return nil
}

func (rs *Rooms) forbidden(why string) error {
	return rs.refused(reasonForbidden, proto.Failed(proto.CodeForbidden, "%s", why))
}

// may refuses what the peer's grant does not allow, or not any more.
func (p *Peer) may(rights ...right) error { return p.room.rooms.check(p.Grant(), rights...) }

// mayJoined is may for what only those may who are visible.
func (p *Peer) mayJoined(rights ...right) error {
	if err := p.may(rights...); err != nil {
		return err
	}
	return p.mustBeJoined()
}

// held tells whether a member still has a right. The room is locked. A broadcaster has no grant of its own: every request about it
// brings one, which is checked when it comes.
func (m *member) held(r right) bool { return m.grant == nil || r.held(*m.grant) }

// Grant is what the peer may do.
func (p *Peer) Grant() auth.Grant {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	return *p.grant
}
