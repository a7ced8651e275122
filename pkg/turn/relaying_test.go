package turn

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
)

func TestPermissionsLastFiveMinutes(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	relay := c.allocate(lifetime(1200))
	send := func() { c.deliver(c.plain(stun.Indication, stun.Send, peer(peerAddr), data("x"))) }
	send()
	w.expectDrops("noPermission: 1")
	c.expect(0, stun.CreatePermission, peer(netip.AddrPortFrom(peerAddr.Addr(), 1))) // the port does not matter
	send()
	w.onePeer(peerAddr, "x", false)
	w.server.HandleRelay(w.now, relay, netip.AddrPortFrom(peerAddr.Addr(), 777), []byte("any port"))
	if a, _ := parse(t, c.take()).XORAddress(stun.AttrXORPeerAddress); a.Port() != 777 {
		t.Errorf("from %v", a)
	}
	w.server.HandleRelay(w.now, relay, otherPeer, []byte("stranger"))
	w.silent()
	w.expectDrops("noPermission: 1")
	w.advance(permissionLifetime - time.Nanosecond)
	send() // which refreshes nothing
	w.onePeer(peerAddr, "x", false)
	w.advance(time.Nanosecond)
	send()
	w.server.HandleRelay(w.now, relay, peerAddr, []byte("late"))
	w.silent()
	w.expectDrops("noPermission: 2")
	if n := len(c.allocation().permissions); n != 0 {
		t.Errorf("%d permissions are kept", n)
	}
	c.expect(0, stun.CreatePermission, peer(peerAddr))
	w.advance(4 * time.Minute)
	c.expect(0, stun.CreatePermission, peer(peerAddr))
	w.advance(4 * time.Minute)
	send()
	w.onePeer(peerAddr, "x", false)
}

func TestCreatePermissionErrors(t *testing.T) {
	for name, test := range map[string]struct {
		list []attrs
		code int
	}{
		"no peer":          {nil, 400},
		"malformed peer":   {[]attrs{bytesAttr(stun.AttrXORPeerAddress, 0, 1, 2, 3)}, 400},
		"second malformed": {[]attrs{peer(peerAddr), bytesAttr(stun.AttrXORPeerAddress, 0, 1, 2, 3)}, 400},
		"private":          {[]attrs{peer(netip.MustParseAddrPort("10.0.0.1:9"))}, 403},
		"loopback":         {[]attrs{peer(netip.MustParseAddrPort("127.0.0.1:9"))}, 403},
		"our own":          {[]attrs{peer(serverAddr)}, 403},
		"mapped loopback":  {[]attrs{peer(netip.MustParseAddrPort("[::ffff:127.0.0.1]:9"))}, 403},
		"other family":     {[]attrs{peer(peerAddr6)}, 443},
		"mapped":           {[]attrs{peer(netip.MustParseAddrPort("[::ffff:8.8.8.8]:9"))}, 443},
		"one denied":       {[]attrs{peer(peerAddr), peer(serverAddr), peer(otherPeer)}, 403},
		"several":          {[]attrs{peer(peerAddr), peer(otherPeer), peer(peerAddr)}, 0},
	} {
		w := newWorld(t)
		c := w.client(clientAddr)
		c.allocate()
		c.expect(test.code, stun.CreatePermission, test.list...)
		if n := len(c.allocation().permissions); n != 0 && test.code != 0 || test.code == 0 && n != 2 {
			t.Errorf("%s: %d permissions", name, n) // all or none
		}
	}
}

func TestQuotaOfPermissionsAndChannels(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate(lifetime(1200))
	number := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{8, 8, byte(i >> 8), byte(i)}), 9)
	}
	for i := range 99 {
		c.expect(0, stun.CreatePermission, peer(number(i)))
	}
	c.expect(508, stun.CreatePermission, peer(number(99)), peer(number(100)))
	c.expect(0, stun.CreatePermission, peer(number(99)), peer(number(0)))
	c.expect(508, stun.CreatePermission, peer(number(100)))
	c.expect(508, stun.ChannelBind, channelNumber(0x4000), peer(number(100)))
	for i := range 100 {
		c.expect(0, stun.ChannelBind, channelNumber(uint16(0x4000+i)), peer(number(i)))
	}
	c.expect(508, stun.ChannelBind, channelNumber(0x4100), peer(netip.AddrPortFrom(number(0).Addr(), 10)))
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(number(0)))
	if a := c.allocation(); len(a.permissions) != 100 || len(a.channels) != 100 {
		t.Errorf("%d permissions, %d channels", len(a.permissions), len(a.channels))
	}
	if g := w.server.Stats(); g.Permissions != 100 || g.Channels != 100 || g.Allocations != 1 || g.Ports != 128 || g.PortsFree != 127 {
		t.Errorf("%+v", g)
	}
}

