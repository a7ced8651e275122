package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Texts of the open mode.
const (
	openWarning = "OPEN: anybody who reaches this port may enter any room, hear and see everybody in it, and close it. That is for trying things out. " +
		"To ask for tokens, give auth-secret (" + secretHint + ", `controller token` makes tokens with it) or auth-jwks."
	openRefusal = "the whole internet could reach %s, %s, and no token is asked for: " +
		"give auth-secret or auth-jwks, or listen on localhost (--listen localhost:4443), or say --insecure-open if everybody shall get in"
)

// checkOpen refuses to be open to the internet unless that is asked for.
func checkOpen(s *checked) error {
	if !s.open() || s.InsecureOpen {
		return nil
	}
	for _, text := range s.AnnouncedAddresses {
		if a, err := netip.ParseAddr(text); err == nil && public(a) {
			return s.wrong("announced-address", fmt.Errorf(openRefusal, a, "where clients are told to come"))
		}
	}
	list, how, err := listening(s)
	if err != nil {
		return s.wrong("listen", err)
	}
	for _, a := range list {
		if public(a) {
			return s.wrong("listen", fmt.Errorf(openRefusal, a, how))
		}
	}
	return nil
}

// resolveTimeout bounds how long the start waits for a name.
const resolveTimeout = 5 * time.Second

// listening is the addresses that the HTTPS port has.
func listening(s *checked) (list []netip.Addr, how string, err error) {
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return nil, "", err
	}
	if a, err := netip.ParseAddr(host); err == nil && !a.IsUnspecified() {
		return []netip.Addr{a}, "where it listens", nil
	} else if host == "" || err == nil {
		list, err := s.Interfaces()
		return list, "an address of this machine", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	list, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	return list, "an address of " + host, err
}

// interfaces are the addresses of this machine.
func interfaces() ([]netip.Addr, error) {
	found, err := net.InterfaceAddrs()
	var list []netip.Addr
	for _, a := range found {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				list = append(list, ip)
			}
		}
	}
	return list, err
}

// notPublic is what is global unicast by its form and yet not reachable from all of the internet (RFC 6890).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"),   // shared, behind a carrier's NAT (RFC 6598)
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation (RFC 5737)
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarking (RFC 2544)
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("2001:db8::/32"),   // documentation (RFC 3849)
	netip.MustParsePrefix("3fff::/20"),       // documentation (RFC 9637)
	netip.MustParsePrefix("2001:2::/48"),     // benchmarking (RFC 5180)
}

// public tells whether the internet reaches an address.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
