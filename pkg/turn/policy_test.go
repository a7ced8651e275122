package turn

import (
	"net/netip"
	"testing"
)

func mustPrefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// The address table of R-TURN-1, with nothing allowed by name.
func TestPolicyOfAddresses(t *testing.T) {
	p := Policy{Own: []netip.Addr{netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("8.8.4.4"), netip.MustParseAddr("2606:4700::99")}}
	for text, want := range map[string]Verdict{
		"8.8.8.8": PeerAllowed, "1.1.1.1": PeerAllowed, "192.0.1.1": PeerAllowed, "172.32.0.1": PeerAllowed, "100.128.0.1": PeerAllowed,
		"2606:4700::1": PeerAllowed, "2a00:1450::1": PeerAllowed, "2001:4860::8888": PeerAllowed,

		"0.0.0.0": PeerDenied, "0.1.2.3": PeerDenied, "10.0.0.1": PeerDenied, "10.255.255.255": PeerDenied, "100.64.0.1": PeerDenied,
		"100.127.255.255": PeerDenied, "127.0.0.1": PeerDenied, "127.255.0.1": PeerDenied, "169.254.169.254": PeerDenied, "172.16.0.1": PeerDenied,
		"172.31.255.255": PeerDenied, "192.0.0.1": PeerDenied, "192.0.2.1": PeerDenied, "192.88.99.1": PeerDenied, "192.168.1.1": PeerDenied,
		"198.18.0.1": PeerDenied, "198.19.255.255": PeerDenied, "198.51.100.1": PeerDenied, "203.0.113.7": PeerDenied, "224.0.0.1": PeerDenied,
		"239.255.255.255": PeerDenied, "240.0.0.1": PeerDenied, "255.255.255.255": PeerDenied,
		"::": PeerDenied, "::1": PeerDenied, "fe80::1": PeerDenied, "fe80::1%eth0": PeerDenied, "fc00::1": PeerDenied, "fd12::1": PeerDenied,
		"ff02::1": PeerDenied, "2001:db8::1": PeerDenied, "3fff::1": PeerDenied, "100::1": PeerDenied, "4000::1": PeerDenied, "2001:2::1": PeerDenied,
		"64:ff9b:1::8.8.8.8": PeerDenied, "fec0::1": PeerDenied, "5f00::1": PeerDenied, "2606:4700::1%eth0": PeerDenied,

		// what is our own
		"203.0.113.1": PeerDenied, "8.8.4.4": PeerDenied, "2606:4700::99": PeerDenied,

		// v4-mapped
		"::ffff:8.8.8.8": PeerAllowed, "::ffff:127.0.0.1": PeerDenied, "::ffff:10.0.0.1": PeerDenied, "::ffff:8.8.4.4": PeerDenied,
		"::ffff:169.254.169.254": PeerDenied, "::ffff:0.0.0.0": PeerDenied,
		// v4-compatible
		"::8.8.8.8": PeerAllowed, "::127.0.0.1": PeerDenied, "::10.0.0.1": PeerDenied, "::8.8.4.4": PeerDenied,
		// 6to4
		"2002:808:808::1": PeerAllowed, "2002:7f00:1::1": PeerDenied, "2002:a00:1::1": PeerDenied, "2002:808:404::1": PeerDenied, "2002:c0a8:101::1": PeerDenied,
		// NAT64
		"64:ff9b::8.8.8.8": PeerAllowed, "64:ff9b::127.0.0.1": PeerDenied, "64:ff9b::192.168.0.1": PeerDenied, "64:ff9b::8.8.4.4": PeerDenied,
		// Teredo: the server's address, and the client's inverted
		"2001:0:808:808:0:0:f7f7:f7f7": PeerAllowed, "2001:0:808:808:0:0:80ff:fffe": PeerDenied, "2001:0:7f00:1:0:0:f7f7:f7f7": PeerDenied,
		"2001:0:808:808:0:0:f7f7:fbfb": PeerDenied,
	} {
		for _, port := range []uint16{0, 53} {
			if got := p.Judge(netip.AddrPortFrom(netip.MustParseAddr(text), port)); got != want {
				t.Errorf("%s port %d: %v, want %v", text, port, got, want)
			}
		}
	}
	if p.Judge(netip.AddrPort{}) != PeerDenied {
		t.Error("no address is allowed")
	}
}

