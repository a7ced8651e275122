package socket

import (
	"net/netip"
	"sync"
)

// strangers counts the connections of each address that ICE has not accepted yet. An IPv6 host
// commands a whole /64, so that is what counts as an address there.
type strangers struct {
	mu     sync.Mutex
	limit  int
	counts map[netip.Addr]int
}

// enter takes a place, and returns false when the address has none left.
func (s *strangers) enter(ip netip.Addr) bool {
	ip = site(ip)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts[ip] >= s.limit {
		return false
	}
	if s.counts == nil {
		s.counts = make(map[netip.Addr]int)
	}
	s.counts[ip]++
	return true
}

// leave gives a place back.
func (s *strangers) leave(ip netip.Addr) {
	ip = site(ip)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts[ip]--; s.counts[ip] <= 0 {
		delete(s.counts, ip)
	}
}

// site is what connections are counted by.
func site(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return ip
	}
	return p.Addr()
}
