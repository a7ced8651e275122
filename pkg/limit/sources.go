// Package limit bounds what strangers may cost: sockets by address, messages and bytes by rate.
//
// Nothing here remembers an address for longer than one of its sockets is open, so that an attacker who owns 2^64 addresses needs
// as many sockets to fill our memory, and those are bounded as well.
package limit

import (
	"net/netip"
	"sync"
)

// Defaults of Sources (SECURITY.md R-WS-1).
const (
	DefaultPerSource = 100
	// DefaultTotal leaves most of a common limit of file descriptors to those who are in.
	DefaultTotal = 8192
)

// Sources counts what is open by where it comes from: by IPv4 address, and by /64 of IPv6, since that is what a subscriber gets.
type Sources struct {
	perSource, total int

	mu      sync.Mutex
	open    map[netip.Addr]int
	sum     int
	refused uint64
}

// NewSources allows perSource of each source and total of all; 0 stands for the default.
func NewSources(perSource, total int) *Sources {
	if perSource == 0 {
		perSource = DefaultPerSource
	}
	if total == 0 {
		total = DefaultTotal
	}
	return &Sources{perSource: perSource, total: total, open: map[netip.Addr]int{}}
}

// Take counts one more of a source, until the slot is released; false if that is too many. Addresses that cannot be told apart, such
// as the zero one, are one source.
func (s *Sources) Take(from netip.Addr) (*Slot, bool) {
	key := sourceOf(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[key] >= s.perSource || s.sum >= s.total {
		s.refused++
		return nil, false
	}
	s.open[key]++
	s.sum++
	return &Slot{sources: s, key: key}, true
}

// Stats tells how many are open, from how many sources, and how many were refused since the start.
func (s *Sources) Stats() SourcesStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return SourcesStats{Open: s.sum, Sources: len(s.open), Refused: s.refused}
}

// SourcesStats is what Sources counts.
type SourcesStats struct {
	Open, Sources int
	Refused       uint64
}

// Slot is one that is counted. Its methods may be called by any goroutine.
type Slot struct {
	sources  *Sources
	key      netip.Addr
	released bool // guarded by the lock of sources
}

// Release stops counting it, once.
func (t *Slot) Release() {
	s := t.sources
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.released {
		return
	}
	t.released = true
	s.sum--
	if s.open[t.key]--; s.open[t.key] == 0 {
		delete(s.open, t.key)
	}
}

// sourceOf is the key an address is counted under.
func sourceOf(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr()
}
