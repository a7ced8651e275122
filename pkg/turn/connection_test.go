package turn

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

func connectionID(id uint32) attrs {
	return func(w *stun.Builder) { w.AddUint32(stun.AttrConnectionID, id) }
}

func (c *client) allocateTCP() *Relay {
	c.Helper()
	c.expect(0, stun.Allocate, transportTCP)
	return c.allocation().firstRelay()
}

// RFC 6062 section 4: the client connects to a peer.
func TestConnect(t *testing.T) {
	w := newWorld(t)
	c := w.tcpClient(clientAddr)
	relay := c.allocateTCP()
	if !w.taken[relay.Local()] || w.opened != 0 {
		t.Error("the relay does not listen, or has a UDP socket")
	}
	connect := c.signed(stun.Connect, peer(peerAddr))
	c.deliver(connect)
	w.silent() // the outcome is not known yet
	if len(w.dials) != 1 || w.dials[0].Peer() != peerAddr {
		t.Fatalf("dials %v", w.dials)
	}
	// "If the server is currently processing a Connect request for this allocation with the same XOR-PEER-ADDRESS: 446" (RFC 6062 section 5.2)
	c.expect(446, stun.Connect, peer(peerAddr))
	stream := &fakeStream{}
	w.server.PeerConnected(w.now, w.dials[0], stream)
	m := parse(t, c.take())
	id, ok := m.Uint32(stun.AttrConnectionID)
	if m.Class != stun.SuccessResponse || m.Method != stun.Connect || !ok || !c.key().Check(m) || m.TransactionID() != stun.TransactionID(connect[8:20]) {
		t.Fatalf("class %d, method %d, CONNECTION-ID %v", m.Class, m.Method, ok)
	}
	c.expect(446, stun.Connect, peer(peerAddr))

	d := w.tcpClient(netip.AddrPortFrom(clientAddr.Addr(), 40001))
	d.expect(400, stun.ConnectionBind)
	d.expect(400, stun.ConnectionBind, connectionID(id+1))
	stranger := w.tcpClient(otherPeer).as("anna", "other")
	stranger.expect(441, stun.ConnectionBind, connectionID(id))
	datagram := w.client(netip.AddrPortFrom(clientAddr.Addr(), 40002))
	datagram.expect(400, stun.ConnectionBind, connectionID(id))
	c.expect(400, stun.ConnectionBind, connectionID(id)) // on the control connection
	if stream.spliced.IsValid() {
		t.Fatal("spliced")
	}
	d.expect(0, stun.ConnectionBind, connectionID(id))
	if stream.spliced != d.tuple {
		t.Errorf("spliced to %v", stream.spliced)
	}
	d.expect(400, stun.ConnectionBind, connectionID(id)) // once
	w.advance(5 * time.Minute)                           // no deadline holds for it any more
	if stream.closed != 0 || len(w.server.connections) != 1 {
		t.Error("it is closed")
	}
	w.server.PeerClosed(w.now, w.dials[0])
	if stream.closed != 0 || len(w.server.connections) != 0 || len(c.allocation().connections) != 0 {
		t.Error("it is closed twice, or not forgotten")
	}
	c.deliver(c.signed(stun.Connect, peer(peerAddr))) // and again
	if len(w.dials) != 2 {
		t.Error("there is no second connection")
	}
}

func TestConnectFails(t *testing.T) {
	for name, fail := range map[string]func(w *world, c *Connection){
		"refused": func(w *world, c *Connection) { w.server.PeerFailed(w.now, c) },
		"silence": func(w *world, c *Connection) { w.advance(connectionPatience) },
	} {
		w := newWorld(t)
		c := w.tcpClient(clientAddr)
		c.allocateTCP()
		c.deliver(c.signed(stun.Connect, peer(peerAddr)))
		fail(w, w.dials[0])
		if m := parse(t, c.take()); codeOf(m) != 447 || !c.key().Check(m) {
			t.Errorf("%s: %d, want 447", name, codeOf(m))
		}
		// What comes late is closed, and told nobody.
		late := &fakeStream{}
		w.server.PeerConnected(w.now, w.dials[0], late)
		w.server.PeerFailed(w.now, w.dials[0])
		w.silent()
		if late.closed != 1 || len(w.server.connections) != 0 {
			t.Errorf("%s: closed %d times", name, late.closed)
		}
	}
}

