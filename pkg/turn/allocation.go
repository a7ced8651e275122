package turn

import (
	"net/netip"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/timer"
	"gazpacho/pkg/tuple"
)

// Lifetimes (RFC 8656 sections 3.2, 9 and 12).
const (
	defaultLifetime    = 10 * time.Minute
	permissionLifetime = 5 * time.Minute
	channelLifetime    = 10 * time.Minute
	channelQuiet       = 5 * time.Minute // how long an expired channel may not be bound otherwise: packets may be on their way
)

// allocation is what one client holds: relays, and who may use them. One timer sees to all of its deadlines.
type allocation struct {
	// passed in
	server   *Server
	id       uint64
	via      *Listener
	client   tuple.Tuple
	username string
	class    UserClass
	tcp      bool // to peers (RFC 6062)

	// owned
	relays      [numFamilies]*Relay
	timer       *timer.Timer
	permissions []permission
	channels    []channel
	connections []*Connection
	share       StreamShare
	mobile      *mobility
	charge      charge

	// state
	createdAt, expiresAt time.Time
	up, down             Volume
	rateUp, rateDown     rate
	answer               allocateAnswer
	relayed              netip.AddrPort // the address of the first relay, for records
}

// allocateAnswer is what a retransmitted Allocate needs to be answered alike.
type allocateAnswer struct {
	transaction stun.TransactionID
	lifetime    uint32
	token       reservationToken
	reserved    bool
	missing     [numFamilies]int // error codes of families that were wanted, too
	old         bool             // under the numbers from before RFC 8656
}

// firstRelay returns the relay of IPv4 if there is one, else that of IPv6: an allocation has at least one.
func (a *allocation) firstRelay() *Relay {
	if r := a.relays[ipv4]; r != nil {
		return r
	}
	return a.relays[ipv6]
}

// schedule sets the timer to the next deadline.
func (a *allocation) schedule() {
	at := a.expiresAt
	for i := range a.permissions {
		at = earlier(at, a.permissions[i].expiresAt)
	}
	for i := range a.channels {
		at = earlier(at, a.channels[i].expiresAt.Add(channelQuiet))
	}
	if !a.timer.Pending() || !a.timer.At().Equal(at) {
		a.timer.Reset(at)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// due forgets what has expired.
func (a *allocation) due(now time.Time) {
	if !now.Before(a.expiresAt) {
		a.server.end(a, EndExpired)
		return
	}
	a.forgetPermissions(now)
	a.forgetChannels(now)
	a.schedule()
}

// end closes an allocation and all it owns: connections, relays, its place in every table, and last its charge.
func (s *Server) end(a *allocation, reason EndReason) {
	a.timer.Stop()
	for len(a.connections) > 0 {
		a.connections[0].close()
	}
	for i, r := range a.relays {
		if r != nil {
			r.close()
			a.relays[i] = nil
		}
	}
	delete(s.clients, a.client)
	s.recent = nil
	s.forgetTickets(a)
	a.permissions, a.channels = nil, nil
	s.ledger.release(a.charge)
	a.via.Counters.Allocations[a.class]--
	s.emit(a, Event{Kind: Ended, Reason: reason})
}
