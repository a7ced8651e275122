package turn

import (
	"encoding/base64"

	"gazpacho/pkg/stun"
)

// ticket is the value of a MOBILITY-TICKET: 24 bytes that cannot be guessed, as text. coturn's client takes it for a string that ends with a zero, and has
// room for 32 characters.
type ticket [32]byte

// mobility lets an allocation move to another 5-tuple (RFC 8016).
type mobility struct {
	ticket  ticket
	old     ticket // the one it last moved with, while the client may not know of the next
	waiting bool   // for a word of the client from where it moved to
	moved   stun.TransactionID
}

func (s *Server) newTicket(a *allocation) (t ticket) {
	var raw [24]byte
	s.random.read(raw[:])
	base64.StdEncoding.Encode(t[:], raw[:])
	s.tickets[t] = a
	return t
}

// wantsMobility reads the MOBILITY-TICKET of an Allocate, which is empty.
func (r *request) wantsMobility(w *wanted) (code int) {
	if !r.m.Has(stun.AttrMobilityTicket) {
		return 0
	}
	switch {
	case len(r.m.Value(stun.AttrMobilityTicket)) != 0:
		return stun.CodeBadRequest
	case !r.server.config.Mobility:
		return stun.CodeMobilityForbidden
	}
	w.mobile = true
	return 0
}

// ticketed returns the allocation that the request has a ticket of, nil if there is none.
func (r *request) ticketed() *allocation {
	v := r.m.Value(stun.AttrMobilityTicket)
	if len(v) != len(ticket{}) {
		return nil
	}
	return r.server.tickets[ticket(v)]
}

func (r *request) movesAllocationOf(u user) bool {
	if r.m.Method != stun.Refresh {
		return false
	}
	a := r.ticketed()
	return a != nil && a.username == u.name
}

// move moves an allocation to the 5-tuple of the request, and answers it if that cannot be. The old ticket is good until the client is heard from there:
// the answer may be lost.
func (r *request) move() bool {
	s := r.server
	a := r.ticketed()
	switch {
	case !s.config.Mobility:
		r.refuse(stun.CodeMobilityForbidden)
	case r.a != nil && r.a == a && a.mobile.waiting && a.mobile.moved == r.transaction:
		return true // a retransmission
	case r.a != nil:
		r.refuse(stun.CodeBadRequest) // "the MOBILITY-TICKET is for a changed 5-tuple" (RFC 8016 section 3.2)
	case a == nil:
		r.refuse(stun.CodeAllocationMismatch)
	case a.username != r.user.name:
		r.refuse(stun.CodeWrongCredentials)
	default:
		s.rehome(r, a)
		return true
	}
	return false
}

// rehome does the moving.
func (s *Server) rehome(r *request, a *allocation) {
	delete(s.clients, a.client)
	a.via.Counters.Allocations[a.class]--
	s.ledger.release(a.charge)
	a.client, a.via = r.from, r.via
	s.clients[a.client] = a
	a.via.Counters.Allocations[a.class]++
	a.charge = s.ledger.hold(r.user.account, r.from.Remote.Addr())
	m := a.mobile
	if m.waiting {
		delete(s.tickets, m.old)
	}
	m.old, m.waiting, m.moved = m.ticket, true, r.transaction
	m.ticket = s.newTicket(a)
	r.a = a
	s.emit(a, Event{Kind: Moved})
}

// confirmed ends the old ticket, for the client has been heard where it is now.
func (a *allocation) confirmed() {
	if m := a.mobile; m != nil && m.waiting {
		m.waiting = false
		delete(a.server.tickets, m.old)
	}
}

func (s *Server) forgetTickets(a *allocation) {
	if m := a.mobile; m != nil {
		delete(s.tickets, m.ticket)
		delete(s.tickets, m.old)
	}
}
