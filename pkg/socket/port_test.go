package socket

import (
	"net/netip"
	"testing"

	"gazpacho/pkg/tuple"
)

// What is sent to a port comes out of it, in order and with its address, beside what goes to sockets; what it has no room for, and what
// comes after it closed, is counted as dropped.
func TestPort(t *testing.T) {
	links := NewLinks()
	e := NewEgress(links)
	u := listenUDP(t, links, loopback4, Options{})
	peer := listenUDP(t, NewLinks(), loopback4, Options{})
	packets := receive(t, peer)
	var came []string
	room := 2
	p := OpenPort(links, func(payload []byte, to netip.AddrPort) bool {
		if room == 0 {
			return false
		}
		room--
		came = append(came, to.String()+" "+string(payload))
		return true
	})
	at := netip.MustParseAddrPort("192.0.2.1:7")
	to := tuple.Of(tuple.UDP, p.Link(), u.Local(), at)
	commit(e, to, "one")
	commit(e, tuple.Of(tuple.UDP, u.Link(), u.Local(), peer.Local()), "elsewhere")
	commit(e, to, "two")
	commit(e, to, "three")
	e.Flush()
	if len(came) != 2 || came[0] != "192.0.2.1:7 one" || came[1] != "192.0.2.1:7 two" {
		t.Errorf("the port got %q", came)
	}
	if p := next(t, packets); p.data != "elsewhere" {
		t.Errorf("the socket got %q", p.data)
	}
	if s := e.Stats(); s.Sent != 3 || s.Full != 1 || s.Bytes != uint64(len("one")+len("two")+len("elsewhere")) {
		t.Errorf("counted %+v", s)
	}
	room = 10
	p.Close()
	p.Close()
	commit(e, to, "late")
	e.Flush()
	if s := e.Stats(); s.Closed != 1 || len(came) != 2 {
		t.Errorf("after closing: %+v, %q", s, came)
	}
}

func TestPortAllocatesNothing(t *testing.T) {
	links := NewLinks()
	e := NewEgress(links)
	n := 0
	p := OpenPort(links, func(payload []byte, _ netip.AddrPort) bool { n += len(payload); return true })
	to := tuple.Of(tuple.UDP, p.Link(), loopback4, netip.MustParseAddrPort("192.0.2.1:7"))
	if allocs := testing.AllocsPerRun(100, func() {
		e.Commit(100, to)
		e.Commit(100, to)
		e.Flush()
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if n == 0 {
		t.Error("nothing came")
	}
}
