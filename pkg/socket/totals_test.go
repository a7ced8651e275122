package socket

import (
	"net"
	"sync"
	"testing"
	"time"
)

// drop is a sink that wants nothing.
func drop(b *Batch) { b.Release() }

// What a socket counted stays in the totals when it closes, whether it was read or not, and is in them once.
func TestTotalsKeepWhatIsClosed(t *testing.T) {
	links, pool := NewLinks(), NewPool(8)
	var want UDPStats
	for round := range 3 {
		server, client := listenUDP(t, links, loopback4, Options{}), listenUDP(t, links, loopback4, Options{})
		server.Start(pool, drop)
		to, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(server.Local()))
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := to.Write([]byte("five")); err != nil {
				t.Fatal(err)
			}
		}
		want.Packets += 5
		want.Bytes += 20
		eventually(t, "all came", func() bool { return links.Totals().UDP.Packets == want.Packets })
		to.Close()
		server.Close()
		server.Close()
		client.Close() // never read
		eventually(t, "the socket is folded in", func() bool {
			links.totals.mu.Lock()
			defer links.totals.mu.Unlock()
			return len(links.totals.udp) == 0
		})
		if got := links.Totals().UDP; got.Packets != want.Packets || got.Bytes != want.Bytes || got.Batches == 0 {
			t.Errorf("round %d: %+v, want %+v", round, got, want)
		}
	}
}

// The system forgets its count of a socket with the socket. We do not.
func TestTotalsKeepKernelDrops(t *testing.T) {
	links := NewLinks()
	u := &UDP{conn: &leaky{}, closed: make(chan struct{}), links: links}
	u.users.Store(1)
	links.totals.enterUDP(u)
	if got := links.Totals().UDP.KernelDrops; got != 7 {
		t.Fatalf("%d drops while it is open", got)
	}
	u.Close()
	if got := links.Totals().UDP.KernelDrops; got != 7 || u.Stats().KernelDrops != 7 {
		t.Errorf("%d drops after it closed", got)
	}
}

// leaky dropped seven datagrams, and knows it while it is open.
type leaky struct {
	faulty
	closed bool
}

func (l *leaky) kernelDrops() uint64 {
	if l.closed {
		return 0
	}
	return 7
}

func (l *leaky) close() error { l.closed = true; return nil }

// A server's counts stay, too, and its connections' until the last of them is gone.
func TestTotalsKeepServers(t *testing.T) {
	links, pool := NewLinks(), NewPool(8)
	for round := range 3 {
		s := listenTCP(t, links, loopback4)
		s.Start(pool, drop)
		c, err := net.DialTCP("tcp4", nil, net.TCPAddrFromAddrPort(s.Local()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(framed(stunRequest)); err != nil {
			t.Fatal(err)
		}
		n := uint64(round + 1)
		eventually(t, "the frame came", func() bool { return links.Totals().TCP.Packets == n })
		if got := links.Totals().TCP; got.Open != 1 || got.Accepted != n {
			t.Errorf("round %d, open: %+v", round, got)
		}
		s.Close()
		eventually(t, "the server is folded in", func() bool {
			links.totals.mu.Lock()
			defer links.totals.mu.Unlock()
			return len(links.totals.tcp) == 0
		})
		if got := links.Totals().TCP; got.Open != 0 || got.Accepted != n || got.Packets != n {
			t.Errorf("round %d, closed: %+v", round, got)
		}
		c.Close()
	}
	never := listenTCP(t, links, loopback4)
	never.Close()
	if len(links.totals.tcp) != 0 {
		t.Error("a server that accepted nothing is still there")
	}
}

// While sockets come and go, the totals never decrease.
func TestTotalsNeverDecrease(t *testing.T) {
	links, pool := NewLinks(), NewPool(8)
	stop := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		var last Totals
		for {
			now := links.Totals()
			if now.UDP.Packets < last.UDP.Packets || now.UDP.Bytes < last.UDP.Bytes || now.UDP.Batches < last.UDP.Batches {
				t.Errorf("%+v after %+v", now, last)
			}
			last = now
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Microsecond):
			}
		}
	})
	for n := range uint64(50) {
		u := listenUDP(t, links, loopback4, Options{})
		u.Start(pool, drop)
		c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(u.Local()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it came", func() bool { return links.Totals().UDP.Packets == n+1 })
		c.Close()
		u.Close()
	}
	close(stop)
	watch.Wait()
}
