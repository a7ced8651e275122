package turn

import (
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
)

// Server is a TURN server.
type Server struct {
	// passed in
	config Config // with defaults
	env    Env

	// owned
	policy      Policy
	credentials credentials
	random      random
	nonces      nonces
	answers     budget // of unauthenticated answers
	failures    budget // of wrong proofs, from where a nonce was received
	pools       []*pool
	ledger      ledger
	listeners   []*Listener

	// state
	clients      map[tuple.Tuple]*allocation
	recent       *allocation // whom the last datagram came from
	reservations map[reservationToken]*reservation
	tickets      map[ticket]*allocation
	connections  map[uint32]*Connection
	lastID       uint64
	draining     bool

	request request    // scratch space of Handle
	asked   []wantPeer // and of CreatePermission
}

// Sizes of the tables of sources, in sets of four.
const (
	answerSets  = 2048
	failureSets = 512
)

// New makes a server. The error is a *ConfigError.
func New(now time.Time, c Config, env Env) (*Server, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		env:          env,
		random:       random{source: env.Random},
		ledger:       newLedger(),
		clients:      make(map[tuple.Tuple]*allocation),
		reservations: make(map[reservationToken]*reservation),
		tickets:      make(map[ticket]*allocation),
		connections:  make(map[uint32]*Connection),
	}
	for _, r := range c.Relays {
		s.pools = append(s.pools, &pool{RelayAddress: r, ports: newPorts(c.MinPort, c.MaxPort)})
	}
	s.answers, s.failures = newBudget(answerSets, &s.random), newBudget(failureSets, &s.random)
	var key [32]byte
	s.random.read(key[:])
	s.nonces = newNonces(key[:], c.NonceLifetime)
	s.configure(c)
	return s, nil
}

// configure takes settings that were checked.
func (s *Server) configure(c Config) {
	c.Users = maps.Clone(c.Users) // the caller's may change
	s.config = c
	own := slices.Clone(c.Own)
	for i := range own {
		own[i] = own[i].Unmap()
	}
	for _, r := range c.Relays {
		own = append(own, r.Local, r.Announced)
	}
	s.policy = Policy{Allow: c.AllowPeers, Deny: c.DenyPeers, Own: own, ListenPorts: c.ListenPorts, Media: s.env.Media}
	var decoy [16]byte
	s.random.read(decoy[:])
	s.credentials = newCredentials(&c, hex.EncodeToString(decoy[:]))
	s.nonces.lifetime = int64(c.NonceLifetime / time.Second)
}

// Reload changes the settings of a running server: users, secrets, lifetimes, policy, quotas and the rest, but not Relays, ports and ExclusivePorts. The
// error is a *ConfigError, and then nothing changes. Permissions of peers that are denied now end; a user that is gone cannot refresh what it holds.
func (s *Server) Reload(now time.Time, c Config) error {
	c, err := c.withDefaults()
	if err != nil {
		return err
	}
	fixed := errors.New("cannot change while the server runs")
	switch {
	case !slices.Equal(c.Relays, s.config.Relays):
		return &ConfigError{Setting: "Relays", Err: fixed}
	case c.MinPort != s.config.MinPort || c.MaxPort != s.config.MaxPort:
		return &ConfigError{Setting: "MinPort", Err: fixed}
	case c.ExclusivePorts != s.config.ExclusivePorts:
		return &ConfigError{Setting: "ExclusivePorts", Err: fixed}
	}
	s.configure(c)
	for _, a := range s.clients {
		a.judgeAgain()
	}
	return nil
}

// Listen makes a listener.
func (s *Server) Listen(name string, t Transport) *Listener {
	l := &Listener{Name: name, Transport: t}
	s.listeners = append(s.listeners, l)
	return l
}

// Handle takes one STUN message or ChannelData from a client, borrowed. It returns false when the datagram is neither.
func (s *Server) Handle(now time.Time, via *Listener, from tuple.Tuple, datagram []byte) bool {
	if IsChannelData(datagram) {
		s.channelData(now, via, from, datagram)
		return true
	}
	if !stun.IsMessage(datagram) {
		return false
	}
	r := &s.request
	if !r.m.Parse(datagram) {
		via.Counters.drop(DropMalformed)
		return true
	}
	fingerprint := r.m.Has(stun.AttrFingerprint)
	if fingerprint && !r.m.CheckFingerprint() {
		via.Counters.drop(DropFingerprint)
		return true
	}
	switch {
	case r.m.Class == stun.Request:
		r.reply = reply{server: s, via: via, from: from, mirror: fingerprint, method: r.m.Method, transaction: r.m.TransactionID()}
		r.now, r.size, r.a, r.user = now, len(datagram), s.lookup(from), user{}
		r.handle()
	case r.m.Class == stun.Indication && r.m.Method == stun.Send:
		s.sendIndication(now, via, from, &r.m)
	default:
		via.Counters.drop(DropNotRequest)
	}
	return true
}

// lookup finds the allocation of a client. Datagrams of one client come in bursts.
func (s *Server) lookup(from tuple.Tuple) *allocation {
	if a := s.recent; a != nil && a.client == from {
		return a
	}
	a := s.clients[from]
	if a != nil {
		s.recent = a
	}
	return a
}

// ClientClosed tells that a client's connection ended. What it held ends with it, unless the client may come back elsewhere with a ticket.
func (s *Server) ClientClosed(now time.Time, client tuple.Tuple) {
	if a := s.clients[client]; a != nil && a.mobile == nil {
		s.end(a, EndClosed)
	}
}

// Drain refuses new allocations from now on.
func (s *Server) Drain() { s.draining = true }

// Close ends all allocations.
func (s *Server) Close(now time.Time) {
	s.draining = true
	for _, a := range s.sorted() {
		s.end(a, EndShutdown)
	}
	for _, r := range s.reservations {
		s.cancel(r)
	}
}

// End ends one allocation, and returns false if there is no such.
func (s *Server) End(now time.Time, id uint64) bool {
	for _, a := range s.clients {
		if a.id == id {
			s.end(a, EndRevoked)
			return true
		}
	}
	return false
}

// emit tells of an allocation.
func (s *Server) emit(a *allocation, e Event) {
	if s.env.Events == nil {
		return
	}
	e.ID, e.Client, e.Listener, e.Username, e.Class = a.id, a.client, a.via, a.username, a.class
	e.Relay = a.relayed
	s.env.Events.TURN(e)
}
