package turn

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/pion/logging"
	pion "github.com/pion/turn/v2"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
)

// wire is the network of one client of pion's: what it writes goes to the server at once, what the server sends waits to be read.
type wire struct {
	w      *world
	from   tuple.Tuple
	mu     *sync.Mutex // the world belongs to one goroutine at a time
	in     chan []byte
	bound  chan struct{} // told of each ChannelBind that was answered
	closed chan struct{}
}

func newWire(w *world) *wire {
	return &wire{
		w: w, from: tuple.Of(tuple.UDP, 1, serverAddr, clientAddr), mu: new(sync.Mutex),
		in: make(chan []byte, 64), bound: make(chan struct{}, 64), closed: make(chan struct{}),
	}
}

func (c *wire) WriteTo(b []byte, _ net.Addr) (int, error) {
	c.do(func() { c.w.server.Handle(c.w.now, c.w.udp, c.from, b) })
	if stun.IsMessage(b) && stun.MethodOf(b) == stun.ChannelBind {
		c.bound <- struct{}{}
	}
	return len(b), nil
}

// do does something to the server, and takes what it sends.
func (c *wire) do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	for _, p := range c.w.sent {
		c.in <- bytes.Clone(p.data)
	}
	c.w.sent = nil
}

func (c *wire) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-c.in:
		return copy(b, p), net.UDPAddrFromAddrPort(serverAddr), nil
	case <-c.closed:
		return 0, nil, os.ErrClosed
	}
}

func (c *wire) Close() error                       { close(c.closed); return nil }
func (c *wire) LocalAddr() net.Addr                { return net.UDPAddrFromAddrPort(clientAddr) }
func (c *wire) SetDeadline(time.Time) error        { return nil }
func (c *wire) SetReadDeadline(t time.Time) error  { return nil }
func (c *wire) SetWriteDeadline(t time.Time) error { return nil }

// fromRelays takes what the relays sent.
func (c *wire) fromRelays() []packet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.w.toPeers()
}

// A client written by others allocates, permits, sends, binds a channel, receives, and leaves.
func TestPionClient(t *testing.T) {
	w := newWorld(t)
	c := newWire(w)
	client, err := pion.NewClient(&pion.ClientConfig{
		STUNServerAddr: serverAddr.String(), TURNServerAddr: serverAddr.String(), Username: username, Password: password, Realm: realm,
		Conn: c, LoggerFactory: logging.NewDefaultLoggerFactory(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := client.Listen(); err != nil {
		t.Fatal(err)
	}
	mapped, err := client.SendBindingRequest()
	if err != nil || mapped.String() != clientAddr.String() {
		t.Fatalf("mapped to %v, %v", mapped, err)
	}
	conn, err := client.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	var relay *Relay
	c.do(func() { relay = w.server.clients[c.from].firstRelay() })
	if conn.LocalAddr().String() != relay.Address().String() {
		t.Errorf("relayed at %v, the server says %v", conn.LocalAddr(), relay.Address())
	}
	to := net.UDPAddrFromAddrPort(peerAddr)
	if _, err := conn.WriteTo([]byte("by Send"), to); err != nil {
		t.Fatal(err)
	}
	if got := c.fromRelays(); len(got) != 1 || string(got[0].data) != "by Send" || got[0].to != peerAddr {
		t.Fatalf("the peer gets %v", got)
	}
	hear := func(text string) {
		t.Helper()
		c.do(func() { w.server.HandleRelay(w.now, relay, peerAddr, []byte(text)) })
		b := make([]byte, 100)
		n, from, err := conn.ReadFrom(b)
		if err != nil || string(b[:n]) != text || netip.MustParseAddrPort(from.String()) != peerAddr {
			t.Fatalf("hears %q from %v, %v; want %q", b[:n], from, err, text)
		}
	}
	hear("by Data")
	// It binds a channel by itself, next to what it sends.
	<-c.bound
	c.do(func() {
		if n := len(w.server.clients[c.from].channels); n != 1 {
			t.Errorf("%d channels are bound", n)
		}
	})
	if _, err := conn.WriteTo([]byte("by channel, perhaps"), to); err != nil {
		t.Fatal(err)
	}
	hear("by channel")
	if got := c.fromRelays(); len(got) != 1 || string(got[0].data) != "by channel, perhaps" {
		t.Fatalf("the peer gets %v", got)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	client.Close()
	c.do(w.whole)
}

// And with a wrong password it gets nothing.
func TestPionClientWithAWrongPassword(t *testing.T) {
	w := newWorld(t)
	c := newWire(w)
	client, err := pion.NewClient(&pion.ClientConfig{
		TURNServerAddr: serverAddr.String(), Username: username, Password: "wrong", Realm: realm, Conn: c, LoggerFactory: logging.NewDefaultLoggerFactory(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := client.Listen(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Allocate(); err == nil {
		t.Error("it is let in")
	}
	client.Close()
	c.do(w.whole)
}
