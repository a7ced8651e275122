package turn

import (
	"net/netip"
	"time"

	"gazpacho/pkg/stun"
)

// Transport protocols of REQUESTED-TRANSPORT (RFC 8656 section 18.7, RFC 6062 section 4.1).
const (
	protocolTCP = 6
	protocolUDP = 17
)

// reserveBit of EVEN-PORT asks for the next port, too (RFC 8656 section 18.6).
const reserveBit = 0x80

// wanted is what an Allocate asks for.
type wanted struct {
	tcp        bool
	families   [numFamilies]bool
	old        bool // the client has the numbers of attributes from before RFC 8656
	even, pair bool
	reserved   *reservation
	second     *Relay // of a pair, once it is open
	mobile     bool
	lifetime   time.Duration
}

// allocate answers Allocate (RFC 8656 section 7.2).
func (r *request) allocate() {
	s := r.server
	if a := r.a; a != nil {
		if a.answer.transaction == r.transaction && a.username == r.user.name {
			r.answerAllocate(a) // a retransmission
			return
		}
		r.refuse(stun.CodeAllocationMismatch)
		return
	}
	w, code := r.wants()
	if code == 0 {
		code = r.admit(&w)
	}
	if code != 0 {
		r.refuse(code)
		return
	}
	a := &allocation{
		server: s, via: r.via, client: r.from, username: r.user.name, class: r.user.class, tcp: w.tcp,
		createdAt: r.now, expiresAt: r.now.Add(w.lifetime),
		answer: allocateAnswer{transaction: r.transaction, lifetime: uint32(w.lifetime / time.Second), old: w.old},
	}
	if code := s.openRelays(a, &w); code != 0 {
		r.refuse(code)
		return
	}
	a.charge = s.ledger.hold(r.user.account, r.from.Remote.Addr())
	if w.pair {
		a.answer.token, a.answer.reserved = s.reserve(r, w.second), true
	}
	s.enter(a, w.mobile)
	r.answerAllocate(a)
	s.emit(a, Event{Kind: Created})
}

// wants reads the attributes of an Allocate, in the order of RFC 8656 section 7.2. The code is 0 if they make sense.
func (r *request) wants() (w wanted, code int) {
	m, s := &r.m, r.server
	switch v := m.Value(stun.AttrRequestedTransport); {
	case len(v) != 4:
		return w, stun.CodeBadRequest
	case v[0] == protocolTCP && s.config.TCPRelay && s.env.Streams != nil:
		w.tcp = true
	case v[0] != protocolUDP:
		return w, stun.CodeUnsupportedTransport
	}
	family, additional := m.Value(stun.AttrRequestedAddressFamily), m.Value(stun.AttrAdditionalFamily)
	if w.old = additional == nil; w.old {
		additional = m.Value(stun.AttrAdditionalFamilyOld)
	}
	evenPort, token := m.Value(stun.AttrEvenPort), m.Value(stun.AttrReservationToken)
	if evenPort != nil {
		if len(evenPort) != 1 {
			return w, stun.CodeBadRequest
		}
		w.even, w.pair = true, evenPort[0]&reserveBit != 0
	}
	switch {
	case family != nil && len(family) != 4,
		additional != nil && (len(additional) != 4 || additional[0] != familyCodes[ipv6] || family != nil || w.pair),
		token != nil && (len(token) != len(reservationToken{}) || family != nil || additional != nil || w.even),
		// RFC 6062 section 5.1
		w.tcp && (!r.overStream() || m.Has(stun.AttrDontFragment) || w.even || token != nil):
		return w, stun.CodeBadRequest
	}
	if code = r.wantsMobility(&w); code != 0 {
		return w, code
	}
	if w.lifetime, code = r.wantsLifetime(); code != 0 {
		return w, code
	}
	w.lifetime = max(w.lifetime, s.lifetime(0)) // nobody allocates to have nothing
	if token != nil {
		w.reserved = s.reservations[reservationToken(token)]
		if w.reserved == nil || w.reserved.username != r.user.name {
			return w, stun.CodeInsufficientCapacity
		}
		w.families[familyOf(w.reserved.relay.pool.Local)] = true
		return w, 0
	}
	w.families[ipv4] = family == nil || family[0] == familyCodes[ipv4]
	w.families[ipv6] = additional != nil || family != nil && family[0] == familyCodes[ipv6]
	if !w.families[ipv4] && !w.families[ipv6] {
		return w, stun.CodeFamilyNotSupported
	}
	return w, 0
}

