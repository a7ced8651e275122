package socket

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gazpacho/pkg/tuple"
)

// relayed is a packet as the loop sees it.
type relayed struct {
	relay *Relay
	from  netip.AddrPort
	data  string
}

// relays makes a set whose packets and errors come out of channels.
func relays(t testing.TB, links *Links, batches int) (*Relays, <-chan relayed, <-chan ICMPError) {
	t.Helper()
	packets, errors := make(chan relayed, 8192), make(chan ICMPError, 64)
	r, err := NewRelays(links, NewPool(batches), func(b *Batch) {
		for {
			relay, from, data, ok := b.NextRelayed()
			if !ok {
				break
			}
			packets <- relayed{relay, from, string(data)}
		}
		b.Release()
	}, func(e ICMPError) { errors <- e })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, packets, errors
}

func openRelay(t testing.TB, r *Relays, addr netip.AddrPort) *Relay {
	t.Helper()
	relay, err := r.Open(addr, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Close)
	return relay
}

func nextRelayed(t testing.TB, packets <-chan relayed) relayed {
	t.Helper()
	select {
	case p := <-packets:
		return p
	case <-time.After(patience):
		t.Fatal("no packet came")
		return relayed{}
	}
}

// Many sockets are read by one goroutine, and what comes in says on which.
func TestRelaysReadAll(t *testing.T) {
	const sockets, each = 100, 3
	links := NewLinks()
	r, packets, _ := relays(t, links, 2)
	peer := listenUDP(t, links, loopback4, Options{})
	e := NewEgress(links)
	for i := range sockets {
		relay := openRelay(t, r, loopback4)
		relay.Tag = i
		for n := range each {
			commit(e, tuple.Of(tuple.UDP, peer.Link(), peer.Local(), relay.Local()), fmt.Sprint(i, "/", n))
		}
	}
	e.Flush()
	seen := map[string]bool{}
	for range sockets * each {
		p := nextRelayed(t, packets)
		if p.from != peer.Local() {
			t.Fatalf("from %v", p.from)
		}
		var tag, n int
		if _, err := fmt.Sscanf(p.data, "%d/%d", &tag, &n); err != nil || p.relay.Tag != tag || seen[p.data] {
			t.Fatalf("%q came in on %v", p.data, p.relay.Tag)
		}
		seen[p.data] = true
	}
	if s := r.Stats(); s.Packets != sockets*each || s.Open != sockets || s.Batches == 0 {
		t.Errorf("counted %+v", s)
	}
}

// More packets than a batch holds are read on, whatever else is ready.
func TestRelaysReadOnWhenABatchIsFull(t *testing.T) {
	links := NewLinks()
	r, packets, _ := relays(t, links, 3)
	one, other := openRelay(t, r, loopback4), openRelay(t, r, loopback4)
	peer := listenUDP(t, links, loopback4, Options{})
	e := NewEgress(links)
	const each = 3 * BatchSize
	for range each {
		commit(e, tuple.Of(tuple.UDP, peer.Link(), peer.Local(), one.Local()), filler(100, 1))
		commit(e, tuple.Of(tuple.UDP, peer.Link(), peer.Local(), other.Local()), filler(100, 2))
	}
	e.Flush()
	count := map[*Relay]int{}
	for range 2 * each {
		count[nextRelayed(t, packets).relay]++
	}
	if count[one] != each || count[other] != each {
		t.Errorf("%d and %d of %d packets", count[one], count[other], each)
	}
}

// RFC 8656 §11.1: the "don't fragment" bit is what the client asks for, packet by packet. FACTS of Linux: it is an option of the socket.
func TestRelaySetsDFAsWanted(t *testing.T) {
	for _, test := range []struct {
		at                  netip.AddrPort
		level, name         int
		without, withDFSend int
	}{
		{loopback4, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT, unix.IP_PMTUDISC_PROBE},
		{loopback6, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IP_PMTUDISC_DONT, unix.IP_PMTUDISC_PROBE},
	} {
		links := NewLinks()
		r, _, _ := relays(t, links, 2)
		relay := openRelay(t, r, test.at)
		peer := listenUDP(t, links, test.at, Options{})
		packets := receive(t, peer)
		e := NewEgress(links)
		for i, df := range []bool{false, true, true, false, true} {
			commit(e, tuple.Of(tuple.UDP, relay.Link(df), relay.Local(), peer.Local()), fmt.Sprint(i))
			e.Flush()
			if p := next(t, packets); p.data != fmt.Sprint(i) || p.from.Remote != relay.Local() {
				t.Fatalf("%v came", p)
			}
			want := test.without
			if df {
				want = test.withDFSend
			}
			if got, err := unix.GetsockoptInt(relay.fd, test.level, test.name); err != nil || got != want {
				t.Errorf("packet %d: the option is %d, %v, want %d", i, got, err, want)
			}
		}
		if s := e.Stats(); s.Sent != 5 || s.Dropped() != 0 {
			t.Errorf("counted %+v", s)
		}
	}
}

