package turn

import (
	"net/netip"
	"slices"
	"time"

	"gazpacho/pkg/stun"
)

// permission lets one IP address send to the client, and be sent to (RFC 8656 section 9).
type permission struct {
	peer      netip.Addr
	expiresAt time.Time
}

// wantPeer is a peer that a request asks for, and what the policy says of it.
type wantPeer struct {
	peer    netip.Addr
	verdict Verdict
}

// createPermission answers CreatePermission (RFC 8656 section 10.2): all of the peers get their permission, or none.
func (r *request) createPermission() {
	if !r.owned() {
		return
	}
	a, s := r.a, r.server
	s.asked = s.asked[:0]
	fresh := 0
	for value := range r.m.All(stun.AttrXORPeerAddress) {
		peer, code := r.judge(value, false)
		if code != 0 {
			r.refuse(code)
			return
		}
		if slices.ContainsFunc(s.asked, func(w wantPeer) bool { return w.peer == peer.Addr() }) {
			continue
		}
		if a.findPermission(peer.Addr()) == nil {
			fresh++
		}
		if len(a.permissions)+fresh > s.config.Quotas.Permissions {
			r.refuse(stun.CodeInsufficientCapacity)
			return
		}
		s.asked = append(s.asked, wantPeer{peer.Addr(), r.verdict})
	}
	if len(s.asked) == 0 {
		r.refuse(stun.CodeBadRequest)
		return
	}
	for _, w := range s.asked {
		if !a.openFor(w.peer, w.verdict) {
			r.refuse(stun.CodeInsufficientCapacity)
			return
		}
	}
	for _, w := range s.asked {
		a.permit(r.now, w.peer)
	}
	a.schedule()
	r.succeed()
}

// judge reads the address of a peer and says with which error it is refused, 0 if it is not. A permission is for all ports of an address ("the port is
// ignored", RFC 8656 section 10.1), a channel or a connection for one.
func (r *request) judge(value []byte, withPort bool) (netip.AddrPort, int) {
	peer, ok := r.m.DecodeXORAddress(value)
	if !ok || withPort && peer.Port() == 0 {
		return peer, stun.CodeBadRequest
	}
	if !withPort {
		peer = netip.AddrPortFrom(peer.Addr(), 0)
	}
	if r.verdict = r.server.policy.Judge(peer); r.verdict == PeerDenied {
		return peer, stun.CodeForbidden
	}
	if peer.Addr().Is4In6() || r.a.relays[familyOf(peer.Addr())] == nil {
		return peer, stun.CodePeerFamilyMismatch
	}
	return peer, 0
}

// openFor opens the relay's socket for a peer, if that waited for one that is not our own media.
func (a *allocation) openFor(peer netip.Addr, v Verdict) bool {
	return v == PeerMedia || a.tcp || a.relays[familyOf(peer)].open()
}

func (a *allocation) findPermission(peer netip.Addr) *permission {
	for i := range a.permissions {
		if a.permissions[i].peer == peer {
			return &a.permissions[i]
		}
	}
	return nil
}

func (a *allocation) permitted(now time.Time, peer netip.Addr) bool {
	p := a.findPermission(peer)
	return p != nil && now.Before(p.expiresAt)
}

// permit installs or refreshes a permission, which channels to the peer share.
func (a *allocation) permit(now time.Time, peer netip.Addr) {
	p := a.findPermission(peer)
	if p == nil {
		a.permissions = append(a.permissions, permission{peer: peer})
		p = &a.permissions[len(a.permissions)-1]
	}
	p.expiresAt = now.Add(permissionLifetime)
	for i := range a.channels {
		if c := &a.channels[i]; c.peer.Addr() == peer {
			c.openUntil = earlier(c.expiresAt, p.expiresAt)
		}
	}
}

func (a *allocation) forgetPermissions(now time.Time) {
	a.permissions = slices.DeleteFunc(a.permissions, func(p permission) bool { return !now.Before(p.expiresAt) })
}

// judgeAgain ends the permissions of peers that a new policy denies, and closes their channels and connections.
func (a *allocation) judgeAgain() {
	policy := &a.server.policy
	denied := func(p netip.AddrPort) bool { return policy.Judge(p) == PeerDenied }
	a.permissions = slices.DeleteFunc(a.permissions, func(p permission) bool { return denied(netip.AddrPortFrom(p.peer, 0)) })
	for i := range a.channels {
		if c := &a.channels[i]; denied(c.peer) {
			c.openUntil = time.Time{}
		}
	}
	for _, c := range slices.Clone(a.connections) {
		if denied(c.peer) {
			c.close()
		}
	}
}
