package turn

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"gazpacho/pkg/stun"
)

func ticketAttr(v []byte) attrs { return bytesAttr(stun.AttrMobilityTicket, v...) }

// RFC 8016: a client that changes its address takes its allocation with it.
func TestMobility(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	first := bytes.Clone(c.expect(0, stun.Allocate, transportUDP, ticketAttr(nil)).Value(stun.AttrMobilityTicket))
	relay := c.allocation().firstRelay()
	c.expect(0, stun.ChannelBind, channelNumber(0x4000), peer(peerAddr))
	c.expect(400, stun.Refresh, ticketAttr(first)) // the 5-tuple has not changed

	d := w.tcpClient(otherPeer) // over TCP, even
	d.expect(437, stun.Refresh)
	d.expect(437, stun.Refresh, ticketAttr(make([]byte, len(ticket{}))))
	d.expect(437, stun.Refresh, ticketAttr(nil))
	w.client(peerAddr).as("anna", "other").expect(441, stun.Refresh, ticketAttr(first))
	b := d.signed(stun.Refresh, ticketAttr(first), lifetime(900))
	m := d.ask(b)
	second := bytes.Clone(m.Value(stun.AttrMobilityTicket))
	if codeOf(m) != 0 || len(second) == 0 || bytes.Equal(second, first) || !d.key().Check(m) {
		t.Fatalf("%d, ticket %x", codeOf(m), second)
	}
	if again := d.ask(b); !bytes.Equal(again.Value(stun.AttrMobilityTicket), second) || codeOf(again) != 0 {
		t.Errorf("retransmitted: %d", codeOf(again))
	}
	w.server.HandleRelay(w.now, relay, peerAddr, []byte("x"))
	if got := d.take(); !bytes.Equal(got, channelData(0x4000, "x", 3)) { // padded, for it is TCP now
		t.Errorf("%x", got)
	}
	d.deliver(channelData(0x4000, "y", 3))
	w.onePeer(peerAddr, "y", false)
	c.deliver(channelData(0x4000, "z", 0))
	w.expectDrops("noAllocation: 1")
	if w.udp.Counters.Allocations[Static] != 0 || w.tcp.Counters.Allocations[Static] != 1 {
		t.Error("it counts where it was")
	}

	// The answer may be lost and the client move on: the old ticket holds until it is heard.
	e := w.client(clientAddr6)
	m = e.expect(0, stun.Refresh, ticketAttr(first))
	third := bytes.Clone(m.Value(stun.AttrMobilityTicket))
	e.expect(0, stun.CreatePermission, peer(peerAddr))
	for _, old := range [][]byte{first, second} {
		d.expect(437, stun.Refresh, ticketAttr(old))
	}
	// The connection it left behind takes nothing with it, nor does that where it is: the client may come back.
	w.server.ClientClosed(w.now, d.tuple)
	w.server.ClientClosed(w.now, e.tuple)
	c.expect(0, stun.Refresh, ticketAttr(third))
	c.expect(0, stun.Refresh, lifetime(0))
	if len(w.server.tickets) != 0 {
		t.Errorf("%d tickets are left", len(w.server.tickets))
	}
	w.whole()
	kinds := map[EventKind]int{}
	for _, e := range w.events {
		kinds[e.Kind]++
	}
	if kinds[Moved] != 3 || kinds[Created] != 1 || kinds[Ended] != 1 {
		t.Errorf("events %v", kinds)
	}
}

// "405 (Mobility Forbidden)" where the operator does not want it (RFC 8016 section 3.4).
func TestMobilityForbidden(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Mobility = false })
	c := w.client(clientAddr)
	c.expect(405, stun.Allocate, transportUDP, ticketAttr(nil))
	c.allocate()
	c.expect(405, stun.Refresh, ticketAttr(make([]byte, len(ticket{}))))
	if c.allocation().mobile != nil {
		t.Error("there is a ticket")
	}
	w.server.ClientClosed(w.now, c.tuple)
	w.whole()
}

func TestMoveToTheEnd(t *testing.T) {
	w := newWorld(t)
	c := w.client(clientAddr)
	v := bytes.Clone(c.expect(0, stun.Allocate, transportUDP, ticketAttr(nil)).Value(stun.AttrMobilityTicket))
	w.advance(time.Minute)
	d := w.client(otherPeer)
	d.expect(400, stun.Refresh, ticketAttr(v), bytesAttr(stun.AttrLifetime, 1)) // and moves nothing
	if c.allocation() == nil {
		t.Error("a malformed request moved it")
	}
	d.expect(0, stun.Refresh, ticketAttr(v), lifetime(0))
	w.whole()
	if len(w.server.tickets) != 0 {
		t.Error("tickets are left")
	}
}

// Credentials that have expired are good to move what they opened.
func TestMoveWithExpiredCredentials(t *testing.T) {
	w := newWorld(t, limited("s"))
	name := fmt.Sprint(epoch.Add(time.Second).Unix()) + ":x"
	c := w.client(clientAddr).as(name, Password([]byte("s"), name))
	v := bytes.Clone(c.expect(0, stun.Allocate, transportUDP, ticketAttr(nil)).Value(stun.AttrMobilityTicket))
	w.advance(2 * time.Second)
	w.client(otherPeer).as(name, c.password).expect(0, stun.Refresh, ticketAttr(v))
}

// There are clients that take a ticket for a string.
func TestTicketsAreText(t *testing.T) {
	w := newWorld(t)
	for i := range 100 {
		c := w.client(netip.AddrPortFrom(clientAddr.Addr(), uint16(1000+i)))
		v := c.expect(0, stun.Allocate, transportUDP, ticketAttr(nil)).Value(stun.AttrMobilityTicket)
		if len(v) > 32 || bytes.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("the ticket is %q", v)
		}
		c.expect(0, stun.Refresh, lifetime(0))
	}
}