// What a peer's host answers by ICMP is told, and costs no later packet.
func TestRelayTellsICMPErrors(t *testing.T) {
	links := NewLinks()
	r, _, errors := relays(t, links, 2)
	relay := openRelay(t, r, loopback4)
	gone := listenUDP(t, links, loopback4, Options{})
	nobody := gone.Local()
	gone.Close()
	peer := listenUDP(t, links, loopback4, Options{})
	packets := receive(t, peer)
	e := NewEgress(links)
	for i := range 5 {
		commit(e, tuple.Of(tuple.UDP, relay.Link(false), relay.Local(), nobody), "anybody?")
		e.Flush()
		commit(e, tuple.Of(tuple.UDP, relay.Link(false), relay.Local(), peer.Local()), fmt.Sprint(i))
		e.Flush()
		if p := next(t, packets); p.data != fmt.Sprint(i) {
			t.Fatalf("%q came", p.data)
		}
	}
	select {
	case got := <-errors:
		// RFC 792: destination unreachable, port unreachable.
		if got.Relay != relay || got.Peer != nobody || got.Type != 3 || got.Code != 3 {
			t.Errorf("told %+v", got)
		}
	case <-time.After(patience):
		t.Fatal("no error came")
	}
	if s := e.Stats(); s.Sent != 10 {
		t.Errorf("counted %+v", s)
	}
}

// A closed relay frees its port at once, and what was to be sent by it is dropped.
func TestRelayClose(t *testing.T) {
	links := NewLinks()
	r, packets, _ := relays(t, links, 2)
	before := links.Len()
	peer := listenUDP(t, NewLinks(), loopback4, Options{})
	e := NewEgress(links)
	relay := openRelay(t, r, loopback4)
	plain, fragile := relay.Link(false), relay.Link(true)
	if plain == fragile || relay.Link(true) != fragile {
		t.Errorf("links %d and %d", plain, fragile)
	}
	commit(e, tuple.Of(tuple.UDP, plain, relay.Local(), peer.Local()), "late")
	commit(e, tuple.Of(tuple.UDP, fragile, relay.Local(), peer.Local()), "late")
	at := relay.Local()
	relay.Close()
	relay.Close()
	e.Flush()
	if s := e.Stats(); s.Closed != 2 || s.Sent != 0 {
		t.Errorf("counted %+v", s)
	}
	if n := links.Len(); n != before {
		t.Errorf("%d links are left", n-before)
	}
	again := openRelay(t, r, at)
	if again.Local() != at {
		t.Errorf("bound %v", again.Local())
	}
	if _, err := r.Open(at, Options{}); err == nil {
		t.Error("a busy port was bound")
	}
	sender := listenUDP(t, links, loopback4, Options{})
	commit(e, tuple.Of(tuple.UDP, sender.Link(), sender.Local(), at), "anew")
	e.Flush()
	if p := nextRelayed(t, packets); p.relay != again || p.data != "anew" {
		t.Errorf("%+v came", p)
	}
	if s := r.Stats(); s.Open != 1 {
		t.Errorf("%d are open", s.Open)
	}
}

// A datagram longer than any packet of media is dropped whole, never relayed cut.
func TestRelayDropsWhatIsTooLong(t *testing.T) {
	links := NewLinks()
	r, packets, _ := relays(t, links, 2)
	relay := openRelay(t, r, loopback4)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	to := &unix.SockaddrInet4{Port: int(relay.Local().Port()), Addr: relay.Local().Addr().As4()}
	for _, size := range []int{MaxDatagram + 1, 9000, 0, MaxDatagram} {
		if err := unix.Sendto(fd, make([]byte, size), 0, to); err != nil {
			t.Fatal(err)
		}
	}
	if p := nextRelayed(t, packets); len(p.data) != MaxDatagram {
		t.Errorf("%d bytes came", len(p.data))
	}
	if s := r.Stats(); s.TooLong != 2 || s.Empty != 1 || s.Packets != 1 {
		t.Errorf("counted %+v", s)
	}
}

// Packets for one peer leave as one message.
func TestRelayUsesGSO(t *testing.T) {
	links := NewLinks()
	r, _, _ := relays(t, links, 2)
	relay := openRelay(t, r, loopback4)
	peer := listenUDP(t, links, loopback4, Options{})
	packets := receive(t, peer)
	e := NewEgress(links)
	for range 16 {
		commit(e, tuple.Of(tuple.UDP, relay.Link(false), relay.Local(), peer.Local()), filler(1200, 1))
	}
	e.Flush()
	for range 16 {
		if p := next(t, packets); len(p.data) != 1200 {
			t.Fatalf("%d bytes came", len(p.data))
		}
	}
	if s := e.Stats(); s.Sent != 16 || (relay.sends.gso && s.Messages != 1) {
		t.Errorf("counted %+v", s)
	}
}

func TestRelaySendAllocatesNothing(t *testing.T) {
	links := NewLinks()
	r, _, _ := relays(t, links, 2)
	relay := openRelay(t, r, loopback4)
	to := blackhole(t)
	e := NewEgress(links)
	if n := testing.AllocsPerRun(50, func() {
		for range 8 {
			e.Commit(1200, tuple.Of(tuple.UDP, relay.Link(false), relay.Local(), to))
			e.Commit(1200, tuple.Of(tuple.UDP, relay.Link(true), relay.Local(), to))
		}
		e.Flush()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// blackhole is a socket that nobody reads.
func blackhole(t testing.TB) netip.AddrPort {
	t.Helper()
	return listenUDP(t, NewLinks(), loopback4, Options{RecvBuffer: 1}).Local()
}