// lifetime returns how long an allocation lives for which a client asks for an amount of seconds: no less than the default and no more than the operator
// wants (RFC 8656 section 7.2).
func (s *Server) lifetime(seconds uint32) time.Duration {
	return min(max(time.Duration(seconds)*time.Second, defaultLifetime), s.config.MaxLifetime).Truncate(time.Second)
}

// wantsLifetime reads LIFETIME; zero is for those who want to be rid of an allocation.
func (r *request) wantsLifetime() (time.Duration, int) {
	if !r.m.Has(stun.AttrLifetime) {
		return r.server.lifetime(0), 0
	}
	seconds, ok := r.m.Uint32(stun.AttrLifetime)
	switch {
	case !ok:
		return 0, stun.CodeBadRequest
	case seconds == 0:
		return 0, 0
	default:
		return r.server.lifetime(seconds), 0
	}
}

// admit says with which error an allocation is refused for want of room, 0 if it is not.
func (r *request) admit(w *wanted) int {
	s := r.server
	elsewhere := s.alternate(r.from.Remote.Addr()).IsValid()
	if s.draining {
		if elsewhere {
			return stun.CodeTryAlternate
		}
		return stun.CodeInsufficientCapacity
	}
	more := 1
	switch {
	case w.reserved != nil:
		more = 0 // it is counted already
	case w.pair:
		more = 2
	}
	switch own, total := s.ledger.full(&s.config.Quotas, r.user.account, r.from.Remote.Addr(), more); {
	case own:
		return stun.CodeQuotaReached
	case total && elsewhere:
		return stun.CodeTryAlternate
	case total:
		return stun.CodeQuotaReached
	}
	return 0
}

// alternate returns where a client is sent instead: to a server of its own family, as ALTERNATE-SERVER has to be (RFC 8489 section 10).
func (s *Server) alternate(client netip.Addr) netip.AddrPort {
	for _, a := range s.config.AlternateServers {
		if a.Addr().Is4() == client.Is4() {
			return a
		}
	}
	return netip.AddrPort{}
}

// openRelays opens the relays that are wanted. Of two it is enough to get one: what became of the other is told with ADDRESS-ERROR-CODE.
func (s *Server) openRelays(a *allocation, w *wanted) (code int) {
	opened := false
	for family, want := range w.families {
		if !want {
			continue
		}
		relay, code := (*Relay)(nil), stun.CodeFamilyNotSupported
		if s.relaysOn(family) {
			relay, code = s.openRelay(a, family, w), stun.CodeInsufficientCapacity
		}
		if relay == nil {
			a.answer.missing[family] = code
			continue
		}
		a.relays[family], opened = relay, true
	}
	if opened {
		a.relayed = a.firstRelay().address
		return 0
	}
	return max(a.answer.missing[ipv4], a.answer.missing[ipv6])
}

func (s *Server) relaysOn(family int) bool {
	for _, p := range s.pools {
		if familyOf(p.Local) == family {
			return true
		}
	}
	return false
}

// enter enters a new allocation into the tables.
func (s *Server) enter(a *allocation, mobile bool) {
	s.lastID++
	a.id = s.lastID
	s.clients[a.client] = a
	if mobile {
		a.mobile = &mobility{ticket: s.newTicket(a)}
	}
	a.timer = s.env.Timers.New(a.due)
	a.schedule()
	a.via.Counters.Allocations[a.class]++
	a.via.Counters.Created[a.class]++
}

// answerAllocate tells a client what it got.
func (r *request) answerAllocate(a *allocation) {
	w := r.begin(stun.SuccessResponse)
	w.AddUint32(stun.AttrLifetime, a.answer.lifetime)
	for _, relay := range a.relays {
		if relay != nil {
			w.AddXORAddress(stun.AttrXORRelayedAddress, relay.address)
		}
	}
	w.AddXORAddress(stun.AttrXORMappedAddress, r.from.Remote)
	addressError := stun.AttrAddressErrorCode
	if a.answer.old {
		addressError = stun.AttrAddressErrorCodeOld
	}
	for family, code := range a.answer.missing {
		if code != 0 {
			w.Add(addressError, []byte{familyCodes[family], 0, byte(code / 100), byte(code % 100)})
		}
	}
	if a.answer.reserved {
		w.Add(stun.AttrReservationToken, a.answer.token[:])
	}
	if a.mobile != nil {
		w.Add(stun.AttrMobilityTicket, a.mobile.ticket[:])
	}
	w.AddString(stun.AttrSoftware, r.server.config.Software)
	r.send(&w, 0)
}