// "If no ConnectionBind request associated with this peer data connection is received after 30 seconds, the peer data connection MUST be closed" (RFC 6062
// section 5.2).
func TestConnectionWaits(t *testing.T) {
	w := newWorld(t)
	c := w.tcpClient(clientAddr)
	c.allocateTCP()
	c.deliver(c.signed(stun.Connect, peer(peerAddr)))
	stream := &fakeStream{}
	w.advance(20 * time.Second)
	w.server.PeerConnected(w.now, w.dials[0], stream)
	c.take()
	w.advance(connectionPatience - time.Nanosecond)
	if stream.closed != 0 {
		t.Error("closed too soon")
	}
	w.advance(time.Nanosecond)
	if stream.closed != 1 || len(w.server.connections) != 0 {
		t.Error("not closed")
	}
}

// RFC 6062 section 5.3: a peer connects, if it is permitted.
func TestConnectionAttempt(t *testing.T) {
	w := newWorld(t)
	c := w.tcpClient(clientAddr)
	relay := c.allocateTCP()
	stream := &fakeStream{}
	if _, ok := w.server.PeerAccepted(w.now, relay, peerAddr, stream); ok {
		t.Fatal("a stranger is let in")
	}
	w.silent()
	c.expect(0, stun.CreatePermission, peer(peerAddr))
	conn, ok := w.server.PeerAccepted(w.now, relay, peerAddr, stream)
	if !ok || conn.Peer() != peerAddr {
		t.Fatal("the peer is not let in")
	}
	m := parse(t, c.take())
	a, _ := m.XORAddress(stun.AttrXORPeerAddress)
	id, ok := m.Uint32(stun.AttrConnectionID)
	if m.Class != stun.Indication || m.Method != stun.ConnectionAttempt || a != peerAddr || !ok {
		t.Errorf("class %d, method %d, peer %v, CONNECTION-ID %v", m.Class, m.Method, a, ok)
	}
	if _, ok := w.server.PeerAccepted(w.now, relay, peerAddr, &fakeStream{}); ok {
		t.Error("one address connects twice")
	}
	w.tcpClient(otherPeer).expect(0, stun.ConnectionBind, connectionID(id))
	if d := w.server.Dump()[0]; len(d.Connections) != 1 || d.Connections[0] != peerAddr || !d.TCP {
		t.Errorf("%+v", d)
	}
	// All ends with the allocation.
	w.server.ClientClosed(w.now, c.tuple)
	w.server.PeerClosed(w.now, conn) // the end of it may have been on its way
	if stream.closed != 1 || len(w.server.connections) != 0 {
		t.Error("the connection outlives the allocation")
	}
	if _, ok := w.server.PeerAccepted(w.now, relay, peerAddr, &fakeStream{}); ok {
		t.Error("a closed relay accepts")
	}
	w.whole()
}

