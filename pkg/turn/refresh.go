package turn

import (
	"net/netip"
	"slices"
	"time"

	"gazpacho/pkg/stun"
)

// refresh answers Refresh (RFC 8656 section 8.2): a new lifetime, or with LIFETIME 0 the end. With a MOBILITY-TICKET the allocation moves first.
func (r *request) refresh() {
	lifetime, code := r.wantsLifetime()
	family := r.m.Value(stun.AttrRequestedAddressFamily)
	if code != 0 || family != nil && len(family) != 4 {
		r.refuse(stun.CodeBadRequest)
		return
	}
	if r.m.Has(stun.AttrMobilityTicket) {
		if !r.move() {
			return
		}
	} else if !r.owned() {
		return
	}
	a, s := r.a, r.server
	if family != nil {
		i := slices.Index(familyCodes[:], family[0])
		if i < 0 || a.relays[i] == nil {
			r.refuse(stun.CodePeerFamilyMismatch)
			return
		}
		if lifetime == 0 && a.relays[1-i] != nil {
			a.giveUp(i) // one of two
			r.answerRefresh(0)
			return
		}
	}
	if lifetime == 0 {
		r.answerRefresh(0)
		s.end(a, EndDeleted)
		return
	}
	a.expiresAt = r.now.Add(lifetime)
	a.schedule()
	r.answerRefresh(lifetime)
	s.emit(a, Event{Kind: Refreshed})
}

func (r *request) answerRefresh(lifetime time.Duration) {
	w := r.begin(stun.SuccessResponse)
	w.AddUint32(stun.AttrLifetime, uint32(lifetime/time.Second))
	if r.a.mobile != nil && r.m.Has(stun.AttrMobilityTicket) {
		w.Add(stun.AttrMobilityTicket, r.a.mobile.ticket[:])
	}
	w.AddString(stun.AttrSoftware, r.server.config.Software)
	r.send(&w, 0)
}

// giveUp closes the relay of one family, and all that went through it.
func (a *allocation) giveUp(family int) {
	a.relays[family].close()
	a.relays[family] = nil
	gone := func(ip netip.Addr) bool { return familyOf(ip) == family }
	a.permissions = slices.DeleteFunc(a.permissions, func(p permission) bool { return gone(p.peer) })
	a.channels = slices.DeleteFunc(a.channels, func(c channel) bool { return gone(c.peer.Addr()) })
	for _, c := range slices.Clone(a.connections) {
		if gone(c.peer.Addr()) {
			c.close()
		}
	}
}
