package limit

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ClientIP is where a request comes from. What X-Forwarded-For says counts only as far as trusted proxies wrote it: each appends the
// address it was asked from, so the client is the right-most entry that is not a trusted proxy itself. With an entry on the way there
// that is no address, nothing is known but the socket's other end. The zero Addr is returned if not even that is an IP address.
func ClientIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	socket := remoteOf(r)
	if !contains(trusted, socket) {
		return socket
	}
	client := socket
	hops := r.Header.Values("X-Forwarded-For")
	for i := len(hops) - 1; i >= 0; i-- {
		rest, more := hops[i], true
		for more {
			var hop string
			rest, hop, more = cutLast(rest)
			a, ok := hopOf(hop)
			if !ok {
				return socket
			}
			if client = a; !contains(trusted, a) {
				return a
			}
		}
	}
	return client // all of them are proxies of ours: the first one asks for itself
}

// Forwarded tells whether a request comes by way of a trusted proxy.
func Forwarded(r *http.Request, trusted []netip.Prefix) bool { return contains(trusted, remoteOf(r)) }

func remoteOf(r *http.Request) netip.Addr {
	p, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap().WithZone("")
}

// cutLast splits the last entry off a comma separated list.
func cutLast(list string) (rest, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return "", list, false
	}
	return list[:i], list[i+1:], true
}

// hopOf reads an entry: an address, which some proxies write with a port.
func hopOf(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	a, err := netip.ParseAddr(text)
	if err != nil {
		host, _, split := net.SplitHostPort(text)
		if split != nil {
			host = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
		}
		if a, err = netip.ParseAddr(host); err != nil {
			return a, false
		}
	}
	if a.Zone() != "" {
		return a, false // means nothing beyond the proxy's own links
	}
	return a.Unmap(), true
}