func TestPolicyByName(t *testing.T) {
	p := Policy{
		Allow:       mustPrefixes("127.0.0.0/8", "10.0.0.0/8", "10.1.2.0/24", "fd00::/8", "::1/128", "8.8.0.0/16", "0.0.0.0/0"),
		Deny:        mustPrefixes("10.1.0.0/16", "8.8.8.8/32", "9.9.9.0/24", "2606:4700::/32", "8.8.0.0/16", "2002:101:101::/48"),
		Own:         []netip.Addr{netip.MustParseAddr("10.7.7.7")},
		ListenPorts: []uint16{3478},
	}
	for text, want := range map[string]Verdict{
		"127.0.0.1:9": PeerAllowed, "[::1]:9": PeerAllowed, "10.0.0.1:9": PeerAllowed, "[fd00::1]:9": PeerAllowed, "192.168.0.1:9": PeerAllowed,
		"10.1.1.1:9": PeerDenied, "10.1.2.3:9": PeerAllowed, // the longer prefix decides
		"8.8.8.8:9": PeerDenied, "9.9.9.9:9": PeerDenied, "[2606:4700::1]:9": PeerDenied,
		"8.8.1.1:9":           PeerDenied, // of two alike the one that denies
		"[2002:909:909::1]:9": PeerDenied, "[::ffff:9.9.9.9]:9": PeerDenied, "[64:ff9b::9.9.9.9]:9": PeerDenied,
		"[2002:101:101::1]:9": PeerDenied, "[2002:101:102::1]:9": PeerAllowed,
		// our own, allowed by name, but for where our own clients come in (R-TURN-6)
		"10.7.7.7:9": PeerAllowed, "10.7.7.7:3478": PeerDenied, "127.0.0.1:3478": PeerDenied, "[::1]:3478": PeerDenied, "10.7.7.8:3478": PeerAllowed,
		// not even by name
		"0.0.0.0:9": PeerDenied, "255.255.255.255:9": PeerDenied, "224.0.0.1:9": PeerDenied, "[2002:7f00:1::1]:9": PeerDenied, "[::127.0.0.1]:9": PeerDenied,
	} {
		if got := p.Judge(netip.MustParseAddrPort(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// "the only exception is our own workers' media ports" (R-TURN-1), in no other form than their own address.
func TestPolicyOfOurMedia(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Own = []netip.Addr{netip.MustParseAddr("::ffff:9.9.9.9")} })
	w.media[mediaAddr] = true
	p := &w.server.policy
	if p.Judge(otherPeer) != PeerDenied {
		t.Error("our own address, mapped, is not ours")
	}
	for text, want := range map[string]Verdict{
		"203.0.113.1:4443": PeerMedia, "203.0.113.1:0": PeerMedia, "[::ffff:203.0.113.1]:4443": PeerMedia,
		"203.0.113.1:4444": PeerDenied, "203.0.113.1:3478": PeerDenied, "10.1.1.1:4443": PeerDenied, "10.1.1.1:0": PeerDenied,
		"[2002:cb00:7101::1]:4443": PeerDenied, "[64:ff9b::203.0.113.1]:4443": PeerDenied, "[::203.0.113.1]:4443": PeerDenied,
	} {
		if got := p.Judge(netip.MustParseAddrPort(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	p.Deny = mustPrefixes("203.0.113.0/24")
	if p.Judge(mediaAddr) != PeerMedia {
		t.Error("our own media can be denied") // "our own media ports always allowed"
	}
	if n := testing.AllocsPerRun(100, func() { p.Judge(mediaAddr); p.Judge(peerAddr6) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzPolicy(f *testing.F) {
	for _, text := range []string{"8.8.8.8", "::ffff:127.0.0.1", "2002:7f00:1::", "2001::1", "64:ff9b::10.0.0.1", "::1"} {
		f.Add(netip.MustParseAddr(text).AsSlice(), uint16(9))
	}
	p := Policy{Own: []netip.Addr{netip.MustParseAddr("8.8.4.4")}}
	f.Fuzz(func(t *testing.T, b []byte, port uint16) {
		ip, ok := netip.AddrFromSlice(b)
		if !ok || p.Judge(netip.AddrPortFrom(ip, port)) == PeerDenied {
			return
		}
		if ip.IsPrivate() || ip.IsLoopback() || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() {
			t.Errorf("%v is allowed", ip)
		}
		// The same address, as IPv6 holds it.
		if ip = ip.Unmap(); ip.Is4() {
			v4, six := ip.As4(), [16]byte{0x20, 0x02}
			copy(six[2:], v4[:])
			if p.Judge(netip.AddrPortFrom(netip.AddrFrom16(six), port)) != PeerAllowed {
				t.Errorf("%v is allowed, but not in 6to4", ip)
			}
		}
	})
}
