package tuple

import (
	"net/netip"
	"testing"
)

var (
	local  = netip.MustParseAddrPort("10.0.0.1:4443")
	remote = netip.MustParseAddrPort("10.0.0.2:50000")
)

// The names are those of the channel protocol.
func TestProtocolString(t *testing.T) {
	if UDP.String() != "udp" || TCP.String() != "tcp" {
		t.Fatalf("%q and %q", UDP, TCP)
	}
}

func TestCanonical(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"10.0.0.2:50000", "10.0.0.2:50000"},
		{"[::ffff:10.0.0.2]:50000", "10.0.0.2:50000"},
		{"[::ffff:10.0.0.2%eth0]:50000", "10.0.0.2:50000"},
		{"[2001:db8::1]:1", "[2001:db8::1]:1"},
		{"[fe80::1%eth0]:1", "[fe80::1%eth0]:1"},
		{"[::10.0.0.2]:1", "[::a00:2]:1"}, // v4-compatible is another address
	} {
		got := Canonical(netip.MustParseAddrPort(test.in))
		if got != netip.MustParseAddrPort(test.want) {
			t.Errorf("%s becomes %s, want %s", test.in, got, test.want)
		}
	}
	if got := Canonical(netip.AddrPort{}); got != (netip.AddrPort{}) {
		t.Errorf("no address becomes %s", got)
	}
}

// A dual-stack socket and an IPv4 one must make the same key of the same peer.
func TestOfMakesOneKeyOfOnePath(t *testing.T) {
	mapped := netip.AddrPortFrom(netip.AddrFrom16(remote.Addr().As16()), remote.Port())
	seen := map[Tuple]bool{Of(UDP, 1, local, remote): true}
	if !seen[Of(UDP, 1, local, mapped)] {
		t.Error("the v4-mapped form of a peer's address is another key")
	}
	for name, other := range map[string]Tuple{
		"protocol":    Of(TCP, 1, local, remote),
		"link":        Of(UDP, 2, local, remote),
		"local port":  Of(UDP, 1, netip.MustParseAddrPort("10.0.0.1:4444"), remote),
		"remote port": Of(UDP, 1, local, netip.MustParseAddrPort("10.0.0.2:50001")),
		"remote":      Of(UDP, 1, local, netip.MustParseAddrPort("10.0.0.3:50000")),
	} {
		if seen[other] {
			t.Errorf("another %s makes the same key", name)
		}
	}
}

func TestIsValid(t *testing.T) {
	for name, test := range map[string]struct {
		tuple Tuple
		want  bool
	}{
		"whole":     {Of(UDP, 1, local, remote), true},
		"no local":  {Of(UDP, 1, netip.AddrPort{}, remote), true}, // a wildcard socket may not know
		"no link":   {Of(UDP, 0, local, remote), false},
		"no remote": {Of(UDP, 1, local, netip.AddrPort{}), false},
		"zero":      {Tuple{}, false},
	} {
		if got := test.tuple.IsValid(); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestString(t *testing.T) {
	if got, want := Of(TCP, 1, local, remote).String(), "tcp 10.0.0.1:4443 <- 10.0.0.2:50000"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNoAllocations(t *testing.T) {
	seen := map[Tuple]int{Of(UDP, 1, local, remote): 1}
	mapped := netip.AddrPortFrom(netip.AddrFrom16(remote.Addr().As16()), remote.Port())
	sum := 0
	if n := testing.AllocsPerRun(100, func() { sum += seen[Of(UDP, 1, local, mapped)] }); n != 0 {
		t.Fatalf("%v allocations per look-up", n)
	}
	if sum == 0 {
		t.Fatal("not found")
	}
}

func BenchmarkLookUp(b *testing.B) {
	seen := map[Tuple]int{}
	for port := range uint16(10_000) {
		seen[Of(UDP, 1, local, netip.AddrPortFrom(remote.Addr(), 1+port))] = 1
	}
	b.ReportAllocs()
	for b.Loop() {
		if seen[Of(UDP, 1, local, netip.AddrPortFrom(remote.Addr(), 5000))] == 0 {
			b.Fatal("not found")
		}
	}
}
