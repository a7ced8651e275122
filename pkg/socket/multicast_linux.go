package socket

import (
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// joinGroup makes a socket a member of its group. What other sockets of the machine have joined is kept from it (IP_MULTICAST_ALL).
func joinGroup(fd int, opts Options) error {
	if opts.ReusePort {
		// Datagrams of a group go to every socket that is bound to it, so nobody takes anything from another.
		if err := setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1, "SO_REUSEADDR"); err != nil {
			return err
		}
	}
	group := opts.Group.Unmap()
	index := interfaceOf(opts.GroupVia)
	if zone := scopeOf(group); zone != 0 {
		index = int(zone)
	}
	if group.Is4() {
		if err := setInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0, "IP_MULTICAST_ALL"); err != nil {
			return err
		}
		join := &unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(index)}
		return os.NewSyscallError("IP_ADD_MEMBERSHIP", unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, join))
	}
	join := &unix.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(index)}
	return os.NewSyscallError("IPV6_JOIN_GROUP", unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, join))
}

// interfaceOf is the index of the interface that has an address, or 0.
func interfaceOf(ip netip.Addr) int {
	list, err := net.Interfaces()
	if err != nil || !ip.IsValid() {
		return 0
	}
	for _, i := range list {
		addresses, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addresses {
			prefix, err := netip.ParsePrefix(a.String())
			if err == nil && prefix.Addr() == ip.Unmap().WithZone("") {
				return i.Index
			}
		}
	}
	return 0
}
