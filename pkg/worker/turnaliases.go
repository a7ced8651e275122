package worker

import "net/netip"

// mediaAliases are the ports of other workers' media that are announced by another address than they have, behind NAT. What a client relays to one would
// leave the machine and come back, if the NAT lets it: so it goes where the port is, and what comes from there comes from where the client sent to.
type mediaAliases struct {
	places map[netip.AddrPort]netip.AddrPort // by name
	names  map[netip.AddrPort]netip.AddrPort // by place
}

// set forgets those there were.
func (m *mediaAliases) set(places map[netip.AddrPort]netip.AddrPort) {
	m.places, m.names = places, make(map[netip.AddrPort]netip.AddrPort, len(places))
	for name, place := range places {
		m.names[place] = name
	}
}

// placeOf is where to send what is for a peer.
func (m *mediaAliases) placeOf(peer netip.AddrPort) netip.AddrPort { return translated(m.places, peer) }

// nameOf is whom a client calls a peer.
func (m *mediaAliases) nameOf(peer netip.AddrPort) netip.AddrPort { return translated(m.names, peer) }

// translated costs nothing where nothing is to be translated.
func translated(m map[netip.AddrPort]netip.AddrPort, a netip.AddrPort) netip.AddrPort {
	if len(m) == 0 {
		return a
	}
	if b, ok := m[a]; ok {
		return b
	}
	return a
}
