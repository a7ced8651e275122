package turn

import "net/netip"

// Kinds of IPv6 addresses that hold an IPv4 address.
var (
	v4Compatible = netip.MustParsePrefix("::/96")        // RFC 4291 section 2.5.5.1, deprecated
	nat64        = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052 section 2.1
	sixToFour    = netip.MustParsePrefix("2002::/16")    // RFC 3056
	teredo       = netip.MustParsePrefix("2001::/32")    // RFC 4380 section 4
)

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// embedded returns the IPv4 addresses that an IPv6 address leads to: of Teredo the server, and the client behind its NAT, which is written inverted.
func embedded(ip netip.Addr) (within [2]netip.Addr, n int) {
	if !ip.Is6() {
		return within, 0
	}
	b := ip.As16()
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	switch {
	case ip == netip.IPv6Unspecified() || ip == netip.IPv6Loopback():
		return within, 0
	case v4Compatible.Contains(ip), nat64.Contains(ip):
		within[0] = at(12)
		return within, 1
	case sixToFour.Contains(ip):
		within[0] = at(2)
		return within, 1
	case teredo.Contains(ip):
		within[0] = at(4)
		for i := 12; i < 16; i++ {
			b[i] = ^b[i]
		}
		within[1] = at(12)
		return within, 2
	default:
		return within, 0
	}
}

// special are the blocks that are not globally reachable unicast, of IPv4 and of 2000::/3 (the registries of RFC 6890).
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var globalUnicast = netip.MustParsePrefix("2000::/3") // all of IPv6 that is given out so far

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// isGlobal tells whether an address is of the global internet.
func isGlobal(ip netip.Addr) bool {
	if ip.Is6() && !globalUnicast.Contains(ip) {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
