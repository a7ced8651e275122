package turn

import (
	"net/netip"
	"slices"
)

// Verdict is what the policy says of a peer.
type Verdict uint8

// The verdicts.
const (
	PeerDenied  Verdict = iota
	PeerAllowed         // by being global, or by name
	PeerMedia           // a media port of our own
)

// Policy decides whom clients may reach through us (R-TURN-1). The zero value lets them reach the global internet.
type Policy struct {
	Allow, Deny []netip.Prefix // the longest prefix decides, Deny before Allow of the same length
	Own         []netip.Addr
	ListenPorts []uint16 // where our own clients come in on the own addresses
	Media       Media
}

// Judge says whether a client may reach a peer; with port 0, whether it may reach any port of it. It is asked when a permission is made, a channel bound
// or a connection opened, and, for what the host itself has, with every packet.
//
// An address counts as what it leads to: v4-mapped, v4-compatible, 6to4, NAT64 and Teredo addresses as the IPv4 address within, for a client may write
// 127.0.0.1 in each of these ways. What is neither global unicast nor allowed by name is denied, and so are our own addresses but for media ports.
func (p *Policy) Judge(peer netip.AddrPort) Verdict {
	ip := peer.Addr()
	if !ip.IsValid() || ip.Zone() != "" {
		return PeerDenied
	}
	ip = ip.Unmap()
	within, n := embedded(ip)
	if n == 0 {
		return p.judge(ip, peer.Port())
	}
	if p.byName(ip) == PeerDenied {
		return PeerDenied
	}
	for _, v4 := range within[:n] {
		// The port is not looked at, for the packet would come back over the network: only what needs no look at it may pass.
		if p.IsOwn(v4) || p.judge(v4, 0) != PeerAllowed {
			return PeerDenied
		}
	}
	return PeerAllowed
}

// unnamed is what byName says of an address that the operator did not name.
const unnamed = PeerMedia

func (p *Policy) judge(ip netip.Addr, port uint16) Verdict {
	if ip.IsUnspecified() || ip.IsMulticast() || ip == broadcast {
		return PeerDenied // 0.0.0.0 is this host, too; the others are not one peer
	}
	own := p.IsOwn(ip)
	if own {
		if p.Media != nil && p.Media.IsMedia(netip.AddrPortFrom(ip, port)) {
			return PeerMedia
		}
		if slices.Contains(p.ListenPorts, port) {
			return PeerDenied // a relay as the client of another: no loops (R-TURN-6)
		}
	}
	if v := p.byName(ip); v != unnamed {
		return v
	}
	if own || !isGlobal(ip) {
		return PeerDenied
	}
	return PeerAllowed
}

// IsOwn tells whether an address is one of this host.
func (p *Policy) IsOwn(ip netip.Addr) bool { return ip.IsLoopback() || slices.Contains(p.Own, ip) }

// byName returns what the longest prefix says that the operator named.
func (p *Policy) byName(ip netip.Addr) Verdict {
	verdict, bits := unnamed, -1
	for _, prefix := range p.Allow {
		if prefix.Bits() > bits && prefix.Contains(ip) {
			verdict, bits = PeerAllowed, prefix.Bits()
		}
	}
	for _, prefix := range p.Deny {
		if prefix.Bits() >= bits && prefix.Contains(ip) {
			verdict, bits = PeerDenied, prefix.Bits()
		}
	}
	return verdict
}