// RFC 8656 section 12.2.
func TestChannelBindErrors(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate()
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
	for name, test := range map[string]struct {
		list []attrs
		code int
	}{
		"no number":             {[]attrs{peer(otherPeer)}, 400},
		"malformed number":      {[]attrs{bytesAttr(stun.AttrChannelNumber, 0x40, 1), peer(otherPeer)}, 400},
		"0x3FFF":                {[]attrs{channelNumber(0x3fff), peer(otherPeer)}, 400},
		"0x8000":                {[]attrs{channelNumber(0x8000), peer(otherPeer)}, 400},
		"0":                     {[]attrs{channelNumber(0), peer(otherPeer)}, 400},
		"no peer":               {[]attrs{channelNumber(0x4001)}, 400},
		"malformed peer":        {[]attrs{channelNumber(0x4001), bytesAttr(stun.AttrXORPeerAddress, 1)}, 400},
		"port 0":                {[]attrs{channelNumber(0x4001), peer(netip.AddrPortFrom(otherPeer.Addr(), 0))}, 400},
		"denied":                {[]attrs{channelNumber(0x4001), peer(serverAddr)}, 403},
		"other family":          {[]attrs{channelNumber(0x4001), peer(peerAddr6)}, 443},
		"number bound already":  {[]attrs{channelNumber(0x4000), peer(otherPeer)}, 400},
		"peer bound already":    {[]attrs{channelNumber(0x4001), peer(peerAddr)}, 400},
		"again":                 {[]attrs{channelNumber(0x4000), peer(peerAddr)}, 0},
		"0x7FFF as of RFC 5766": {[]attrs{channelNumber(0x7fff), peer(netip.AddrPortFrom(peerAddr.Addr(), 1))}, 0},
	} {
		t.Run(name, func(t *testing.T) { c.expect(test.code, stun.ChannelBind, test.list...) })
	}
	if n := len(c.allocation().channels); n != 2 {
		t.Errorf("%d channels", n)
	}
}

// Channels last ten minutes, their permission five; after that number and peer rest for five minutes (RFC 8656 section 12).
func TestChannelsExpire(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	relay := c.allocate(lifetime(1200))
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
	send := func() { c.deliver(channelData(0x4000, "x", 0)) }
	send()
	w.onePeer(peerAddr, "x", false)
	w.advance(permissionLifetime)
	send()
	w.expectDrops("noPermission: 1")
	c.expect(0, stun.CreatePermission, peer(peerAddr)) // opens it again
	send()
	w.onePeer(peerAddr, "x", false)
	w.advance(4 * time.Minute)
	c.expect(0, stun.CreatePermission, peer(peerAddr))
	w.advance(time.Minute) // ten
	send()
	w.expectDrops("noChannel: 1")
	w.server.HandleRelay(w.now, relay, peerAddr, []byte("y"))
	if m := parse(t, c.take()); m.Method != stun.Data { // the permission is there still
		t.Errorf("method %d", m.Method)
	}
	c.expect(0, stun.Refresh, lifetime(1200))
	c.expect(400, stun.ChannelBind, channelNumber(0x4000), peer(otherPeer))
	c.expect(400, stun.ChannelBind, channelNumber(0x4001), peer(peerAddr))
	w.advance(channelQuiet - time.Nanosecond)
	c.expect(400, stun.ChannelBind, channelNumber(0x4000), peer(otherPeer))
	w.advance(time.Nanosecond)
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(otherPeer))
	c.expect(0, stun.ChannelBind, channelNumber(0x4001), peer(peerAddr))
	// As it was it can be bound at any time.
	w.advance(channelLifetime + time.Minute)
	c.expect(0, stun.Refresh, lifetime(1200))
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(otherPeer))
	send()
	w.onePeer(otherPeer, "x", false)
}

