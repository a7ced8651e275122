package simtest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Path is the socket of a peer, in the hands of the test: it records what the peer sends, sends other things from the same address, loses
// what it is told to, and moves to another address as behind a NAT that forgot the mapping.
type Path struct {
	lose func(datagram []byte) bool
	to   atomic.Pointer[net.UDPAddr] // the worker
	deaf atomic.Bool

	mu      sync.Mutex
	conns   []*net.UDPConn // the last one is written to, all are read
	sent    [][]byte       // newest last, at most maxSent
	in      chan arrival
	closed  chan struct{}
	once    sync.Once
	readers sync.WaitGroup
}

type arrival struct {
	data []byte
	from net.Addr
}

const maxSent = 200

// NewPath makes a path on loopback that loses outgoing datagrams as lose says; nil loses none.
func NewPath(t testing.TB, lose func(datagram []byte) bool) *Path {
	t.Helper()
	p := &Path{lose: lose, in: make(chan arrival, 1000), closed: make(chan struct{})}
	p.Rebind(t)
	t.Cleanup(func() { p.Close(); p.readers.Wait() })
	return p
}

// Rebind moves to another address. What still comes to the old ones is received.
func (p *Path) Rebind(t testing.TB) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.conns = append(p.conns, c)
	p.mu.Unlock()
	p.readers.Go(func() {
		b := make([]byte, 2000)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if p.deaf.Load() {
				continue
			}
			select {
			case p.in <- arrival{append([]byte{}, b[:n]...), from}:
			case <-p.closed:
				return
			default: // full: lost
			}
		}
	})
}

// Stall makes the peer receive nothing more.
func (p *Path) Stall() { p.deaf.Store(true) }

// Inject sends a datagram to the worker from the peer's address.
func (p *Path) Inject(datagram []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if to := p.to.Load(); to != nil {
		_, _ = p.conns[len(p.conns)-1].WriteTo(datagram, to)
	}
}

// Sent returns what the peer sent lately.
func (p *Path) Sent() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([][]byte{}, p.sent...)
}

// ReadFrom is the peer's.
func (p *Path) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case a := <-p.in:
		return copy(b, a.data), a.from, nil
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo is the peer's.
func (p *Path) WriteTo(b []byte, to net.Addr) (int, error) {
	p.to.Store(to.(*net.UDPAddr))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent = append(p.sent, append([]byte{}, b...)); len(p.sent) > maxSent {
		p.sent = p.sent[1:]
	}
	if p.lose != nil && p.lose(b) {
		return len(b), nil
	}
	return p.conns[len(p.conns)-1].WriteTo(b, to)
}

// Close is the peer's.
func (p *Path) Close() error {
	p.once.Do(func() {
		close(p.closed)
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, c := range p.conns {
			c.Close()
		}
	})
	return nil
}

// LocalAddr is the address the peer began with.
func (p *Path) LocalAddr() net.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns[0].LocalAddr()
}

// SetDeadline and the other two are not needed by peers.
func (p *Path) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (p *Path) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (p *Path) SetWriteDeadline(time.Time) error { return nil }
