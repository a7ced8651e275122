package socket

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"gazpacho/pkg/tuple"
)

// paths runs a test over the system's batch calls and over the portable path.
func paths(t *testing.T, f func(t *testing.T, opts Options)) {
	t.Run("batch", func(t *testing.T) { f(t, Options{}) })
	t.Run("portable", func(t *testing.T) { f(t, Options{portable: true}) })
}

func TestUDPRoundTrip(t *testing.T) {
	tests := []struct {
		name       string
		server     netip.AddrPort
		dial       string // the server's address as the client knows it
		clientFrom netip.AddrPort
	}{
		{"IPv4", loopback4, "127.0.0.1", loopback4},
		{"IPv6", loopback6, "::1", loopback6},
		{"IPv4 on a dual-stack socket", wildcard6, "127.0.0.1", loopback4},
		{"IPv6 on a dual-stack socket", wildcard6, "::1", loopback6},
		{"IPv4 wildcard", netip.MustParseAddrPort("0.0.0.0:0"), "127.0.0.1", loopback4},
		{"v4-mapped address", netip.MustParseAddrPort("[::ffff:127.0.0.1]:0"), "127.0.0.1", loopback4},
	}
	paths(t, func(t *testing.T, opts Options) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				links := NewLinks()
				server := listenUDP(t, links, tt.server, opts)
				client := listenUDP(t, links, tt.clientFrom, opts)
				atServer, atClient := receive(t, server), receive(t, client)
				e := NewEgress(links)

				to := netip.AddrPortFrom(netip.MustParseAddr(tt.dial), server.Local().Port())
				commit(e, tuple.Of(tuple.UDP, client.Link(), client.Local(), to), "question")
				e.Flush()
				question := next(t, atServer)
				want := tuple.Of(tuple.UDP, server.Link(), server.Local(), client.Local())
				if question.data != "question" || question.from != want {
					t.Fatalf("server got %q from %v, want from %v", question.data, question.from, want)
				}

				commit(e, question.from, "answer") // a tuple is enough to answer
				e.Flush()
				if answer := next(t, atClient); answer.data != "answer" || answer.from.Remote != to {
					t.Errorf("client got %q from %v", answer.data, answer.from)
				}
				if s := e.Stats(); s.Sent != 2 || s.Bytes != uint64(len("questionanswer")) || s.Dropped() != 0 {
					t.Errorf("egress: %+v", s)
				}
				if s := server.Stats(); s.Packets != 1 || s.Bytes != uint64(len("question")) || s.Batches != 1 {
					t.Errorf("server: %+v", s)
				}
			})
		}
	})
}

// Sockets of a loop share a pool: what one family leaves in a batch must not cut the other's addresses.
func TestFamiliesShareAPool(t *testing.T) {
	paths(t, func(t *testing.T, opts Options) {
		links := NewLinks()
		pool := NewPool(1)
		e := NewEgress(links)
		four, six := listenUDP(t, links, loopback4, opts), listenUDP(t, links, loopback6, opts)
		for _, u := range []*UDP{four, six, four, six} {
			to := tuple.Of(tuple.UDP, u.Link(), u.Local(), u.Local())
			commit(e, to, "to itself")
			e.Flush()
			b, err := u.ReadBatch(pool)
			if err != nil {
				t.Fatal(err)
			}
			if from, data, _ := b.Next(); from != to || string(data) != "to itself" {
				t.Errorf("got %q from %v, want from %v", data, from, to)
			}
			b.Release()
		}
	})
}

func TestIPv6OnlyKeepsIPv4Off(t *testing.T) {
	paths(t, func(t *testing.T, opts Options) {
		opts.IPv6Only = true
		links := NewLinks()
		server := listenUDP(t, links, wildcard6, opts)
		// The port is free for IPv4 only if the socket did not take it.
		listenUDP(t, links, netip.AddrPortFrom(loopback4.Addr(), server.Local().Port()), opts)
	})
}

func TestBusyPortIsAnError(t *testing.T) {
	paths(t, func(t *testing.T, opts Options) {
		links := NewLinks()
		first := listenUDP(t, links, loopback4, opts)
		if _, err := ListenUDP(links, first.Local(), opts); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("second bind: %v, want EADDRINUSE", err)
		}
		if links.Len() != 1 {
			t.Errorf("%d links after a failure", links.Len())
		}
		first.Close()
		listenUDP(t, links, first.Local(), opts) // closing freed it
	})
}

func TestReusePort(t *testing.T) {
	paths(t, func(t *testing.T, opts Options) {
		opts.ReusePort = true
		links := NewLinks()
		first := listenUDP(t, links, loopback4, opts)
		second := listenUDP(t, links, first.Local(), opts)
		if first.Link() == second.Link() {
			t.Error("two sockets share a link")
		}
	})
}