// ChannelData in both directions, of every length around the padding.
func TestChannelData(t *testing.T) {
	for _, stream := range []bool{false, true} {
		w := newWorld(t)
		c := w.client(clientAddr)
		if stream {
			c = w.tcpClient(clientAddr)
		}
		relay := c.allocate()
		c.expect(0, stun.ChannelBind, channelNumber(0x4ffe), peer(peerAddr))
		for size := range 10 {
			text := "abcdefghij"[:size]
			for pad := range 4 {
				c.deliver(channelData(0x4ffe, text, pad))
				w.onePeer(peerAddr, text, false)
			}
			c.deliver(channelData(0x4ffe, text, 4))
			w.expectDrops("malformed: 1")
			w.server.HandleRelay(w.now, relay, peerAddr, []byte(text))
			want := channelData(0x4ffe, text, 0)
			if stream { // "MUST be padded to a multiple of four bytes" over TCP (RFC 8656 section 12.5), with zeroes
				want = channelData(0x4ffe, text, -size&3)
			}
			if got := c.take(); !bytes.Equal(got, want) {
				t.Errorf("stream %v: %x, want %x", stream, got, want)
			}
			if n, ok := FrameSize(want); !ok || stream && n != len(want) {
				t.Errorf("a frame of %d bytes is said to have %d", len(want), n)
			}
		}
		short := channelData(0x4ffe, "abcd", 0)
		for n := channelHead; n < len(short); n++ {
			c.deliver(short[:n])
			w.expectDrops("malformed: 1")
		}
		c.deliver(channelData(0x4fff, "x", 0))
		w.expectDrops("noChannel: 1")
		up, down := c.via.Counters.Up[Static], c.via.Counters.Down[Static]
		if up != (Volume{40, 4 * 45}) || down != (Volume{10, 45}) || c.allocation().up != up || c.allocation().down != down {
			t.Errorf("counted %v up, %v down", up, down)
		}
	}
}

func TestSendIndications(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate()
	c.expect(0, stun.CreatePermission, peer(peerAddr))
	for name, test := range map[string]struct {
		list []attrs
		drop string
	}{
		"no data":           {[]attrs{peer(peerAddr)}, "malformed: 1"},
		"no peer":           {[]attrs{data("x")}, "malformed: 1"},
		"port 0":            {[]attrs{peer(netip.AddrPortFrom(peerAddr.Addr(), 0)), data("x")}, "malformed: 1"},
		"malformed peer":    {[]attrs{bytesAttr(stun.AttrXORPeerAddress, 1), data("x")}, "malformed: 1"},
		"unknown attribute": {[]attrs{peer(peerAddr), data("x"), bytesAttr(0x7ffe)}, "malformed: 1"},
		"no permission":     {[]attrs{peer(otherPeer), data("x")}, "noPermission: 1"},
		"other family":      {[]attrs{peer(peerAddr6), data("x")}, "noPermission: 1"},
		"mapped":            {[]attrs{peer(netip.MustParseAddrPort("[::ffff:8.8.8.8]:9000")), data("x")}, "noPermission: 1"},
	} {
		c.deliver(c.plain(stun.Indication, stun.Send, test.list...))
		w.silent() // indications get no answer, whatever is wrong with them
		if got := w.drops(); got != test.drop {
			t.Errorf("%s: %q, want %q", name, got, test.drop)
		}
		if len(w.toPeers()) != 0 {
			t.Errorf("%s: it is relayed", name)
		}
	}
	c.fingerprint = true
	c.deliver(c.plain(stun.Indication, stun.Send, peer(peerAddr), data(""), bytesAttr(0xfffe)))
	w.onePeer(peerAddr, "", false)
	w.client(otherPeer).deliver(c.plain(stun.Indication, stun.Send, peer(peerAddr), data("x")))
	w.expectDrops("noAllocation: 1")
}