func TestTCPAllocationErrors(t *testing.T) {
	w := newWorld(t)
	for name, list := range map[string][]attrs{
		"don't fragment": {transportTCP, dontFragment}, "even port": {transportTCP, evenPort(0)}, "token": {transportTCP, token(make([]byte, 8))},
	} {
		t.Run(name, func(t *testing.T) { w.tcpClient(clientAddr).expect(400, stun.Allocate, list...) })
	}
	c := w.tcpClient(clientAddr)
	relay := c.allocateTCP()
	for code, list := range map[int][]attrs{400: nil, 403: {peer(serverAddr)}, 443: {peer(peerAddr6)}} {
		c.expect(code, stun.Connect, list...)
	}
	c.expect(403, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
	c.expect(0, stun.CreatePermission, peer(peerAddr))
	c.deliver(c.plain(stun.Indication, stun.Send, peer(peerAddr), data("x")))
	w.expectDrops("noAllocation: 1")
	for port := range uint16(mostPerAllocation) {
		c.deliver(c.signed(stun.Connect, peer(netip.AddrPortFrom(peerAddr.Addr(), 1000+port))))
	}
	c.expect(508, stun.Connect, peer(peerAddr))
	if _, ok := w.server.PeerAccepted(w.now, relay, peerAddr, &fakeStream{}); ok {
		t.Error("there is no end of connections")
	}
	c.expect(0, stun.Refresh, lifetime(0))
	if len(w.server.connections) != 0 {
		t.Errorf("%d connections are left", len(w.server.connections))
	}
	w.whole()

	udp := w.client(otherPeer)
	udp.expect(437, stun.Connect, peer(peerAddr))
	udp.allocate()
	udp.expect(437, stun.Connect, peer(peerAddr))

	off := newWorld(t, func(c *Config) { c.TCPRelay = false })
	off.tcpClient(clientAddr).expect(442, stun.Allocate, transportTCP)
	// A port where nobody can listen.
	full := newWorld(t)
	for port := range uint16(64) {
		full.taken[netip.AddrPortFrom(full.server.pools[0].Local, 50000+port)] = true
	}
	full.tcpClient(clientAddr).expect(508, stun.Allocate, transportTCP)
	full.whole()
}

// A connection outlives the credentials' time, and may be bound with them.
func TestConnectionOfExpiredCredentials(t *testing.T) {
	w := newWorld(t, limited("s"))
	name := fmt.Sprint(epoch.Add(time.Second).Unix()) + ":x"
	c := w.tcpClient(clientAddr).as(name, Password([]byte("s"), name))
	c.allocateTCP()
	c.deliver(c.signed(stun.Connect, peer(peerAddr)))
	w.advance(2 * time.Second)
	w.server.PeerConnected(w.now, w.dials[0], &fakeStream{})
	id, _ := parse(t, c.take()).Uint32(stun.AttrConnectionID)
	d := w.tcpClient(otherPeer).as(name, c.password)
	d.login()
	if code := codeOf(d.ask(d.signed(stun.ConnectionBind, connectionID(id+1)))); code != 401 {
		t.Errorf("nobody's connection: %d, want 401", code)
	}
	d.expect(0, stun.ConnectionBind, connectionID(id))
}

// A client binds with the nonce of its control connection, though nonces are bound to a port: coturn's clients lose their way after a 438 here.
func TestConnectionBindWithTheNonceOfTheSession(t *testing.T) {
	w := newWorld(t)
	c := w.tcpClient(clientAddr)
	c.allocateTCP()
	c.deliver(c.signed(stun.Connect, peer(peerAddr)))
	w.server.PeerConnected(w.now, w.dials[0], &fakeStream{})
	id, _ := parse(t, c.take()).Uint32(stun.AttrConnectionID)
	bind := func(from netip.AddrPort, method stun.Method, id uint32) int {
		d := w.tcpClient(from)
		d.nonce = c.nonce
		return codeOf(d.ask(d.signed(method, connectionID(id))))
	}
	nextPort := netip.AddrPortFrom(clientAddr.Addr(), 40001)
	for name, code := range map[string]int{
		"another address":    bind(otherPeer, stun.ConnectionBind, id),
		"another connection": bind(nextPort, stun.ConnectionBind, id+1),
		"another method":     bind(nextPort, stun.Refresh, id),
	} {
		if code != 438 {
			t.Errorf("%s: %d, want 438", name, code)
		}
	}
	if code := bind(nextPort, stun.ConnectionBind, id); code != 0 {
		t.Errorf("ConnectionBind: %d", code)
	}
}

// Of two relays for TCP one may be given up, with its connections.
func TestGivingUpAFamilyOfConnections(t *testing.T) {
	w := newWorld(t)
	c := w.tcpClient(clientAddr)
	c.expect(0, stun.Allocate, transportTCP, alsoIPv6)
	for _, p := range []netip.AddrPort{peerAddr, peerAddr6} {
		c.deliver(c.signed(stun.Connect, peer(p)))
	}
	four, six := &fakeStream{}, &fakeStream{}
	w.server.PeerConnected(w.now, w.dials[0], four)
	w.server.PeerConnected(w.now, w.dials[1], six)
	w.sent = nil
	c.expect(0, stun.Refresh, wantIPv6, lifetime(0))
	if four.closed != 0 || six.closed != 1 || len(w.server.connections) != 1 {
		t.Errorf("closed %d and %d, %d connections left", four.closed, six.closed, len(w.server.connections))
	}
}

// A policy that changes closes connections, too.
func TestReloadClosesConnections(t *testing.T) {
	w := newWorld(t)
	c := w.tcpClient(clientAddr)
	c.allocateTCP()
	c.deliver(c.signed(stun.Connect, peer(peerAddr)))
	stream := &fakeStream{}
	w.server.PeerConnected(w.now, w.dials[0], stream)
	changed := config()
	changed.DenyPeers = mustPrefixes("8.0.0.0/8")
	if err := w.server.Reload(w.now, changed); err != nil {
		t.Fatal(err)
	}
	if stream.closed != 1 || len(w.server.connections) != 0 {
		t.Error("it lives on")
	}
}

func TestFrameSize(t *testing.T) {
	for _, test := range []struct {
		head uint32
		size int
		ok   bool
	}{
		{0x00010000, 20, true},
		{0x00030064, 120, true},
		{0x00030001, 0, false},
		{0x03ff0004, 24, true},
		{0x04000004, 0, false},
		{0x40000000, 4, true},
		{0x40000001, 8, true},
		{0x40000004, 8, true},
		{0x4fff0005, 12, true},
		{0x7fffffff, 65540, true},
		{0x80000000, 0, false},
		{0xffffffff, 0, false},
		{0x16030100, 0, false},
	} {
		size, ok := FrameSize(binary.BigEndian.AppendUint32(nil, test.head))
		if ok != test.ok || ok && size != test.size {
			t.Errorf("%08x: %d, %v", test.head, size, ok)
		}
	}
}

// Who comes with the nonce of the allocation's connection, from a new port as RFC 6062 section 4.3 has it, is not asked for another; from elsewhere, or for
// anything else, it is.
func TestConnectionBindWithTheNonceOfTheControlConnection(t *testing.T) {
	w := newWorld(t)
	c := w.tcpClient(clientAddr)
	c.allocateTCP()
	c.deliver(c.signed(stun.Connect, peer(peerAddr)))
	stream := &fakeStream{}
	w.server.PeerConnected(w.now, w.dials[0], stream)
	m := parse(t, c.take())
	id, _ := m.Uint32(stun.AttrConnectionID)
	elsewhere, near := w.tcpClient(otherPeer), w.tcpClient(netip.AddrPortFrom(clientAddr.Addr(), 40001))
	elsewhere.nonce, near.nonce = c.nonce, c.nonce
	elsewhere.deliver(elsewhere.signed(stun.ConnectionBind, connectionID(id)))
	if m := parse(t, elsewhere.take()); m.Class != stun.ErrorResponse || stream.spliced.IsValid() {
		t.Error("the nonce is good elsewhere")
	}
	near.deliver(near.signed(stun.Refresh))
	if m := parse(t, near.take()); m.Class != stun.ErrorResponse {
		t.Error("the nonce is good for a Refresh")
	}
	near.nonce = c.nonce
	near.deliver(near.signed(stun.ConnectionBind, connectionID(id)))
	if m := parse(t, near.take()); m.Class != stun.SuccessResponse || stream.spliced != near.tuple {
		t.Error("the nonce is not good for the ConnectionBind")
	}
}

// R-TURN-6: connections of one allocation share what bounds them, and what they carry counts as what packets do.
func TestConnectionsShareAndCount(t *testing.T) {
	w := newWorld(t)
	c := w.tcpClient(clientAddr)
	c.allocateTCP()
	var streams [2]*fakeStream
	for i, to := range []netip.AddrPort{peerAddr, otherPeer} {
		c.deliver(c.signed(stun.Connect, peer(to)))
		streams[i] = &fakeStream{}
		w.server.PeerConnected(w.now, w.dials[i], streams[i])
		m := parse(t, c.take())
		id, _ := m.Uint32(stun.AttrConnectionID)
		w.tcpClient(netip.AddrPortFrom(clientAddr.Addr(), uint16(40001+i))).expect(0, stun.ConnectionBind, connectionID(id))
	}
	if streams[0].share == nil || streams[0].share != streams[1].share {
		t.Error("each has a share of its own")
	}
	counted := func(up, down uint64) {
		t.Helper()
		w.server.Stats()
		if v := w.tcp.Counters; v.Up[Static].Bytes != up || v.Down[Static].Bytes != down {
			t.Errorf("the listener counts %d and %d bytes, want %d and %d", v.Up[Static].Bytes, v.Down[Static].Bytes, up, down)
		}
		if d := w.server.Dump()[0]; d.Up.Bytes != up || d.Down.Bytes != down {
			t.Errorf("the allocation has %d and %d bytes, want %d and %d", d.Up.Bytes, d.Down.Bytes, up, down)
		}
	}
	streams[0].up, streams[0].down, streams[1].up = 100, 20, 7
	counted(107, 20)
	streams[0].up = 150
	counted(157, 20)
	streams[0].up = 151
	w.server.PeerClosed(w.now, w.dials[0])
	streams[0].up = 1000 // nobody looks any more
	counted(158, 20)
	streams[1].down = 5
	c.expect(0, stun.Refresh, lifetime(0))
	if v := w.tcp.Counters; v.Down[Static].Bytes != 25 {
		t.Errorf("what was carried last is not counted: %d", v.Down[Static].Bytes)
	}
}

// R-TURN-6: no relay is the client of another, so the ports of our own media, on which TURN answers too, are for packets only.
func TestConnectToOwnMedia(t *testing.T) {
	w := newWorld(t)
	w.media[mediaAddr] = true
	c := w.tcpClient(clientAddr)
	c.allocateTCP()
	c.expect(403, stun.Connect, peer(mediaAddr))
	if len(w.dials) != 0 {
		t.Error("it is dialed")
	}
}
