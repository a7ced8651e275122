// Package tuple is the 5-tuple a datagram travels on, usable as a map key.
package tuple

import "net/netip"

// Protocol is the transport protocol under ICE.
type Protocol uint8

// The protocols media travels on.
const (
	UDP Protocol = iota
	TCP
)

// String returns the name the channel protocol uses: "udp" or "tcp".
func (p Protocol) String() string {
	if p == TCP {
		return "tcp"
	}
	return "udp"
}

// Link names the socket (UDP) or connection (TCP) of this process that carries a tuple.
// The shell hands links out and never reuses one, so a late packet of a closed connection
// cannot be taken for another's. Zero is no link.
type Link uint32

// Tuple is where a datagram came from, or goes to. It is comparable; addresses are
// canonical: IPv4 is never in its v4-mapped form (see Of).
type Tuple struct {
	Local    netip.AddrPort
	Remote   netip.AddrPort
	Link     Link
	Protocol Protocol
}

// Of makes a tuple with canonical addresses.
func Of(p Protocol, link Link, local, remote netip.AddrPort) Tuple {
	return Tuple{Local: Canonical(local), Remote: Canonical(remote), Link: link, Protocol: p}
}

// Canonical unmaps a v4-mapped address: dual-stack sockets report IPv4 peers as ::ffff:a.b.c.d.
func Canonical(a netip.AddrPort) netip.AddrPort {
	if ip := a.Addr(); ip.Is4In6() {
		return netip.AddrPortFrom(ip.Unmap(), a.Port())
	}
	return a
}

// IsValid tells whether the tuple can be sent to.
func (t Tuple) IsValid() bool { return t.Link != 0 && t.Remote.IsValid() }

// String is "udp 10.0.0.1:4443 <- 10.0.0.2:50000".
func (t Tuple) String() string {
	return t.Protocol.String() + " " + t.Local.String() + " <- " + t.Remote.String()
}