// What is longer than a slot is dropped whole, never cut.
func TestLongDatagrams(t *testing.T) {
	w := newWorld(t)
	w.slotSize = 1500
	c := w.tcpClient(clientAddr)
	relay := c.allocate()
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
	c.expect(0, stun.CreatePermission, peer(otherPeer))
	for _, test := range []struct {
		size     int
		up, down bool // by channel
		data     bool // by Data indication: 20 + 12 + 4
	}{{1464, true, true, true}, {1465, true, true, false}, {1496, true, true, false}, {1497, true, false, false}, {1500, true, false, false}, {1501, false, false, false}, {4000, false, false, false}, {65000, false, false, false}} {
		text := string(bytes.Repeat([]byte{'x'}, test.size))
		c.deliver(channelData(0x4000, text, 0))
		if got := len(w.toPeers()) == 1; got != test.up {
			t.Errorf("%d bytes to the peer: %v", test.size, got)
		}
		w.server.HandleRelay(w.now, relay, peerAddr, []byte(text))
		if got := len(w.sent) == 1; got != test.down || got && len(w.sent[0].data) != padded(4+test.size) {
			t.Errorf("%d bytes to the client: %v", test.size, got)
		}
		w.sent = nil
		w.server.HandleRelay(w.now, relay, otherPeer, []byte(text))
		if got := len(w.sent) == 1; got != test.data || got && len(parse(t, w.sent[0].data).Value(stun.AttrData)) != test.size {
			t.Errorf("%d bytes to the client in an indication: %v", test.size, got)
		}
		w.sent = nil
	}
	w.expectDrops("tooLong: 15")
}

// Packets to our own media ports never leave the process, and never become TURN again (R-TURN-6).
func TestShortCircuit(t *testing.T) {
	w := newWorld(t)
	w.media[mediaAddr] = true
	c := w.client(clientAddr)
	relay := c.allocate()
	c.expect(0, stun.CreatePermission, peer(mediaAddr))
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(mediaAddr))
	c.deliver(channelData(0x4000, "rtp", 0))
	check := c.plain(stun.Request, stun.Binding)
	c.deliver(c.plain(stun.Indication, stun.Send, peer(mediaAddr), data(string(check))))
	if len(w.delivered) != 2 || w.delivered[0].to != mediaAddr || w.delivered[0].from != relay || string(w.delivered[0].data) != "rtp" || !bytes.Equal(w.delivered[1].data, check) {
		t.Fatalf("delivered %v", w.delivered)
	}
	if len(w.toPeers()) != 0 {
		t.Error("it went through the socket, too")
	}
	w.server.HandleRelay(w.now, relay, mediaAddr, []byte("answer"))
	if got := c.take(); !bytes.Equal(got, channelData(0x4000, "answer", 0)) {
		t.Errorf("the answer is %x", got)
	}
	// A permission is for all ports of an address: those that are no media ports stay closed.
	for _, port := range []uint16{22, serverAddr.Port(), relay.Address().Port()} {
		c.deliver(c.plain(stun.Indication, stun.Send, peer(netip.AddrPortFrom(mediaAddr.Addr(), port)), data("x")))
		w.expectDrops("denied: 1")
	}
	for _, loop := range [][]byte{c.plain(stun.Request, stun.Allocate, transportUDP), c.plain(stun.Indication, stun.Send), channelData(0x4000, "x", 0)} {
		c.deliver(c.plain(stun.Indication, stun.Send, peer(mediaAddr), data(string(loop))))
		w.expectDrops("loop: 1")
	}
	// A port that is media no longer.
	delete(w.media, mediaAddr)
	c.deliver(channelData(0x4000, "x", 0))
	w.expectDrops("denied: 1")
	if len(w.delivered) != 2 || len(w.toPeers()) != 0 {
		t.Error("something went out")
	}
}

