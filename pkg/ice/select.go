package ice

import (
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
)

// quiet is how long the selected tuple must have carried no media before media that comes from
// another one moves the selection: long against reordering, short against the 300 ms of R-ICE-4.
const quiet = 100 * time.Millisecond

// checked acts on a valid check.
//
// A check that was seen before is no sign of life: whoever overheard it can send it again from
// anywhere. It makes its tuple known, but only a fresh one, or media, can have it selected (R-ICE-4).
func (a *Agent) checked(now time.Time, m *stun.Message, from tuple.Tuple) {
	fresh := a.seen.add(m.TransactionID())
	a.learn(now, from, fresh)
	if !fresh && !(a.hasSelected && from == a.selected) {
		a.drop(DropReplayed)
		return
	}
	switch {
	case a.nominates(m):
		a.choose(now, from)
		a.setState(now, Completed)
	case !a.hasSelected:
		a.choose(now, from)
		a.setState(now, Connected)
	}
	a.renewConsent(now)
}

// nominates tells whether a check nominates its tuple. Of values the highest counts; an equal one is
// the same nomination, sent again, maybe from behind a NAT that gave the peer a new address
// (draft-thatcher-ice-renomination section 3). Without a value USE-CANDIDATE does it: that peer
// nominates as RFC 8445 has it.
func (a *Agent) nominates(m *stun.Message) bool {
	value, ok := m.Nomination()
	if !ok {
		return m.UseCandidate()
	}
	if value < a.nomination {
		return false
	}
	a.nomination = value
	return true
}

// Authenticated reports that SRTP or SRTCP which passed authentication and the replay check came
// from a tuple. A peer sends media on its selected pair only, so media from another known tuple,
// with nothing from the selected one for a while, tells that the peer moved: some nominate once and
// never again, so that no check says so when their address changes.
func (a *Agent) Authenticated(now time.Time, t tuple.Tuple) {
	if a.hasSelected && t == a.selected {
		a.mediaAt = now
		a.renewConsent(now)
		return
	}
	if a.hasSelected && now.Sub(a.mediaAt) < quiet {
		return
	}
	i := a.find(t)
	if i < 0 {
		return
	}
	a.tuples[i].fresh = true
	connected := a.hasSelected
	a.choose(now, t)
	if !connected {
		a.setState(now, Connected)
		a.renewConsent(now)
	}
}

// choose selects a known tuple.
func (a *Agent) choose(now time.Time, t tuple.Tuple) {
	if a.hasSelected && t == a.selected {
		return
	}
	a.selected, a.hasSelected, a.mediaAt = t, true, now
	a.handler.ICESelected(now, t)
}

// RemoveTuple forgets a tuple whose connection closed. If it was selected, the one heard last is
// selected in its place; without any, the agent is disconnected.
func (a *Agent) RemoveTuple(now time.Time, t tuple.Tuple) {
	i := a.find(t)
	if i < 0 {
		return
	}
	a.remove(i)
	if t != a.selected {
		return
	}
	a.selected, a.hasSelected = tuple.Tuple{}, false
	if next, ok := a.lastHeard(); ok {
		a.choose(now, next)
		a.renewConsent(now) // time for checks on the new one
		return
	}
	a.disconnect(now)
}

// disconnect leaves the agent without a selected tuple, ready for the next check.
func (a *Agent) disconnect(now time.Time) {
	a.nomination = 0
	a.stopConsent()
	a.setState(now, Disconnected)
}
