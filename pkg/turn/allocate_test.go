package turn

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

func evenPort(bits byte) attrs { return bytesAttr(stun.AttrEvenPort, bits) }

func token(v []byte) attrs { return bytesAttr(stun.AttrReservationToken, v...) }

// RFC 8656 section 7.2, the list of checks.
func TestAllocateErrors(t *testing.T) {
	eight := make([]byte, 8)
	for name, test := range map[string]struct {
		list []attrs
		code int
	}{
		"no transport":             {nil, 400},
		"malformed transport":      {[]attrs{bytesAttr(stun.AttrRequestedTransport, 17)}, 400},
		"unknown transport":        {[]attrs{bytesAttr(stun.AttrRequestedTransport, 132, 0, 0, 0)}, 442},
		"TCP peers over UDP":       {[]attrs{transportTCP}, 400}, // RFC 6062 section 5.1
		"unknown token":            {[]attrs{transportUDP, token(eight)}, 508},
		"token and even port":      {[]attrs{transportUDP, token(eight), evenPort(0)}, 400},
		"token and family":         {[]attrs{transportUDP, token(eight), wantIPv6}, 400},
		"token and second family":  {[]attrs{transportUDP, token(eight), alsoIPv6}, 400},
		"malformed token":          {[]attrs{transportUDP, token(eight[:7])}, 400},
		"both family attributes":   {[]attrs{transportUDP, wantIPv6, alsoIPv6}, 400},
		"second family IPv4":       {[]attrs{transportUDP, bytesAttr(stun.AttrAdditionalFamily, 1, 0, 0, 0)}, 400},
		"two families and a pair":  {[]attrs{transportUDP, alsoIPv6, evenPort(0x80)}, 400},
		"malformed family":         {[]attrs{transportUDP, bytesAttr(stun.AttrRequestedAddressFamily, 1)}, 400},
		"malformed second family":  {[]attrs{transportUDP, bytesAttr(stun.AttrAdditionalFamily, 2)}, 400},
		"unknown family":           {[]attrs{transportUDP, bytesAttr(stun.AttrRequestedAddressFamily, 3, 0, 0, 0)}, 440},
		"malformed even port":      {[]attrs{transportUDP, bytesAttr(stun.AttrEvenPort, 0, 0)}, 400},
		"malformed lifetime":       {[]attrs{transportUDP, bytesAttr(stun.AttrLifetime, 1)}, 400},
		"ticket that is not empty": {[]attrs{transportUDP, bytesAttr(stun.AttrMobilityTicket, 1)}, 400},
		"good":                     {[]attrs{transportUDP, dontFragment, evenPort(0), lifetime(1)}, 0},
	} {
		w := newWorld(t)
		c := w.client(clientAddr)
		if got := codeOf(c.request(stun.Allocate, test.list...)); got != test.code {
			t.Errorf("%s: %d, want %d", name, got, test.code)
		}
		if left := len(w.server.clients); left != 0 && test.code != 0 {
			t.Errorf("%s: an allocation is left", name)
		}
		if test.code != 0 {
			if n := len(w.events); n != 1 || w.events[0].Kind != Denied || w.events[0].Code != test.code || w.events[0].Method != "allocate" {
				t.Errorf("%s: events %+v", name, w.events)
			}
			w.whole()
		}
	}
}

// whole expects all ports in their pools.
func (w *world) whole() {
	w.Helper()
	for _, p := range w.server.pools {
		if p.free != p.count {
			w.Errorf("%d of %d ports of %v are free", p.free, p.count, p.Local)
		}
	}
	if len(w.relays) != 0 || len(w.server.ledger.accounts) != 0 || len(w.server.ledger.sources) != 0 || w.server.ledger.total != 0 || w.queue.Len() != 0 {
		w.Errorf("left: %d sockets, %v, %d timers", len(w.relays), w.server.ledger, w.queue.Len())
	}
}

