package socket

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gazpacho/pkg/tuple"
)

// tcpConn is one accepted connection. Its reader goroutine lives as long as it does; a writer
// goroutine exists only while the peer is slower than we are.
type tcpConn struct {
	server *TCPServer
	nc     *net.TCPConn
	stream net.Conn        // nc, or what TLS makes of it
	raw    syscall.RawConn // nil with TLS: it cannot be written to without a goroutine
	link   tuple.Link
	local  netip.AddrPort
	remote netip.AddrPort
	once   sync.Once
	known  atomic.Bool // ICE accepted it, or TURN
	turn   atomic.Bool // its packets are those of TURN, without lengths ahead

	queue writeQueue
	held  chan *Stream // what becomes of the connection after a packet that may be its last; see Hold
}

// readSize is how much one read takes: a few packets. The buffer is there for the life of the
// connection, so it is kept small; it must have room for the longest frame.
const readSize = 5 * maxFrame

func newTCPConn(s *TCPServer, nc *net.TCPConn) (*tcpConn, error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &tcpConn{
		server: s,
		nc:     nc,
		stream: nc,
		raw:    raw,
		link:   newLink(),
		held:   make(chan *Stream, 1),
		local:  tuple.Canonical(nc.LocalAddr().(*net.TCPAddr).AddrPort()),
		remote: tuple.Canonical(nc.RemoteAddr().(*net.TCPAddr).AddrPort()),
	}
	if s.tls != nil {
		c.stream, c.raw = tls.Server(nc, s.tls), nil
	}
	c.turn.Store(s.framing == FramingTURN)
	return c, nil
}

// authenticated is called on the loop. A client of TURN may be silent for as long as its allocation lives, which has a deadline of its own.
func (c *tcpConn) authenticated() {
	if !c.known.CompareAndSwap(false, true) {
		return
	}
	c.server.strangers.leave(c.remote.Addr())
	if c.turn.Load() {
		_ = c.nc.SetReadDeadline(time.Time{})
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(c.server.limits.idle))
}

// released makes a stranger of it again.
func (c *tcpConn) released() {
	if !c.known.Load() {
		return
	}
	if !c.server.strangers.enter(c.remote.Addr()) {
		c.close()
		return
	}
	if !c.known.CompareAndSwap(true, false) { // it ended meanwhile
		c.server.strangers.leave(c.remote.Addr())
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(c.server.limits.idle))
}

// close ends the connection from any goroutine; the reader does the rest.
func (c *tcpConn) close() {
	c.once.Do(func() {
		c.server.links.remove(c.link)
		c.nc.Close()
	})
}

// abort closes without waiting for the peer to take what the kernel still holds for it.
func (c *tcpConn) abort() {
	_ = c.nc.SetLinger(0)
	c.close()
}

// serve reads until the connection ends, and then tells.
func (c *tcpConn) serve(pool *Pool, sink Sink) {
	r := streamReader{conn: c, pool: pool, sink: sink, next: nextFrame}
	if c.turn.Load() {
		r.next = nextTURN
	}
	r.run()
	c.close()
	c.server.forget(c)
	if c.known.CompareAndSwap(false, true) {
		c.server.strangers.leave(c.remote.Addr())
	}
	if r.spoke {
		if b := r.take(); b != nil {
			b.Closed = true
			sink(b)
		}
	}
}

// streamReader cuts a connection's stream into batches.
type streamReader struct {
	conn  *tcpConn
	pool  *Pool
	sink  Sink
	next  func(stream []byte) (packet, rest []byte, state frameState)
	spoke bool      // a frame was delivered
	until time.Time // the read deadline that is set
}

func (r *streamReader) run() {
	c := r.conn
	r.deadline(time.Now().Add(c.server.limits.auth))
	buffer := make([]byte, readSize)
	have := 0
	for {
		n, err := c.stream.Read(buffer[have:])
		if n > 0 {
			now := time.Now()
			have += n
			rest, ok := r.deliver(now, buffer[:have])
			if !ok {
				return
			}
			if len(rest) < have {
				r.refresh(now)
			}
			have = copy(buffer, rest)
		}
		if err != nil {
			r.countEnd(err)
			return
		}
	}
}

