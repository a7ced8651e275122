package worker

import (
	"net/netip"
	"testing"
	"time"

	"gazpacho/pkg/socket"
	"gazpacho/pkg/transport"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// listenerOf is a port of media as a binding has it.
func listenerOf(address, announced string) transport.Local {
	return transport.Local{Info: proto.ListenInfo{AnnouncedAddress: announced}, Address: netip.MustParseAddrPort(address), Protocol: tuple.UDP}
}

// nobody takes what comes.
type nobody struct{ taken int }

func (n *nobody) Handle(time.Time, []byte, tuple.Tuple) { n.taken++ }
func (n *nobody) LinkClosed(time.Time, tuple.Link)      {}
func (n *nobody) Fault(time.Time)                       {}

// A port of media is known by the address it is bound to, by the one that is announced, and if it is bound to all of this machine's, by each of
// those; those of other workers by what the operator said. No other port of the same addresses is one.
func TestMediaPorts(t *testing.T) {
	m := newMediaPorts(&relay{links: socket.NewLinks()})
	m.own = map[netip.Addr]bool{netip.MustParseAddr("10.0.0.1"): true, netip.MustParseAddr("2001:db8::1"): true}
	m.foreign([]netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:4001")})
	in := &nobody{}
	removeOne := m.add(in, listenerOf("192.0.2.1:4000", "203.0.113.1"))
	removeAll := m.add(in, listenerOf("0.0.0.0:5000", "media.example"))
	m.add(in, listenerOf("[::]:6000", ""))
	check := func(address string, want bool) {
		t.Helper()
		if got := m.IsMedia(netip.MustParseAddrPort(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	for address, want := range map[string]bool{
		"192.0.2.1:4000": true, "203.0.113.1:4000": true, "192.0.2.1:4001": false, "203.0.113.1:5000": false, "192.0.2.1:0": true, "203.0.113.1:0": true,
		"10.0.0.1:5000": true, "10.0.0.2:5000": false, "[2001:db8::1]:5000": false, "10.0.0.1:6000": true, "[2001:db8::1]:6000": true,
		"10.0.0.1:4001": true, "10.0.0.2:4001": false, "10.0.0.2:0": false, "10.0.0.1:22": false,
	} {
		check(address, want)
	}
	removeOne()
	check("192.0.2.1:4000", false)
	removeAll()
	check("10.0.0.1:5000", false)
	check("10.0.0.1:6000", true)
	m.foreign(nil)
	check("10.0.0.1:4001", false)
}

// The way back has a bound: what media sends beyond is dropped, and counted by the egress.
func TestWayBackIsBounded(t *testing.T) {
	m := newMediaPorts(&relay{links: socket.NewLinks()})
	n := &mediaName{}
	to := netip.MustParseAddrPort("192.0.2.1:50000")
	for i := range maxBack {
		if !m.put(n, []byte("packet"), to) {
			t.Fatalf("packet %d was refused", i)
		}
	}
	if m.put(n, []byte("packet"), to) {
		t.Error("more than the bound was taken")
	}
}
