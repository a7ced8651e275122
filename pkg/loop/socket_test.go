package loop

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"gazpacho/pkg/socket"
	"gazpacho/pkg/tuple"
)

// A loop with real sockets: datagrams and frames come in, and leave again at the end of the turn.
func TestLoopOwnsSockets(t *testing.T) {
	l := New(Config{})
	links := socket.NewLinks()
	egress := socket.NewEgress(links)
	udp, err := socket.ListenUDP(links, netip.MustParseAddrPort("127.0.0.1:0"), socket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := socket.ListenTCP(links, netip.MustParseAddrPort("127.0.0.1:0"), socket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan tuple.Link, 1)
	echo := l.Sink(func(_ time.Time, b *socket.Batch) {
		for from, data, ok := b.Next(); ok; from, data, ok = b.Next() {
			egress.Commit(copy(egress.Next(), data), from)
		}
		if b.Closed {
			closed <- b.Link
		}
	})
	l.OnTurnEnd(func(time.Time) { egress.Flush() })
	udp.Start(l.Pool(), echo)
	tcp.Start(l.Pool(), echo)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()

	const stun = "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"
	frame := "\x00\x14" + stun
	for _, c := range []struct{ network, addr, say string }{
		{"udp", udp.Local().String(), "datagram"},
		{"tcp", tcp.Local().String(), frame},
	} {
		nc, err := net.Dial(c.network, c.addr)
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		for range 3 {
			fmt.Fprint(nc, c.say)
			_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, err := nc.Read(buffer)
			if err != nil || string(buffer[:n]) != c.say {
				t.Fatalf("%s: got %q, %v", c.network, buffer[:n], err)
			}
		}
		nc.Close()
	}
	if link := <-closed; link == 0 || link == udp.Link() {
		t.Errorf("link %d closed", link)
	}
	if s := l.Stats(); s.Packets != 6 {
		t.Errorf("%+v", s)
	}
	on(l, func(time.Time) {
		udp.Close()
		tcp.Close()
		cancel()
	})
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if links.Len() != 0 {
		t.Errorf("%d links left", links.Len())
	}
}