func TestListenErrorsNameTheAddress(t *testing.T) {
	paths(t, func(t *testing.T, opts Options) {
		addr := netip.MustParseAddrPort("198.51.100.1:4443")
		_, err := ListenUDP(NewLinks(), addr, opts)
		var op *net.OpError
		if !errors.As(err, &op) || op.Addr.String() != addr.String() || !errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Errorf("error is %v", err)
		}
	})
}

// SECURITY.md R-RTP-4: datagrams of at most 1500 B. What is cut short is never taken for whole.
func TestDatagramLengths(t *testing.T) {
	paths(t, func(t *testing.T, opts Options) {
		links := NewLinks()
		server, client := listenUDP(t, links, loopback4, opts), listenUDP(t, links, loopback4, opts)
		packets := receive(t, server)
		e := NewEgress(links)
		to := tuple.Of(tuple.UDP, client.Link(), client.Local(), server.Local())
		commit(e, to, filler(MaxDatagram+1, 'l'))
		commit(e, to, filler(MaxPacket, 'L'))
		commit(e, to, filler(MaxDatagram, 'w'))
		e.Flush()
		raw, err := net.Dial("udp", server.Local().String())
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		if _, err := raw.Write(nil); err != nil { // an empty datagram is none
			t.Fatal(err)
		}
		commit(e, to, "end")
		e.Flush()
		if p := next(t, packets); p.data != filler(MaxDatagram, 'w') {
			t.Errorf("got %d bytes of %q", len(p.data), p.data[:1])
		}
		if p := next(t, packets); p.data != "end" {
			t.Errorf("got %q", p.data)
		}
		if s := server.Stats(); s.TooLong != 2 || s.Empty != 1 || s.Packets != 2 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestCloseEndsTheReader(t *testing.T) {
	paths(t, func(t *testing.T, opts Options) {
		links := NewLinks()
		u := listenUDP(t, links, loopback4, opts)
		ended := make(chan error)
		go func() {
			_, err := u.ReadBatch(NewPool(1))
			ended <- err
		}()
		if err := u.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("ReadBatch = %v", err)
		}
		if _, err := u.ReadBatch(NewPool(1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("ReadBatch after Close = %v", err)
		}
		if u.Close() != nil || links.Len() != 0 {
			t.Error("closing twice is not the same as once")
		}
	})
}

// Back-pressure: without a free batch the reader waits, and Close still ends it.
func TestReaderWaitsForABatch(t *testing.T) {
	paths(t, func(t *testing.T, opts Options) {
		links := NewLinks()
		u := listenUDP(t, links, loopback4, opts)
		e := NewEgress(links)
		to := tuple.Of(tuple.UDP, u.Link(), u.Local(), u.Local())
		pool := NewPool(1)
		held := pool.Take(nil)
		packets := make(chan got, 8)
		u.Start(pool, collect(packets))
		commit(e, to, "first")
		e.Flush()
		noMore(t, packets)
		held.Release()
		if p := next(t, packets); p.data != "first" {
			t.Errorf("got %q", p.data)
		}
		eventually(t, "the batch is back", func() bool { return pool.InUse() == 0 })
		held = pool.Take(nil)
		commit(e, to, "second")
		e.Flush()
		u.Close() // goleak tells whether the reader ended
		held.Release()
	})
}

func TestBuffersAreLargeByDefault(t *testing.T) {
	paths(t, func(t *testing.T, opts Options) {
		links := NewLinks()
		small := opts
		small.SendBuffer, small.RecvBuffer = 16<<10, 16<<10
		smallSend, smallRecv := listenUDP(t, links, loopback4, small).Buffers()
		send, recv := listenUDP(t, links, loopback4, opts).Buffers()
		if send < 4*smallSend || recv < 4*smallRecv || smallSend == 0 || smallRecv == 0 {
			t.Errorf("default %d/%d, small %d/%d", send, recv, smallSend, smallRecv)
		}
	})
}

func TestLinksAreNeverReused(t *testing.T) {
	links := NewLinks()
	seen := make(map[tuple.Link]bool)
	for range 100 {
		u, err := ListenUDP(links, loopback4, Options{})
		if err != nil {
			t.Fatal(err)
		}
		u.Close()
		if u.Link() == 0 || seen[u.Link()] {
			t.Fatalf("link %d was given before", u.Link())
		}
		seen[u.Link()] = true
	}
}

func TestReadBatchDoesNotAllocate(t *testing.T) {
	links := NewLinks()
	u := listenUDP(t, links, loopback4, Options{})
	e := NewEgress(links)
	to := tuple.Of(tuple.UDP, u.Link(), u.Local(), u.Local())
	pool := NewPool(1)
	n := testing.AllocsPerRun(200, func() {
		for range 8 {
			e.Next()
			e.Commit(1200, to)
		}
		e.Flush()
		for have := 0; have < 8; {
			b, err := u.ReadBatch(pool)
			if err != nil {
				t.Fatal(err)
			}
			have += b.Len()
			b.Release()
		}
	})
	if n != 0 {
		t.Errorf("%v allocations to send and read 8 packets", n)
	}
}