// R-TURN-6: caps of bits and packets per second, in each direction.
func TestRates(t *testing.T) {
	for name, test := range map[string]struct {
		quotas Quotas
		passed int // of 100 packets of 100 bytes at once
	}{
		"none":    {Quotas{}, 100},
		"bits":    {Quotas{Bitrate: 8 * 100 * 30}, 30},
		"packets": {Quotas{PacketRate: 20}, 20},
		"both":    {Quotas{Bitrate: 8 * 100 * 30, PacketRate: 40}, 30},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *Config) { c.Quotas = test.quotas })
			c := w.client(clientAddr)
			relay := c.allocate()
			c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
			text := string(bytes.Repeat([]byte{'x'}, 100))
			burst := func(want int) {
				t.Helper()
				for range 100 {
					c.deliver(channelData(0x4000, text, 0))
					w.server.HandleRelay(w.now, relay, peerAddr, []byte(text))
				}
				if up, down := len(w.toPeers()), len(w.sent); up != want || down != want {
					t.Errorf("%d packets up, %d down, want %d", up, down, want)
				}
				w.sent = nil
			}
			burst(test.passed)
			if test.passed < 100 {
				burst(0)
				w.advance(500 * time.Millisecond)
				burst(test.passed / 2)
			}
			w.advance(10 * time.Second) // what was not used is not saved up
			burst(test.passed)
		})
	}
}

// RFC 8656 section 11.5: the client hears of ICMP errors, if the peer is permitted.
func TestICMP(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate(alsoIPv6)
	c.expect(0, stun.CreatePermission, peer(peerAddr), peer(peerAddr6))
	relays := c.allocation().relays
	for name, test := range map[string]struct {
		peer  netip.AddrPort
		error ICMP
		want  []byte // nil: not told
	}{
		"port unreachable":     {peerAddr, ICMP{3, 3, 99}, []byte{0, 0, 6, 3, 0, 0, 0, 0}},
		"fragmentation needed": {peerAddr, ICMP{3, 4, 1400}, []byte{0, 0, 6, 4, 0, 0, 0x05, 0x78}},
		"time exceeded":        {peerAddr, ICMP{11, 0, 7}, []byte{0, 0, 22, 0, 0, 0, 0, 0}},
		"redirect":             {peerAddr, ICMP{5, 1, 0}, nil},
		"stranger":             {otherPeer, ICMP{3, 3, 0}, nil},
		"packet too big":       {peerAddr6, ICMP{2, 0, 1280}, []byte{0, 0, 4, 0, 0, 0, 5, 0}},
		"no route":             {peerAddr6, ICMP{1, 4, 9}, []byte{0, 0, 2, 4, 0, 0, 0, 0}},
		"hop limit":            {peerAddr6, ICMP{3, 0, 9}, []byte{0, 0, 6, 0, 0, 0, 0, 0}},
		"echo":                 {peerAddr6, ICMP{128, 0, 0}, nil},
	} {
		w.server.HandleICMP(w.now, relays[familyOf(test.peer.Addr())], test.peer, test.error)
		if test.want == nil {
			w.silent()
			continue
		}
		m := parse(t, c.take())
		if a, _ := m.XORAddress(stun.AttrXORPeerAddress); a != test.peer || m.Method != stun.Data || m.Class != stun.Indication || m.Has(stun.AttrData) {
			t.Errorf("%s: method %d of %v", name, m.Method, a)
		}
		if got := m.Value(stun.AttrICMP); !bytes.Equal(got, test.want) {
			t.Errorf("%s: ICMP %x, want %x", name, got, test.want)
		}
	}
}

// A dual-stack socket reports IPv4 peers in the mapped form.
func TestPeersAreCanonical(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	relay := c.allocate()
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
	mapped := netip.AddrPortFrom(netip.AddrFrom16(peerAddr.Addr().As16()), peerAddr.Port())
	w.server.HandleRelay(w.now, relay, mapped, []byte("x"))
	if got := c.take(); !bytes.Equal(got, channelData(0x4000, "x", 0)) {
		t.Errorf("%x", got)
	}
}

// Another 5-tuple is another client, also when only the link differs: a TCP connection that took the place of another's.
func TestFiveTuples(t *testing.T) {
	w := newWorld(t)
	c := w.tcpClient(clientAddr)
	c.allocate()
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
	for name, change := range map[string]func(*tuple.Tuple){
		"link":     func(t *tuple.Tuple) { t.Link++ },
		"protocol": func(t *tuple.Tuple) { t.Protocol = tuple.UDP },
		"port":     func(t *tuple.Tuple) { t.Remote = netip.AddrPortFrom(t.Remote.Addr(), 1) },
		"server":   func(t *tuple.Tuple) { t.Local = serverAddr6 },
	} {
		other := *c
		change(&other.tuple)
		other.deliver(channelData(0x4000, "x", 0))
		if got := w.drops(); got != "noAllocation: 1" {
			t.Errorf("another %s: %q", name, got)
		}
		c.deliver(channelData(0x4000, "x", 0))
		w.onePeer(peerAddr, "x", false)
	}
}

