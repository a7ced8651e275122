package socket

import (
	"testing"

	"golang.org/x/sys/unix"

	"gazpacho/pkg/tuple"
)

// SECURITY.md R-ICE-7: ICMP errors are counters. An unconnected socket hears of none, so this one
// is connected to a port where nobody listens.
func TestICMPErrorsDoNotEndTheReader(t *testing.T) {
	links := NewLinks()
	u, closed := listenUDP(t, links, loopback4, Options{}), listenUDP(t, links, loopback4, Options{})
	closed.Close()
	port := int(closed.Local().Port())
	control(t, u, func(fd int) error {
		return unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port})
	})
	packets := receive(t, u)
	e := NewEgress(links)
	refusing := tuple.Of(tuple.UDP, u.Link(), u.Local(), closed.Local())
	commit(e, refusing, "lost")
	e.Flush()
	eventually(t, "the ICMP error is counted", func() bool {
		return u.Stats().Unreachable+e.Stats().Unreachable > 0
	})

	control(t, u, func(fd int) error { // from now on it talks to itself
		return unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: int(u.Local().Port())})
	})
	commit(e, tuple.Of(tuple.UDP, u.Link(), u.Local(), u.Local()), "alive")
	e.Flush()
	if p := next(t, packets); p.data != "alive" {
		t.Errorf("got %q", p.data)
	}
}

// A send to where nobody listens on a socket as media has it: nothing is reported, nothing breaks.
func TestSendToClosedPort(t *testing.T) {
	links := NewLinks()
	u, closed := listenUDP(t, links, loopback4, Options{}), listenUDP(t, links, loopback4, Options{})
	closed.Close()
	packets := receive(t, u)
	e := NewEgress(links)
	for range 3 {
		commit(e, tuple.Of(tuple.UDP, u.Link(), u.Local(), closed.Local()), "lost")
		commit(e, tuple.Of(tuple.UDP, u.Link(), u.Local(), u.Local()), "alive")
		e.Flush()
		if p := next(t, packets); p.data != "alive" {
			t.Errorf("got %q", p.data)
		}
	}
	if s := e.Stats(); s.Sent != 6 || s.Dropped() != 0 {
		t.Errorf("egress %+v", s)
	}
}

func TestKernelDropsAreCounted(t *testing.T) {
	links := NewLinks()
	u := listenUDP(t, links, loopback4, Options{RecvBuffer: 1}) // the least that the system allows
	e := NewEgress(links)
	const sent = 200
	for range sent {
		e.Next()
		e.Commit(1200, tuple.Of(tuple.UDP, u.Link(), u.Local(), u.Local()))
	}
	e.Flush() // nobody reads yet
	dropped := u.Stats().KernelDrops
	if dropped == 0 || dropped >= sent {
		t.Fatalf("%d of %d dropped", dropped, sent)
	}
	packets := receive(t, u)
	for range sent - dropped {
		next(t, packets)
	}
	noMore(t, packets)
}

// FACTS: "don't fragment" is on by default on Linux. A media packet over the path's MTU would vanish.
func TestPacketsMayBeFragmented(t *testing.T) {
	links := NewLinks()
	for _, tt := range []struct {
		u           *UDP
		level, name int
	}{
		{listenUDP(t, links, loopback4, Options{}), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER},
		{listenUDP(t, links, wildcard6, Options{}), unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER},
		{listenUDP(t, links, wildcard6, Options{}), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER},
	} {
		control(t, tt.u, func(fd int) error {
			v, err := unix.GetsockoptInt(fd, tt.level, tt.name)
			if v != unix.IP_PMTUDISC_DONT {
				t.Errorf("%v: MTU discovery is %d", tt.u.Local(), v)
			}
			return err
		})
	}
}

func control(t *testing.T, u *UDP, f func(fd int) error) {
	t.Helper()
	var err error
	if ctl := u.conn.(*rawUDP).raw.Control(func(fd uintptr) { err = f(int(fd)) }); ctl != nil {
		err = ctl
	}
	if err != nil {
		t.Fatal(err)
	}
}