// "the server computes the minimum of the client's proposed lifetime and the server's maximum allowed lifetime. If this computed value is greater than the
// default lifetime, the server uses the computed lifetime; otherwise, the default" (RFC 8656 section 7.2).
func TestLifetimes(t *testing.T) {
	for _, test := range []struct {
		asked int // -1: no LIFETIME
		most  time.Duration
		want  uint32
	}{
		{-1, 20 * time.Minute, 600},
		{0, 20 * time.Minute, 600},
		{60, 20 * time.Minute, 600},
		{601, 20 * time.Minute, 601},
		{3600, 20 * time.Minute, 1200},
		{1 << 31, 20 * time.Minute, 1200},
		{3600, time.Minute, 60},
		{-1, time.Minute, 60},
		{3600, time.Hour, 3600},
	} {
		w := newWorld(t, func(c *Config) { c.MaxLifetime = test.most })
		c := w.client(clientAddr)
		list := []attrs{transportUDP}
		if test.asked >= 0 {
			list = append(list, lifetime(uint32(test.asked)))
		}
		m := c.expect(0, stun.Allocate, list...)
		if got, _ := m.Uint32(stun.AttrLifetime); got != test.want {
			t.Errorf("%d with a maximum of %v: %d, want %d", test.asked, test.most, got, test.want)
		}
		if test.asked != 0 {
			m = c.expect(0, stun.Refresh, list[1:]...)
			if got, _ := m.Uint32(stun.AttrLifetime); got != test.want {
				t.Errorf("Refresh %d with a maximum of %v: %d, want %d", test.asked, test.most, got, test.want)
			}
		}
		w.advance(time.Duration(test.want)*time.Second - time.Nanosecond)
		if c.allocation() == nil {
			t.Errorf("it expires before %d s", test.want)
		}
		w.advance(time.Nanosecond)
		if c.allocation() != nil {
			t.Errorf("it does not expire after %d s", test.want)
		}
		w.whole()
		if e := w.events[len(w.events)-1]; e.Kind != Ended || e.Reason != EndExpired || e.Relay.Addr() != serverAddr.Addr() {
			t.Errorf("the last event is %+v", e)
		}
	}
}

// A retransmitted Allocate is answered alike, not with 437 (RFC 8656 section 7.2), whatever happened since.
func TestRetransmittedAllocate(t *testing.T) {
	for name, list := range map[string][]attrs{
		"plain": nil, "pair": {evenPort(0x80)}, "dual": {alsoIPv6}, "ticket": {bytesAttr(stun.AttrMobilityTicket)},
	} {
		w := newWorld(t)
		c := w.client(clientAddr)
		c.login()
		b := c.signed(stun.Allocate, append([]attrs{transportUDP, lifetime(700)}, list...)...)
		c.deliver(b)
		first := c.take()
		w.advance(time.Second)
		c.deliver(b)
		if again := c.take(); !bytes.Equal(again, first) {
			t.Errorf("%s: answered %x, then %x", name, first, again)
		}
		if len(w.server.clients) != 1 {
			t.Errorf("%s: %d allocations", name, len(w.server.clients))
		}
		c.expect(437, stun.Allocate, transportUDP) // another transaction
		// Somebody else's with the same: another client behind the same NAT binding.
		d := *c
		d.last -= 2
		d.as("anna", "other")
		if code := codeOf(d.ask(d.signed(stun.Allocate, transportUDP))); code != 437 {
			t.Errorf("%s: another user's retransmission is answered %d", name, code)
		}
	}
}

func TestEvenPortAndReservation(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	m := c.expect(0, stun.Allocate, transportUDP, evenPort(0x80))
	relay := c.allocation().firstRelay()
	v := bytes.Clone(m.Value(stun.AttrReservationToken))
	if relay.Local().Port()%2 != 0 || len(v) != 8 {
		t.Fatalf("port %d, token %x", relay.Local().Port(), v)
	}
	if n := w.server.ledger.total; n != 2 {
		t.Errorf("%d things are held, want the reservation to count", n)
	}
	// Somebody else's token is no token.
	w.client(otherPeer).as("anna", "other").expect(508, stun.Allocate, transportUDP, token(v))
	second := w.client(netip.AddrPortFrom(clientAddr.Addr(), 40001))
	second.expect(0, stun.Allocate, transportUDP, token(v))
	if got := second.allocation().firstRelay().Local().Port(); got != relay.Local().Port()+1 {
		t.Errorf("the second port is %d, the first %d", got, relay.Local().Port())
	}
	third := w.client(netip.AddrPortFrom(clientAddr.Addr(), 40002))
	third.expect(508, stun.Allocate, transportUDP, token(v)) // once
	for _, c := range []*client{c, second} {
		c.expect(0, stun.Refresh, lifetime(0))
	}
	w.whole()
}