func TestDump(t *testing.T) {
	w := newWorld(t)
	c, d := w.client(clientAddr), w.client(otherPeer)
	c.allocate(alsoIPv6)
	d.allocate()
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
	c.deliver(channelData(0x4000, "abc", 0))
	list := w.server.Dump()
	if len(list) != 2 || list[0].ID != 1 || list[1].ID != 2 || list[1].Client != d.tuple {
		t.Fatalf("%+v", list)
	}
	x := list[0]
	if x.Username != username || x.Class != Static || len(x.Relays) != 2 || x.TCP || x.Up != (Volume{1, 3}) || x.Listener != w.udp ||
		x.CreatedAt != epoch || x.ExpiresAt != epoch.Add(defaultLifetime) {
		t.Errorf("%+v", x)
	}
	if len(x.Permissions) != 1 || x.Permissions[0] != (PermissionDump{peerAddr.Addr(), epoch.Add(permissionLifetime)}) ||
		len(x.Channels) != 1 || x.Channels[0] != (ChannelDump{0x4000, peerAddr, epoch.Add(channelLifetime)}) {
		t.Errorf("%+v", x)
	}
	if l := w.server.Listeners(); len(l) != 2 || l[0] != w.udp || l[1] != w.tcp {
		t.Errorf("listeners %v", l)
	}
}

// The names that stand in metrics, and the codes that are counted.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for d := range NumDrops {
		seen[d.String()] = true
	}
	for k := Created; k <= Denied; k++ {
		seen[k.String()] = true
	}
	for r := EndExpired; r <= EndShutdown; r++ {
		seen[r.String()] = true
	}
	for x := range numTransports {
		seen[x.String()] = true
	}
	for c := range NumUserClasses {
		seen[c.String()] = true
	}
	// "denied" is a drop and an event, "closed" a drop and an end.
	if want := int(NumDrops) + 5 + 5 + 4 + 2 - 2; len(seen) != want || seen[""] {
		t.Errorf("%d names, want %d: %v", len(seen), want, seen)
	}
	for code := range reasons {
		var c Counters
		c.answered(code)
		for i, n := range c.Answers {
			if n != 0 && AnswerCode(i) != code || n == 0 && AnswerCode(i) == code {
				t.Errorf("%d is counted as %d", code, AnswerCode(i))
			}
		}
	}
}

// Slots that hold no answer are no reason to panic.
func TestTinySlots(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate()
	for size := range 60 {
		w.slotSize = size
		c.deliver(c.signed(stun.Refresh))
	}
	w.silent()
	w.expectDrops("tooLong: 60")
}

// A peer's ICMP errors count against its packets.
func TestRateOfICMP(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Quotas.PacketRate = 3 })
	c := w.client(clientAddr)
	relay := c.allocate()
	c.expect(0, stun.CreatePermission, peer(peerAddr))
	for range 10 {
		w.server.HandleICMP(w.now, relay, peerAddr, ICMP{Type: 3, Code: 3})
	}
	if len(w.sent) != 3 {
		t.Errorf("%d are told", len(w.sent))
	}
	w.expectDrops("rate: 7")
}

// Without randomness there is no safe way on.
func TestNoRandomness(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it goes on")
		}
	}()
	r := random{source: bytes.NewReader(make([]byte, 511))}
	r.uint64()
}

// What was given out is somebody's secret: no copy of it stays.
func TestRandomForgets(t *testing.T) {
	r := testRandom()
	for range 100 {
		var b [24]byte
		r.read(b[:])
		if given := r.buffer[:len(r.buffer)-r.left]; !bytes.Equal(given, make([]byte, len(given))) {
			t.Fatalf("%x is kept", given)
		}
	}
}