// deliver hands all whole frames of a stream to the sink and returns the half one behind them. It
// returns false when the connection must end.
func (r *streamReader) deliver(now time.Time, stream []byte) (rest []byte, ok bool) {
	stats := &r.conn.server.stats
	if !r.spoke && r.conn.server.framing == FramingEither {
		if len(stream) < frameHead {
			return stream, true
		}
		if beginsTURN(stream) {
			r.conn.turn.Store(true)
			r.next = nextTURN
		}
	}
	var b *Batch
	for {
		frame, rest, state := r.next(stream)
		if state != frameWhole {
			if b != nil {
				r.sink(b)
			}
			r.countBad(state)
			return rest, state == frameHalf
		}
		stream = rest
		if len(frame) == 0 {
			continue
		}
		if !r.spoke && !looksLikeSTUN(frame) {
			stats.notSTUN.Add(1)
			return nil, false
		}
		if b != nil && b.Full() {
			r.sink(b)
			b = nil
		}
		if b == nil {
			if b = r.take(); b == nil {
				return nil, false
			}
			b.At = now
		}
		b.Append(frame, r.conn.remote)
		if !r.spoke {
			r.spoke = true
			r.introduced(now)
		}
		stats.packets.Add(1)
		stats.bytes.Add(uint64(len(frame)))
		if r.conn.turn.Load() && maySplice(frame) {
			b.Held = true
			r.sink(b)
			b = nil
			if !r.wait(stream) {
				return nil, false
			}
		}
	}
}

// introduced is told that the first packet came. A client of TURN must ask twice before it is known, so it has more time.
func (r *streamReader) introduced(now time.Time) {
	c := r.conn
	if c.turn.Load() && !c.known.Load() {
		r.deadline(now.Add(turnAuthFactor * c.server.limits.auth))
	}
}

// wait stops reading until the loop says what becomes of the connection. If it is one with a peer's from now on, the rest of the stream is
// the peer's, and reading ends here when both do.
func (r *streamReader) wait(rest []byte) bool {
	select {
	case s := <-r.conn.held:
		if s == nil {
			return true
		}
		_ = r.conn.nc.SetReadDeadline(time.Time{})
		s.run(r.conn, rest)
		return false
	case <-r.conn.server.closed:
		return false
	}
}

func (r *streamReader) countBad(state frameState) {
	switch state {
	case frameTooLong:
		r.conn.server.stats.tooLong.Add(1)
	case frameNone:
		r.conn.server.stats.notSTUN.Add(1)
	}
}

// take waits for a batch, and returns nil when the server closes.
func (r *streamReader) take() *Batch {
	b := r.pool.Take(r.conn.server.closed)
	if b == nil {
		return nil
	}
	b.At, b.Link, b.Local, b.Protocol = time.Now(), r.conn.link, r.conn.local, tuple.TCP
	b.TURN, b.Remote = r.conn.turn.Load(), r.conn.remote
	return b
}

// refresh moves the deadline of a connection that is known. A stranger keeps its first one,
// whatever it sends. A second more or less is not worth a call for each read.
func (r *streamReader) refresh(now time.Time) {
	idle := r.conn.server.limits.idle
	if r.conn.turn.Load() {
		return
	}
	if at := now.Add(idle); r.conn.known.Load() && at.Sub(r.until) > idle/32 {
		r.deadline(at)
	}
}

func (r *streamReader) deadline(at time.Time) {
	r.until = at
	_ = r.conn.nc.SetReadDeadline(at)
}

func (r *streamReader) countEnd(err error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	if r.conn.known.Load() {
		r.conn.server.stats.idle.Add(1)
	} else {
		r.conn.server.stats.expired.Add(1)
	}
}
