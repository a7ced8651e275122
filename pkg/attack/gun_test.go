package attack

import (
	"context"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"gazpacho/pkg/socket"
	"gazpacho/pkg/tuple"
)

// gun sends datagrams to one address from many, in batches, and counts what comes back.
type gun struct {
	egress   *socket.Egress
	sockets  []*socket.UDP
	to       netip.AddrPort
	next     int
	held     int
	answered atomic.Uint64 // bytes
}

// newGun binds a socket on each of count addresses of loopback.
func newGun(t testing.TB, to netip.AddrPort, count int) *gun {
	t.Helper()
	links := socket.NewLinks()
	g := &gun{egress: socket.NewEgress(links), to: to}
	pool := socket.NewPool(2 * count)
	for i := range count {
		local := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, byte(1 + i/200), byte(2 + i%200)}), 0)
		u, err := socket.ListenUDP(links, local, socket.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { u.Close() })
		u.Start(pool, func(b *socket.Batch) {
			for {
				_, data, ok := b.Next()
				if !ok {
					break
				}
				g.answered.Add(uint64(len(data)))
			}
			b.Release()
		})
		g.sockets = append(g.sockets, u)
	}
	return g
}

// shoot sends a datagram from the next of the sockets, at the latest with flush.
func (g *gun) shoot(datagram []byte) { g.shootFrom(g.next, datagram); g.next++ }

func (g *gun) shootFrom(place int, datagram []byte) {
	u := g.sockets[place%len(g.sockets)]
	n := copy(g.egress.Next(), datagram)
	g.egress.Commit(n, tuple.Tuple{Protocol: tuple.UDP, Link: u.Link(), Local: u.Local(), Remote: g.to})
	if g.held++; g.held == 64 {
		g.flush()
	}
}

func (g *gun) flush() {
	g.egress.Flush()
	g.held = 0
}

// sent is how many datagrams left.
func (g *gun) sent() uint64 { return g.egress.Stats().Sent }

// pace calls f as often per second as rate says until the time is over or ctx is done, and after with the end of every burst. What a loaded
// machine was late for is not caught up with beyond a fiftieth of a second: an attacker has no right to a burst.
func pace(ctx context.Context, d time.Duration, rate int, f func(n int), after func()) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	start := time.Now()
	for n, skipped := 0, 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		passed := time.Since(start)
		if passed >= d {
			return
		}
		due := int(passed.Seconds()*float64(rate)) - skipped
		if behind := due - n - max(1, rate/50); behind > 0 {
			skipped += behind
			due -= behind
		}
		for ; n < due; n++ {
			f(n)
		}
		if after != nil {
			after()
		}
	}
}
