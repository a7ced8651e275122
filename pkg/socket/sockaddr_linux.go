package socket

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	sizeofSockaddr4 = unix.SizeofSockaddrInet4
	sizeofSockaddr6 = unix.SizeofSockaddrInet6
)

// sockaddr is a struct sockaddr_in or sockaddr_in6 as the kernel lays it out. In both the family
// comes first in host order, then the port in network order.
type sockaddr struct {
	family uint16
	port   [2]byte
	rest   [24]byte // in: address [0:4]; in6: flow info [0:4], address [4:20], scope [20:24]
}

// put writes an address for a socket of the given family and returns the length to give to the
// kernel, 0 when that family cannot reach it.
func (s *sockaddr) put(family uint16, a netip.AddrPort) uint32 {
	ip := a.Addr()
	binary.BigEndian.PutUint16(s.port[:], a.Port())
	s.family = family
	if family == unix.AF_INET {
		if !ip.Is4() {
			return 0
		}
		ip4 := ip.As4()
		copy(s.rest[0:4], ip4[:])
		clear(s.rest[4:12])
		return sizeofSockaddr4
	}
	ip6 := ip.As16() // IPv4 in its v4-mapped form, which dual-stack sockets take
	clear(s.rest[0:4])
	copy(s.rest[4:20], ip6[:])
	binary.NativeEndian.PutUint32(s.rest[20:24], scopeOf(ip))
	return sizeofSockaddr6
}

// addrPort reads what the kernel wrote, canonical.
func (s *sockaddr) addrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(s.port[:])
	if s.family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s.rest[0:4])), port)
	}
	ip := netip.AddrFrom16([16]byte(s.rest[4:20])).Unmap()
	if scope := binary.NativeEndian.Uint32(s.rest[20:24]); scope != 0 {
		// Link-local peers only: the zone is part of how to reach them.
		ip = ip.WithZone(strconv.FormatUint(uint64(scope), 10))
	}
	return netip.AddrPortFrom(ip, port)
}

// scopeOf is the interface index that a zone names, by number or by name; 0 for none.
func scopeOf(ip netip.Addr) uint32 {
	zone := ip.Zone()
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	ifi, err := net.InterfaceByName(zone)
	if err != nil {
		return 0
	}
	return uint32(ifi.Index)
}
