package turn

import (
	"bytes"
	"net/netip"
	"testing"

	"gazpacho/pkg/stun"
)

// Where other servers fall short, each of them once.

// Others answer DONT-FRAGMENT with 420.
func TestDontFragmentIsUnderstood(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate(dontFragment)
	c.expect(0, stun.CreatePermission, peer(peerAddr))
	c.deliver(c.plain(stun.Indication, stun.Send, peer(peerAddr), data("x"), dontFragment))
	w.onePeer(peerAddr, "x", true)
	c.deliver(c.plain(stun.Indication, stun.Send, peer(peerAddr), data("x")))
	w.onePeer(peerAddr, "x", false)
}

// Others turn a LIFETIME of 3600 into 600.
func TestLongLifetimeIsClampedToTheMaximum(t *testing.T) {
	w := newWorld(t)
	m := w.client(clientAddr).expect(0, stun.Allocate, transportUDP, lifetime(3600))
	if v, _ := m.Uint32(stun.AttrLifetime); v != 1200 {
		t.Errorf("LIFETIME %d", v)
	}
}

// SOFTWARE belongs on 401, Allocate and Refresh answers, and on nothing else.
func TestWhereSoftwareIs(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.login()
	for _, test := range []struct {
		m    *stun.Message
		want bool
	}{
		{c.request(stun.CreatePermission, peer(peerAddr)), false}, // 437
		{c.request(stun.Allocate), true},                          // 400
		{c.request(stun.Allocate, transportUDP), true},
		{c.request(stun.Allocate, transportUDP), true}, // 437
		{c.request(stun.Refresh), true},
		{c.request(stun.CreatePermission, peer(peerAddr)), false},
		{c.request(stun.CreatePermission), false}, // 400
		{c.request(stun.ChannelBind, channelNumber(0x4000), peer(peerAddr)), false},
		{c.request(stun.ChannelBind), false},
		{c.ask(c.plain(stun.Request, stun.ChannelBind, bytesAttr(stun.AttrSoftware, make([]byte, 40)...))), true}, // 401
	} {
		if test.m.Has(stun.AttrSoftware) != test.want {
			t.Errorf("method %d, %d: SOFTWARE %v", test.m.Method, codeOf(test.m), !test.want)
		}
	}
	w.server.HandleRelay(w.now, c.allocation().firstRelay(), netip.AddrPortFrom(peerAddr.Addr(), 1), []byte("x"))
	if parse(t, c.take()).Has(stun.AttrSoftware) {
		t.Error("SOFTWARE in a Data indication")
	}
}

// Others do not answer where 437 and 441 are due.
func TestMismatchesAreAnswered(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	for _, method := range []stun.Method{stun.Refresh, stun.CreatePermission, stun.ChannelBind, stun.Connect} {
		c.expect(437, method, channelNumber(0x4000), peer(peerAddr))
	}
	c.allocate()
	c.as("anna", "other")
	for _, method := range []stun.Method{stun.Refresh, stun.CreatePermission, stun.ChannelBind, stun.Connect} {
		c.expect(441, method, channelNumber(0x4000), peer(peerAddr))
	}
	c.expect(437, stun.Allocate, transportUDP)
}

// Others have one nonce for all clients.
func TestNonceOfAnotherClient(t *testing.T) {
	w := newWorld(t)
	c, d := w.client(clientAddr), w.client(otherPeer)
	c.login()
	d.login()
	if c.nonce == d.nonce {
		t.Fatal("two clients have one nonce")
	}
	d.nonce = c.nonce
	if code := codeOf(d.ask(d.signed(stun.Allocate, transportUDP))); code != 438 {
		t.Errorf("another's nonce: %d, want 438", code)
	}
}

// Others keep the good one of two peers; it is all or nothing.
func TestGoodAndDeniedPeer(t *testing.T) {
	for _, order := range [][]attrs{{peer(peerAddr), peer(serverAddr)}, {peer(serverAddr), peer(peerAddr)}} {
		w := newWorld(t)
		c := w.client(clientAddr)
		c.allocate()
		c.expect(403, stun.CreatePermission, order...)
		c.deliver(c.plain(stun.Indication, stun.Send, peer(peerAddr), data("x")))
		w.expectDrops("noPermission: 1")
	}
}

// Others accept channel 0x3FFF.
func TestChannelBelowTheFirst(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate()
	c.expect(400, stun.ChannelBind, channelNumber(0x3fff), peer(peerAddr))
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
}

// Others cut datagrams of more than 1600 bytes and relay them as if they were whole.
func TestNothingIsCut(t *testing.T) {
	for _, slot := range []int{1500, 2048, 65535} {
		w := newWorld(t)
		w.slotSize = slot
		c := w.client(clientAddr)
		relay := c.allocate()
		c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
		text := bytes.Repeat([]byte{'x'}, 1700)
		c.deliver(channelData(0x4000, string(text), 0))
		w.server.HandleRelay(w.now, relay, peerAddr, text)
		for _, p := range append(w.toPeers(), w.sent...) {
			if n := len(p.data); n != 1700 && n != 1704 {
				t.Errorf("slots of %d: %d bytes of 1700", slot, n)
			}
		}
	}
}

// Others stall over TCP on ChannelData of up to four bytes: the frame ends where it ends.
func TestShortChannelDataOverTCP(t *testing.T) {
	w := newWorld(t)
	c := w.tcpClient(clientAddr)
	relay := c.allocate()
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
	for _, text := range []string{"", "a", "ab", "abc", "abcd"} {
		frame := channelData(0x4000, text, -len(text)&3)
		if n, ok := FrameSize(frame); !ok || n != len(frame) {
			t.Errorf("%q: the frame has %d bytes, not %d", text, n, len(frame))
		}
		c.deliver(frame)
		w.onePeer(peerAddr, text, false)
		w.server.HandleRelay(w.now, relay, peerAddr, []byte(text))
		if got := c.take(); !bytes.Equal(got, frame) {
			t.Errorf("%q comes back as %x", text, got)
		}
	}
}

// Others ignore the R bit of EVEN-PORT.
func TestReserveBit(t *testing.T) {
	w := newWorld(t)
	m := w.client(clientAddr).expect(0, stun.Allocate, transportUDP, evenPort(0x80))
	if len(m.Value(stun.AttrReservationToken)) != 8 {
		t.Error("no RESERVATION-TOKEN")
	}
}

// Others answer the Refresh of a deleted allocation with success.
func TestRefreshOfADeletedAllocation(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	c.allocate()
	c.expect(0, stun.Refresh, lifetime(0))
	c.expect(437, stun.Refresh, lifetime(0))
	c.expect(437, stun.Refresh)
}