// Without its R bit EVEN-PORT reserves nothing.
func TestEvenPortAlone(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		c := w.client(netip.AddrPortFrom(clientAddr.Addr(), uint16(41000+i)))
		m := c.expect(0, stun.Allocate, transportUDP, evenPort(0x7f))
		if c.allocation().firstRelay().Local().Port()%2 != 0 || m.Has(stun.AttrReservationToken) {
			t.Fatal("odd, or reserved")
		}
	}
	if len(w.server.reservations) != 0 || w.server.pools[0].free != 64-20 {
		t.Error("ports are set aside")
	}
}

// EVEN-PORT with its R bit sets the next port aside (RFC 8656 section 7.2), so nobody else on this machine may take it meanwhile. What comes in on it is nobody's.
func TestReservedPortIsOpen(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	v := bytes.Clone(c.expect(0, stun.Allocate, transportUDP, evenPort(0x80)).Value(stun.AttrReservationToken))
	first := c.allocation().firstRelay()
	var second *Relay
	for r := range w.relays {
		if r != first {
			second = r
		}
	}
	if second == nil || second.Local().Port() != first.Local().Port()+1 {
		t.Fatal("the next port is not open")
	}
	w.server.HandleRelay(w.now, second, peerAddr, []byte("x"))
	w.server.HandleICMP(w.now, second, peerAddr, ICMP{Type: icmpUnreachable})
	w.silent()
	d := w.client(otherPeer)
	d.expect(0, stun.Allocate, transportUDP, token(v))
	if d.allocation().firstRelay() != second {
		t.Error("another relay is given out")
	}
	d.expect(0, stun.CreatePermission, peer(peerAddr))
	w.server.HandleRelay(w.now, second, peerAddr, []byte("x"))
	d.take()
	for _, c := range []*client{c, d} {
		c.expect(0, stun.Refresh, lifetime(0))
	}
	w.whole()
}

// If only one of the two ports can be had, another pair is tried.
func TestPairOfWhichOneIsTaken(t *testing.T) {
	w := newWorld(t)
	for port := uint16(50001); port < 50060; port += 2 {
		w.taken[netip.AddrPortFrom(w.server.pools[0].Local, port)] = true
	}
	got := 0
	for i := range 30 { // 16 tries each
		c := w.client(netip.AddrPortFrom(clientAddr.Addr(), uint16(41000+i)))
		if codeOf(c.request(stun.Allocate, transportUDP, evenPort(0x80))) == 0 {
			got++
			if p := c.allocation().firstRelay().Local().Port(); p < 50060 {
				t.Errorf("port %d", p)
			}
		}
	}
	if got != 2 {
		t.Errorf("%d pairs were had, want both", got)
	}
	w.server.Close(w.now)
	w.whole()
}

func TestReservationExpires(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.expect(0, stun.Allocate, transportUDP, evenPort(0x80))
	w.advance(reservationLifetime - time.Nanosecond)
	if len(w.server.reservations) != 1 {
		t.Error("it expires too soon")
	}
	w.advance(time.Nanosecond)
	if len(w.server.reservations) != 0 || w.server.pools[0].free != 63 || w.server.ledger.total != 1 {
		t.Error("it does not expire")
	}
	c.expect(0, stun.Refresh, lifetime(0))
	w.whole()
}

// All ports can be given out; after that it is 508 until one comes back.
func TestNoPortsLeft(t *testing.T) {
	w := newWorld(t)
	var first *client
	for i := range 64 {
		c := w.client(netip.AddrPortFrom(clientAddr.Addr(), uint16(41000+i)))
		c.allocate()
		if first == nil {
			first = c
		}
	}
	c := w.client(clientAddr)
	c.expect(508, stun.Allocate, transportUDP)
	c.expect(508, stun.Allocate, transportUDP, evenPort(0x80))
	first.expect(0, stun.Refresh, lifetime(0))
	c.expect(0, stun.Allocate, transportUDP)
}

// Ports that other processes took are passed over, and given back.
func TestPortsTakenByOthers(t *testing.T) {
	w := newWorld(t)
	for port := uint16(50000); port < 50064; port++ {
		if port != 50010 && port != 50011 {
			w.taken[netip.AddrPortFrom(w.server.pools[0].Local, port)] = true
		}
	}
	opened := false
	for i := range 30 { // 16 tries each
		c := w.client(netip.AddrPortFrom(clientAddr.Addr(), uint16(41000+i)))
		if m := c.request(stun.Allocate, transportUDP, evenPort(byte(i<<7))); codeOf(m) == 0 {
			opened = true
			if p := c.allocation().firstRelay().Local().Port(); p != 50010 && p != 50011 {
				t.Errorf("port %d", p)
			}
			c.expect(0, stun.Refresh, lifetime(0))
		}
	}
	if !opened {
		t.Error("the free ports are never found")
	}
	w.advance(reservationLifetime)
	w.whole()
}

