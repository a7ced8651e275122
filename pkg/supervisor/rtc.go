package supervisor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"gazpacho/proto"
)

// maxInterfaceAddresses bounds what a wildcard becomes: each address costs every worker two sockets and every browser two
// candidates to check.
const maxInterfaceAddresses = 16

// RTC is where media is received.
type RTC struct {
	Listen    []netip.Addr // 0.0.0.0 and :: are all addresses of the machine
	Port      int          // of the first worker, UDP and TCP; the next has the next. 0: any free port
	Announced []string     // addresses or host names that peers are told instead, of either family; may be empty
}

// listenInfos are the sockets of a slot's worker. Browsers prefer what comes first: UDP, and loopback last.
func (r RTC) listenInfos(slot int) ([]proto.ListenInfo, error) {
	addresses, err := r.addresses()
	if err != nil {
		return nil, &SettingError{Setting: "rtc-listen", Err: err}
	}
	port := r.Port
	if port != 0 {
		port += slot
	}
	if port < 0 || port > 65535 {
		return nil, &SettingError{Setting: "rtc-port", Err: fmt.Errorf("%d is not a port", port)}
	}
	var infos []proto.ListenInfo
	for _, protocol := range []string{"udp", "tcp"} {
		for _, a := range addresses {
			info := proto.ListenInfo{Protocol: protocol, IP: a.String(), Port: uint16(port), AnnouncedAddress: r.announced(a)}
			if a.Is6() {
				info.Flags = &proto.SocketFlags{IPv6Only: true}
			}
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// announced is what peers are told instead of address: the first of the same family, or a host name.
func (r RTC) announced(address netip.Addr) string {
	for _, a := range r.Announced {
		ip, err := netip.ParseAddr(a)
		if err != nil || ip.Is4() == address.Is4() {
			return a
		}
	}
	return ""
}

// addresses are what is listened on. A wildcard that is announced by another name stays one; else each of the machine's
// addresses becomes a candidate of its own, since peers cannot send to 0.0.0.0.
func (r RTC) addresses() ([]netip.Addr, error) {
	var list []netip.Addr
	for _, a := range r.Listen {
		if !a.IsUnspecified() || r.announced(a) != "" {
			list = append(list, a)
			continue
		}
		found, err := interfaceAddresses()
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if f.Is4() == a.Is4() && len(list) < maxInterfaceAddresses {
				list = append(list, f)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b netip.Addr) int { return boolInt(a.IsLoopback()) - boolInt(b.IsLoopback()) })
	list = slices.CompactFunc(list, func(a, b netip.Addr) bool { return a == b })
	if len(list) == 0 {
		return nil, errors.New("no usable address among the machine's interfaces")
	}
	return list, nil
}

// interfaceAddresses are the machine's own unicast addresses. Link-local ones are left out: without a zone nobody can use them;
// of loopback only IPv4's counts.
func interfaceAddresses() ([]netip.Addr, error) {
	nets, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var list []netip.Addr
	for _, n := range nets {
		prefix, err := netip.ParsePrefix(n.String())
		if err != nil {
			continue
		}
		a := prefix.Addr().Unmap()
		if a.IsGlobalUnicast() || (a.Is4() && a.IsLoopback()) {
			list = append(list, a)
		}
	}
	return list, nil
}

// plain is where transports without ICE listen, which have no candidates to choose from: the first address, on any port.
func plain(infos []proto.ListenInfo) proto.ListenInfo {
	info := infos[0]
	info.Port = 0
	return info
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
