package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gazpacho/pkg/tuple"
)

// The limits of SECURITY.md R-ICE-8. A port for ICE over TCP is open to the world, and a connection
// costs a goroutine and kernel memory, so a stranger must show soon that it belongs here.
const (
	// authTime is how long after being accepted a connection may be unauthenticated.
	authTime = 5 * time.Second
	// turnAuthFactor is how much longer a client of TURN has that has sent STUN in time: it is known after a handshake of TLS, a refusal
	// that carries the nonce, and its allocation.
	turnAuthFactor = 3
	// idleTime is how long a connection may be without a frame. ICE consent checks come every 5 s
	// (RFC 7675 §5.1).
	idleTime = 30 * time.Second
	// maxStrangers is how many unauthenticated connections an address may have.
	maxStrangers = 64
	// maxQueue is how many bytes may wait for a connection that does not take them.
	maxQueue = 256 << 10
)

// TCPServer accepts connections that carry packets in RFC 4571 frames (ICE over TCP, RFC 6544,
// passive candidates). Each connection has its own tuple.Link and one reader goroutine.
type TCPServer struct {
	listener  acceptor
	links     *Links
	local     netip.AddrPort
	closed    chan struct{}
	close     sync.Once
	strangers strangers
	limits    tcpLimits
	framing   Framing
	tls       *tls.Config // nil: none

	mu    sync.Mutex
	conns map[*tcpConn]struct{}

	stats tcpCounters
	users atomic.Int32 // the open server, its acceptor, its connections: the last to leave has it folded into the totals
}

// acceptor is what a server needs of a net.TCPListener.
type acceptor interface {
	AcceptTCP() (*net.TCPConn, error)
	Close() error
}

// tcpLimits are the times above; tests shorten them.
type tcpLimits struct{ auth, idle time.Duration }

// ListenTCP binds a listening socket; connections that it accepts are entered in links. Errors
// carry the system's errno.
func ListenTCP(links *Links, addr netip.AddrPort, opts Options) (*TCPServer, error) {
	network := "tcp"
	switch {
	case addr.Addr().Unmap().Is4():
		network = "tcp4"
	case opts.IPv6Only:
		network = "tcp6"
	}
	lc := net.ListenConfig{
		Control:   controlOf(opts),
		KeepAlive: -1, // consent checks and idleTime find the dead sooner
	}
	l, err := lc.Listen(context.Background(), network, addr.String())
	if err != nil {
		return nil, err
	}
	tl := l.(*net.TCPListener)
	s := &TCPServer{
		listener: tl,
		links:    links,
		closed:   make(chan struct{}),
		limits:   tcpLimits{auth: authTime, idle: idleTime},
		framing:  opts.Framing,
		tls:      opts.TLS,
		conns:    make(map[*tcpConn]struct{}),
	}
	s.local = tuple.Canonical(l.Addr().(*net.TCPAddr).AddrPort())
	s.strangers.limit = maxStrangers
	if err := tuneListener(tl, opts); err != nil {
		l.Close()
		return nil, err
	}
	s.users.Store(1)
	links.totals.enterTCP(s)
	return s, nil
}

// Local is the bound address, with the port the system chose if 0 was asked for.
func (s *TCPServer) Local() netip.AddrPort { return s.local }

// Start accepts and reads connections until Close. What they send comes out of sink in order, for
// each connection that sent something followed by a batch with Closed set.
func (s *TCPServer) Start(pool *Pool, sink Sink) {
	s.users.Add(1)
	go func() {
		defer s.leave()
		s.accept(pool, sink)
	}()
}

func (s *TCPServer) leave() {
	if s.users.Add(-1) == 0 {
		s.links.totals.foldTCP(s)
	}
}

func (s *TCPServer) accept(pool *Pool, sink Sink) {
	const first, most = 5 * time.Millisecond, time.Second
	wait := first
	for {
		nc, err := s.listener.AcceptTCP()
		switch {
		case err == nil:
			wait = first
			s.admit(nc, pool, sink)
		case errors.Is(err, net.ErrClosed):
			return
		default: // out of descriptors, most likely: let some be freed
			s.stats.failures.Add(1)
			if !s.pause(wait) {
				return
			}
			wait = min(2*wait, most)
		}
	}
}

// admit starts reading a connection unless its address has too many strangers.
func (s *TCPServer) admit(nc *net.TCPConn, pool *Pool, sink Sink) {
	c, err := newTCPConn(s, nc)
	if err != nil || !s.strangers.enter(c.remote.Addr()) {
		s.stats.refused.Add(1)
		_ = nc.SetLinger(0)
		nc.Close()
		return
	}
	s.stats.accepted.Add(1)
	s.mu.Lock()
	select {
	case <-s.closed:
		s.mu.Unlock()
		nc.Close()
		return
	default:
	}
	s.conns[c] = struct{}{}
	s.users.Add(1)
	s.mu.Unlock()
	s.links.add(c.link, route{tcp: c})
	go func() {
		defer s.leave()
		c.serve(pool, sink)
	}()
}

// pause waits, and returns false if the server closed meanwhile.
func (s *TCPServer) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.closed:
		return false
	}
}

// StopAccepting stops listening and leaves the connections that there are.
func (s *TCPServer) StopAccepting() { _ = s.listener.Close() }

// Close stops listening and closes all connections. Batches that say so may or may not come. It
// does not wait for the sink, and closing again does nothing.
func (s *TCPServer) Close() error {
	var err error
	s.close.Do(func() {
		close(s.closed)
		err = s.listener.Close()
		s.mu.Lock()
		for c := range s.conns {
			c.close()
		}
		s.mu.Unlock()
		s.leave()
	})
	return err
}

// forget is called once for each admitted connection, when its reader ends.
func (s *TCPServer) forget(c *tcpConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

type tcpCounters struct {
	accepted, refused, failures             atomic.Uint64
	packets, bytes                          atomic.Uint64
	expired, idle, notSTUN, tooLong, behind atomic.Uint64
}

// TCPStats counts what happened to a server's connections and what they sent.
type TCPStats struct {
	Open              int
	Accepted, Refused uint64 // Refused: too many strangers from one address
	Failures          uint64 // errors of the system while accepting
	Packets, Bytes    uint64 // received

	// Connections closed by us, by reason.
	Expired uint64 // not authenticated in time
	Idle    uint64 // no frame for 30 s
	NotSTUN uint64 // the first frame was not STUN
	TooLong uint64 // a frame over MaxDatagram
	Behind  uint64 // the peer did not read, and the write queue was full
}

// Stats may be called from any goroutine.
func (s *TCPServer) Stats() TCPStats {
	s.mu.Lock()
	open := len(s.conns)
	s.mu.Unlock()
	return TCPStats{
		Open:     open,
		Accepted: s.stats.accepted.Load(),
		Refused:  s.stats.refused.Load(),
		Failures: s.stats.failures.Load(),
		Packets:  s.stats.packets.Load(),
		Bytes:    s.stats.bytes.Load(),
		Expired:  s.stats.expired.Load(),
		Idle:     s.stats.idle.Load(),
		NotSTUN:  s.stats.notSTUN.Load(),
		TooLong:  s.stats.tooLong.Load(),
		Behind:   s.stats.behind.Load(),
	}
}