func TestIPv6AndDualAllocations(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.expect(0, stun.Allocate, transportUDP, wantIPv6)
	a := c.allocation()
	if a.relays[ipv4] != nil || a.relays[ipv6].Address().Addr() != serverAddr6.Addr() {
		t.Errorf("relays %v", a.relays)
	}
	// "443 (Peer Address Family Mismatch)" (RFC 8656 section 10.2)
	c.expect(443, stun.CreatePermission, peer(peerAddr))
	c.expect(443, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
	c.expect(0, stun.CreatePermission, peer(peerAddr6))
	c.expect(443, stun.Refresh, bytesAttr(stun.AttrRequestedAddressFamily, 1, 0, 0, 0))
	c.expect(400, stun.Refresh, bytesAttr(stun.AttrRequestedAddressFamily, 1))
	c.expect(0, stun.Refresh, wantIPv6)
	c.expect(0, stun.Refresh, wantIPv6, lifetime(0))
	w.whole()

	d := w.client(clientAddr6)
	m := d.expect(0, stun.Allocate, transportUDP, alsoIPv6)
	var relayed []netip.AddrPort
	for v := range m.All(stun.AttrXORRelayedAddress) {
		at, _ := m.DecodeXORAddress(v)
		relayed = append(relayed, at)
	}
	a = d.allocation()
	if !slices.Equal(relayed, []netip.AddrPort{a.relays[ipv4].Address(), a.relays[ipv6].Address()}) || m.Has(stun.AttrAddressErrorCode) {
		t.Fatalf("XOR-RELAYED-ADDRESS %v", relayed)
	}
	d.expect(0, stun.CreatePermission, peer(peerAddr), peer(peerAddr6))
	d.expect(0, stun.ChannelBind, channelNumber(0x4006), peer(peerAddr6))
	d.expect(0, stun.ChannelBind, channelNumber(0x4004), peer(peerAddr))
	d.deliver(channelData(0x4006, "six", 0))
	w.onePeer(peerAddr6, "six", false)
	d.deliver(d.plain(stun.Indication, stun.Send, peer(peerAddr6), dontFragment, data("six")))
	w.onePeer(peerAddr6, "six", true)
	d.deliver(d.plain(stun.Indication, stun.Send, peer(peerAddr), data("four")))
	w.onePeer(peerAddr, "four", false)
	w.server.HandleRelay(w.now, a.relays[ipv6], peerAddr6, []byte("back"))
	if got := d.take(); !bytes.Equal(got, channelData(0x4006, "back", 0)) {
		t.Errorf("IPv6 comes back as %x", got)
	}
	// Of the two one may be given up (RFC 8656 section 8.2).
	d.expect(0, stun.Refresh, wantIPv6, lifetime(0))
	d.deliver(d.plain(stun.Indication, stun.Send, peer(peerAddr6), data("six")))
	w.expectDrops("noPermission: 1")
	d.deliver(channelData(0x4006, "six", 0))
	w.expectDrops("noChannel: 1")
	if x := w.server.Dump()[0]; len(x.Channels) != 1 || len(x.Permissions) != 1 || len(x.Relays) != 1 {
		t.Errorf("left: %+v", x)
	}
	d.expect(443, stun.CreatePermission, peer(peerAddr6))
	d.deliver(d.plain(stun.Indication, stun.Send, peer(peerAddr), data("four")))
	w.onePeer(peerAddr, "four", false)
	d.expect(0, stun.Refresh, lifetime(0))
	w.whole()
}

// "If the server cannot obtain one of the two: ADDRESS-ERROR-CODE" (RFC 8656 section 7.2).
func TestDualAllocationOfHalf(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		family byte
		code   int
	}{
		"no IPv6": {func(c *Config) { c.Relays = c.Relays[:1] }, 2, 440},
		"no IPv4": {func(c *Config) { c.Relays = c.Relays[1:] }, 1, 440},
	} {
		w := newWorld(t, test.change)
		c := w.client(clientAddr)
		m := c.expect(0, stun.Allocate, transportUDP, alsoIPv6)
		want := []byte{test.family, 0, byte(test.code / 100), byte(test.code % 100)}
		if got := m.Value(stun.AttrAddressErrorCode); !bytes.Equal(got, want) {
			t.Errorf("%s: ADDRESS-ERROR-CODE %x, want %x", name, got, want)
		}
	}
	w := newWorld(t, func(c *Config) { c.Relays = c.Relays[1:] })
	w.client(clientAddr).expect(440, stun.Allocate, transportUDP)
	w = newWorld(t)
	for port := range uint16(64) {
		w.taken[netip.AddrPortFrom(serverAddr6.Addr(), 50000+port)] = true
	}
	m := w.client(clientAddr).expect(0, stun.Allocate, transportUDP, alsoIPv6)
	if got := m.Value(stun.AttrAddressErrorCode); !bytes.Equal(got, []byte{2, 0, 5, 8}) {
		t.Errorf("no IPv6 port: ADDRESS-ERROR-CODE %x", got)
	}
}

