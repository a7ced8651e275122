package worker

import (
	"net/netip"

	"gazpacho/pkg/socket"
	"gazpacho/pkg/tuple"
	"gazpacho/pkg/turn"
)

// relaySockets opens the sockets of relays.
type relaySockets struct{ r *relay }

// Open binds one.
func (o relaySockets) Open(to *turn.Relay) (turn.RelaySocket, bool) {
	s, err := o.r.sockets.Open(to.Local(), socket.Options{})
	if err != nil {
		return nil, false
	}
	s.Tag = to
	o.r.media.relays[to.Address()] = to
	return &relaySocket{owner: o.r, Relay: s, address: to.Address()}, true
}

// relaySocket sends what clients relay, in the slots of the one egress.
type relaySocket struct {
	*socket.Relay
	owner   *relay
	address netip.AddrPort
}

// Next lends a slot.
func (s *relaySocket) Next() []byte { return s.owner.egress.Next() }

// Commit sends it.
func (s *relaySocket) Commit(n int, to netip.AddrPort, df bool) {
	s.owner.egress.Commit(n, tuple.Tuple{Local: s.Local(), Remote: s.owner.media.aliases.placeOf(to), Link: s.Link(df), Protocol: tuple.UDP})
}

// Close frees the port, once what was relayed before is sent.
func (s *relaySocket) Close() {
	s.owner.egress.Flush()
	delete(s.owner.media.relays, s.address)
	s.Relay.Close()
}
