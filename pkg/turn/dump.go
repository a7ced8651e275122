package turn

import (
	"net/netip"
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

// Stats returns the gauges.
func (s *Server) Stats() Stats { return Stats{} }

// Listeners returns the listeners in the order of Listen.
func (s *Server) Listeners() []*Listener { return nil }

// Dump shows every allocation, in the order they were made.
func (s *Server) Dump() []AllocationDump { return nil }