// coturn's clients have other numbers for the attributes of dual allocations.
func TestDualAllocationOfOldClients(t *testing.T) {
	old := bytesAttr(stun.AttrAdditionalFamilyOld, 2, 0, 0, 0)
	w := newWorld(t)
	c := w.client(clientAddr)
	c.expect(0, stun.Allocate, transportUDP, old)
	if a := c.allocation(); a.relays[ipv4] == nil || a.relays[ipv6] == nil {
		t.Error("a family is missing")
	}
	c.expect(0, stun.Refresh, wantIPv6, lifetime(777))
	w = newWorld(t, func(c *Config) { c.Relays = c.Relays[:1] })
	m := w.client(clientAddr).expect(0, stun.Allocate, transportUDP, old)
	if got := m.Value(stun.AttrAddressErrorCodeOld); !bytes.Equal(got, []byte{2, 0, 4, 40}) || m.Has(stun.AttrAddressErrorCode) {
		t.Errorf("ADDRESS-ERROR-CODE %x", got)
	}
}

func TestQuotas(t *testing.T) {
	at := func(host, port int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(host)}), uint16(40000+port))
	}
	t.Run("per user", func(t *testing.T) {
		w := newWorld(t, func(c *Config) { c.Quotas.PerUser = 2 })
		c := w.client(at(1, 0))
		c.allocate()
		w.client(at(2, 0)).expect(486, stun.Allocate, transportUDP, evenPort(0x80)) // two
		w.client(at(3, 0)).allocate()
		w.client(at(4, 0)).expect(486, stun.Allocate, transportUDP)
		w.client(at(4, 0)).as("anna", "other").allocate()
		c.expect(0, stun.Refresh, lifetime(0))
		w.client(at(5, 0)).allocate()
	})
	t.Run("per user of time-limited names", func(t *testing.T) {
		w := newWorld(t, limited("s"), func(c *Config) { c.Quotas.PerUser = 1 })
		for i, code := range []int{0, 486} {
			name := fmt.Sprint(epoch.Unix()+int64(100*(i+1))) + ":x"
			w.client(at(i, 0)).as(name, Password([]byte("s"), name)).expect(code, stun.Allocate, transportUDP)
		}
	})
	t.Run("per IP", func(t *testing.T) {
		w := newWorld(t, func(c *Config) { c.Quotas.PerIP = 2 })
		for port, code := range []int{0, 0, 486} {
			w.client(at(1, port)).expect(code, stun.Allocate, transportUDP)
		}
		w.client(at(2, 0)).allocate()
		for i, code := range []int{0, 0, 486} { // of IPv6 a /64 is one
			six := clientAddr6.Addr().As16()
			six[15] = byte(i)
			w.client(netip.AddrPortFrom(netip.AddrFrom16(six), 4000)).expect(code, stun.Allocate, transportUDP)
		}
	})
	t.Run("total", func(t *testing.T) {
		elsewhere := netip.MustParseAddrPort("192.0.2.9:3478")
		for _, alternates := range [][]netip.AddrPort{nil, {elsewhere}, {netip.MustParseAddrPort("[2001:db8::9]:3478"), elsewhere}} {
			w := newWorld(t, func(c *Config) { c.Quotas.Total, c.AlternateServers = 1, alternates })
			w.client(at(1, 0)).allocate()
			c := w.client(at(2, 0))
			m := c.request(stun.Allocate, transportUDP)
			if alternates == nil {
				if codeOf(m) != 486 {
					t.Errorf("%d, want 486", codeOf(m))
				}
				continue
			}
			// "the ALTERNATE-SERVER attribute ... encoded the same way as MAPPED-ADDRESS", of the client's family (RFC 8489 section 14.15)
			if got := m.Value(stun.AttrAlternateServer); codeOf(m) != 300 || !bytes.Equal(got, []byte{0, 1, 0x0d, 0x96, 192, 0, 2, 9}) {
				t.Errorf("%d, ALTERNATE-SERVER %x", codeOf(m), got)
			}
		}
	})
}

