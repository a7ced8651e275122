package socket

import (
	"encoding/hex"
	"net/netip"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

func TestSockaddrGoldenBytes(t *testing.T) {
	tests := []struct {
		name   string
		family uint16
		addr   string
		want   string // behind the family, which is in host order
		back   string // what the kernel would report, if not addr
	}{
		{"sockaddr_in", unix.AF_INET, "192.0.2.1:4443", "115b" + "c0000201" + "0000000000000000", ""},
		{
			"sockaddr_in6", unix.AF_INET6, "[2001:db8::1]:4443",
			"115b" + "00000000" + "20010db8000000000000000000000001" + "00000000", "",
		},
		{
			"v4-mapped in sockaddr_in6", unix.AF_INET6, "192.0.2.1:4443",
			"115b" + "00000000" + "00000000000000000000ffffc0000201" + "00000000", "",
		},
		{"IPv6 in sockaddr_in", unix.AF_INET, "[2001:db8::1]:4443", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s sockaddr
			for i := range s.rest {
				s.rest[i] = 0xee // of an address before
			}
			addr := netip.MustParseAddrPort(tt.addr)
			n := s.put(tt.family, addr)
			if tt.want == "" {
				if n != 0 {
					t.Errorf("length %d for a family that cannot reach it", n)
				}
				return
			}
			raw := unsafe.Slice((*byte)(unsafe.Pointer(&s)), int(n))
			if got := hex.EncodeToString(raw[2:]); got != tt.want {
				t.Errorf("bytes %s, want %s", got, tt.want)
			}
			if s.family != tt.family {
				t.Errorf("family %d", s.family)
			}
			if back := s.addrPort(); back != addr {
				t.Errorf("reads back as %v", back)
			}
		})
	}
}

// A link-local peer is reached through the interface that its zone names.
func TestSockaddrZone(t *testing.T) {
	var s sockaddr
	s.put(unix.AF_INET6, netip.MustParseAddrPort("[fe80::1%7]:9"))
	if scope := s.rest[20:24]; *(*uint32)(unsafe.Pointer(&scope[0])) != 7 {
		t.Errorf("scope bytes %x", scope)
	}
	if back := s.addrPort(); back != netip.MustParseAddrPort("[fe80::1%7]:9") {
		t.Errorf("reads back as %v", back)
	}
	s.put(unix.AF_INET6, netip.MustParseAddrPort("[fe80::1%lo]:9"))
	if back := s.addrPort(); back != netip.MustParseAddrPort("[fe80::1%1]:9") {
		t.Errorf("zone by name reads back as %v", back)
	}
	s.put(unix.AF_INET6, netip.MustParseAddrPort("[fe80::1%nosuch]:9"))
	if back := s.addrPort(); back.Addr().Zone() != "" {
		t.Errorf("unknown zone reads back as %v", back)
	}
}

func TestSockaddrRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
		ip := netip.AddrFrom16([16]byte(raw)).Unmap()
		family := uint16(unix.AF_INET6)
		if rapid.Bool().Draw(t, "IPv4") {
			ip = netip.AddrFrom4([4]byte(raw[:4]))
			family = rapid.SampledFrom([]uint16{unix.AF_INET, unix.AF_INET6}).Draw(t, "family")
		}
		addr := netip.AddrPortFrom(ip, rapid.Uint16().Draw(t, "port"))
		var s sockaddr
		if s.put(family, addr) == 0 || s.addrPort() != addr {
			t.Fatalf("%v reads back as %v", addr, s.addrPort())
		}
	})
}
