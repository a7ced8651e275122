package supervisor

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gazpacho/proto"
)

// TURNURLs are what clients are told of TURN's own listeners, such as udp:0.0.0.0:3478 (RFC 7065): those over TLS last, since clients try in order.
// What is on no address that clients have is left out, and DTLS is, which no browser speaks.
func (r RTC) TURNURLs(listen []string) ([]string, error) {
	var plain, secure []string
	for _, text := range listen {
		transport, address, _ := strings.Cut(text, ":")
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return nil, fmt.Errorf("%q has no address with a port", text)
		}
		host, err := r.called(at.Addr())
		if err != nil {
			return nil, err
		}
		end := net.JoinHostPort(host, strconv.Itoa(int(at.Port())))
		switch {
		case host == "":
		case transport == "tls":
			secure = append(secure, "turns:"+end+"?transport=tcp")
		case transport != "dtls":
			plain = append(plain, "turn:"+end+"?transport="+transport)
		}
	}
	return slices.Concat(plain, secure), nil
}

// called is what clients call an address that is listened on: what is announced, or for a wildcard the best of the machine's; empty if there is none.
func (r RTC) called(a netip.Addr) (string, error) {
	a = a.Unmap()
	if announced := r.announced(a); announced != "" {
		return announced, nil
	}
	if !a.IsUnspecified() {
		return a.String(), nil
	}
	list, err := RTC{Listen: []netip.Addr{a}}.machine()
	if len(list) == 0 {
		return "", err
	}
	return list[0].String(), nil
}

// machine is the machine's addresses of the families that are listened on, loopback last.
func (r RTC) machine() ([]netip.Addr, error) {
	found, err := interfaceAddresses()
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(f netip.Addr) bool {
		return !slices.ContainsFunc(r.Listen, func(a netip.Addr) bool { return a.Is4() == f.Is4() })
	})
	slices.SortStableFunc(found, func(a, b netip.Addr) int { return boolInt(a.IsLoopback()) - boolInt(b.IsLoopback()) })
	return found, nil
}

// relayAddresses are where relays are, if nothing else is said: for each IP version the first address that media is received on, and what it is
// announced as.
func (r RTC) relayAddresses() ([]string, error) {
	addresses, err := r.addresses()
	if err != nil {
		return nil, err
	}
	var list []string
	var taken [2]bool
	for _, a := range addresses {
		text := ""
		if announced, err := netip.ParseAddr(r.announced(a)); err == nil {
			text = "=" + announced.String()
		}
		if a.IsUnspecified() { // it is announced: a relay still needs an address of its own
			found, err := RTC{Listen: []netip.Addr{a}}.machine()
			if err != nil || len(found) == 0 {
				continue
			}
			a = found[0]
		}
		if i := boolInt(a.Is6()); !taken[i] {
			taken[i] = true
			list = append(list, a.String()+text)
		}
	}
	return list, nil
}

// mediaPorts are the addresses by which clients may call a worker's sockets of media; one that is announced is called so, and what it is behind that is
// said with it.
func (r RTC) mediaPorts(sockets []proto.IPPort) ([]string, error) {
	var list []string
	add := func(text string) {
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	for _, s := range sockets {
		a, err := netip.ParseAddr(s.IP)
		if err != nil {
			return nil, fmt.Errorf("a worker listens on %q", s.IP)
		}
		found := []netip.Addr{a}
		if a.IsUnspecified() {
			if found, err = (RTC{Listen: found}).machine(); err != nil {
				return nil, err
			}
		}
		if announced, err := netip.ParseAddr(r.announced(a)); err == nil && len(found) > 0 {
			add(netip.AddrPortFrom(announced.Unmap(), s.Port).String() + "=" + netip.AddrPortFrom(found[0], s.Port).String())
			continue
		}
		for _, f := range found {
			add(netip.AddrPortFrom(f, s.Port).String())
		}
	}
	return list, nil
}