func TestDrain(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate()
	w.server.Drain()
	w.client(otherPeer).expect(508, stun.Allocate, transportUDP)
	c.expect(0, stun.Refresh)
	c.expect(0, stun.CreatePermission, peer(peerAddr))
	c.expect(0, stun.Refresh, lifetime(0))
	w.whole()

	w = newWorld(t, func(c *Config) { c.AlternateServers = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.9:3478")} })
	w.server.Drain()
	w.client(clientAddr).expect(300, stun.Allocate, transportUDP)
}

// Every end gives back all there is, and is told.
func TestEnds(t *testing.T) {
	for reason, end := range map[EndReason]func(c *client){
		EndExpired:  func(c *client) { c.advance(time.Hour) },
		EndDeleted:  func(c *client) { c.expect(0, stun.Refresh, lifetime(0)) },
		EndClosed:   func(c *client) { c.server.ClientClosed(c.now, c.tuple) },
		EndShutdown: func(c *client) { c.server.Close(c.now) },
		EndRevoked: func(c *client) {
			if c.server.End(c.now, 999) || !c.server.End(c.now, c.allocation().id) {
				c.Error("End finds the wrong one")
			}
		},
	} {
		w := newWorld(t)
		c := w.tcpClient(clientAddr)
		relay := c.allocate(evenPort(0x80))
		c.expect(0, stun.CreatePermission, peer(peerAddr))
		c.expect(0, stun.ChannelBind, channelNumber(0x4001), peer(otherPeer))
		end(c)
		if reason != EndShutdown {
			w.advance(reservationLifetime)
		}
		w.whole()
		if e := w.events[len(w.events)-1]; e.Kind != Ended || e.Reason != reason || e.Username != username || e.Listener != w.tcp || e.Client != c.tuple {
			t.Errorf("%v: the last event is %+v", reason, e)
		}
		if w.tcp.Counters.Allocations[Static] != 0 || w.tcp.Counters.Created[Static] != 1 {
			t.Errorf("%v: counted %v", reason, w.tcp.Counters.Allocations)
		}
		// What comes late goes nowhere.
		w.server.HandleRelay(w.now, relay, peerAddr, []byte("late"))
		w.server.HandleICMP(w.now, relay, peerAddr, ICMP{Type: 3})
		w.silent()
		w.expectDrops("closed: 2")
		c.deliver(channelData(0x4001, "late", 0))
		c.deliver(c.plain(stun.Indication, stun.Send, peer(peerAddr), data("late")))
		w.expectDrops("noAllocation: 2")
	}
}

// The socket of a relay whose peers are our own media is never opened, if the ports are ours alone.
func TestExclusivePorts(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.ExclusivePorts = true })
	w.media[mediaAddr] = true
	c := w.client(clientAddr)
	relay := c.allocate()
	c.expect(0, stun.CreatePermission, peer(mediaAddr))
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(mediaAddr))
	c.deliver(channelData(0x4000, "x", 0))
	if w.opened != 0 || len(w.delivered) != 1 || relay.Socket() != nil {
		t.Errorf("%d sockets, %d packets", w.opened, len(w.delivered))
	}
	w.taken[relay.Local()] = true
	c.expect(508, stun.CreatePermission, peer(peerAddr))
	c.expect(508, stun.ChannelBind, channelNumber(0x4001), peer(peerAddr))
	delete(w.taken, relay.Local())
	c.expect(0, stun.CreatePermission, peer(peerAddr))
	if w.opened != 1 || relay.Socket() == nil {
		t.Errorf("%d sockets", w.opened)
	}
	// A media port of another worker needs one, too.
	d := w.client(otherPeer)
	relay = d.allocate()
	away := netip.AddrPortFrom(mediaAddr.Addr(), 4444)
	w.media[away] = false
	d.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(away))
	w.taken[relay.Local()] = true
	d.deliver(channelData(0x4000, "x", 0))
	w.expectDrops("noSocket: 1")
	delete(w.taken, relay.Local())
	d.deliver(channelData(0x4000, "x", 0))
	w.onePeer(away, "x", false)
}
