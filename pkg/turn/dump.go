package turn

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"gazpacho/pkg/tuple"
)

// Stats are the gauges of a server.
type Stats struct {
	Allocations, Reservations, Permissions, Channels, Connections int
	Ports, PortsFree                                              int
}

// AllocationDump shows one allocation.
type AllocationDump struct {
	ID          uint64
	Client      tuple.Tuple
	Listener    *Listener
	Username    string
	Class       UserClass
	Relays      []netip.AddrPort // as announced
	TCP         bool
	CreatedAt   time.Time
	ExpiresAt   time.Time
	Permissions []PermissionDump
	Channels    []ChannelDump
	Connections []netip.AddrPort
	Up, Down    Volume
}

// PermissionDump shows a permission.
type PermissionDump struct {
	Peer      netip.Addr
	ExpiresAt time.Time
}

// ChannelDump shows a channel.
type ChannelDump struct {
	Number    uint16
	Peer      netip.AddrPort
	ExpiresAt time.Time
}

// Stats returns the gauges, and brings the listeners' counters up to date.
func (s *Server) Stats() Stats {
	for _, c := range s.connections {
		c.tally()
	}
	g := Stats{Allocations: len(s.clients), Reservations: len(s.reservations), Connections: len(s.connections)}
	for _, a := range s.clients {
		g.Permissions += len(a.permissions)
		g.Channels += len(a.channels)
	}
	for _, p := range s.pools {
		g.Ports += p.count
		g.PortsFree += p.free
	}
	return g
}

// Listeners returns the listeners in the order of Listen.
func (s *Server) Listeners() []*Listener { return s.listeners }

// Dump shows every allocation, in the order they were made.
func (s *Server) Dump() []AllocationDump {
	list := make([]AllocationDump, 0, len(s.clients))
	for _, a := range s.sorted() {
		list = append(list, a.dump())
	}
	return list
}

// sorted returns the allocations in the order they were made.
func (s *Server) sorted() []*allocation {
	return slices.SortedFunc(maps.Values(s.clients), func(a, b *allocation) int { return cmp.Compare(a.id, b.id) })
}

func (a *allocation) dump() AllocationDump {
	d := AllocationDump{
		ID: a.id, Client: a.client, Listener: a.via, Username: a.username, Class: a.class, TCP: a.tcp,
		CreatedAt: a.createdAt, ExpiresAt: a.expiresAt,
	}
	for _, r := range a.relays {
		if r != nil {
			d.Relays = append(d.Relays, r.address)
		}
	}
	for _, p := range a.permissions {
		d.Permissions = append(d.Permissions, PermissionDump{Peer: p.peer, ExpiresAt: p.expiresAt})
	}
	for _, c := range a.channels {
		d.Channels = append(d.Channels, ChannelDump{Number: c.number, Peer: c.peer, ExpiresAt: c.expiresAt})
	}
	for _, c := range a.connections {
		c.tally()
		d.Connections = append(d.Connections, c.peer)
	}
	d.Up, d.Down = a.up, a.down
	return d
}
