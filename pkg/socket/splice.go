package socket

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gazpacho/pkg/tuple"
)

// Stream is a TCP connection of a peer, which is to become one with a client's (RFC 6062): all bytes of the one go to the other, unread,
// and they end together. What the peer sends before waits in the kernel.
type Stream struct {
	// Passed in.
	nc       *net.TCPConn
	over     func() // told once that it ended, unless the owner closed it
	up, down *Pace  // of the client's bytes and of the peer's; nil for no bound

	// State.
	closed         atomic.Bool
	done           chan struct{} // closed with it
	spliced        atomic.Bool
	sent, received atomic.Uint64 // bytes to the peer and from it
}

// spliceBuffer is how much is carried at once.
const spliceBuffer = 16 << 10

// NewStream takes over a peer's connection. When it ends by itself over is called, from any goroutine. Before it is spliced, nobody reads it.
func NewStream(nc *net.TCPConn, over func()) *Stream {
	return &Stream{nc: nc, over: over, done: make(chan struct{})}
}

// Bound bounds what goes to the peer and what comes from it. It is called before Splice.
func (s *Stream) Bound(up, down *Pace) { s.up, s.down = up, down }

// Carried returns how many bytes went to the peer and came from it. It may be called from any goroutine.
func (s *Stream) Carried() (up, down uint64) { return s.sent.Load(), s.received.Load() }

// ReusePort lets the listener of a TCP relay and the connections it makes have one port: it is the Control of both.
func ReusePort(network, address string, raw syscall.RawConn) error {
	return controlOf(Options{ReusePort: true})(network, address, raw)
}

// Close ends it, and the client's connection that it is spliced to. The owner is not told.
func (s *Stream) Close() {
	if s.closed.CompareAndSwap(false, true) {
		close(s.done)
		s.nc.Close()
	}
}

// end closes it because one of the two sides did.
func (s *Stream) end() {
	if s.closed.CompareAndSwap(false, true) {
		close(s.done)
		s.nc.Close()
		s.over()
	}
}

// Resume reads a connection on whose batch was Held. Other links are ignored.
func (l *Links) Resume(link tuple.Link) {
	if c := l.find(link).tcp; c != nil {
		c.decide(nil)
	}
}

// Splice makes a connection whose batch was Held one with a stream. What was sent to the link and flushed goes out before. It returns false
// when the connection is gone: then the stream has ended.
func (l *Links) Splice(link tuple.Link, s *Stream) bool {
	if c := l.find(link).tcp; c != nil && s.spliced.CompareAndSwap(false, true) {
		c.decide(s)
		return true
	}
	s.end()
	return false
}

// decide tells the reader, which waits for it once per held batch.
func (c *tcpConn) decide(s *Stream) {
	select {
	case c.held <- s:
	default:
	}
}

// run exchanges bytes until one side ends. first is what the client sent already.
func (s *Stream) run(c *tcpConn, first []byte) {
	var both sync.WaitGroup
	both.Add(1)
	go func() {
		defer both.Done()
		c.awaitWriter()
		s.carry(c.stream, s.nc, s.down, &s.received)
		c.close()
		s.end()
	}()
	if len(first) == 0 || s.write(s.nc, first, s.up, &s.sent) {
		s.carry(s.nc, c.stream, s.up, &s.sent)
	}
	c.close()
	s.end()
	both.Wait()
}

// carry copies until either connection fails or ends.
func (s *Stream) carry(to, from net.Conn, pace *Pace, count *atomic.Uint64) {
	buffer := make([]byte, spliceBuffer)
	for {
		n, err := from.Read(buffer[:pace.chunk()])
		if n > 0 && !s.write(to, buffer[:n], pace, count) || err != nil {
			return
		}
	}
}

// write writes what was read, and waits as long as the pace wants. It returns false when the stream is over.
func (s *Stream) write(to net.Conn, b []byte, pace *Pace, count *atomic.Uint64) bool {
	count.Add(uint64(len(b))) // ahead of the peer's knowing, as the payment is
	wait := pace.pay(time.Now(), len(b))
	if _, err := to.Write(b); err != nil {
		return false
	}
	if wait <= 0 {
		return true
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.done:
		return false
	}
}

// awaitWriter waits until the queue of packets is written.
func (c *tcpConn) awaitWriter() {
	q := &c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.running {
		if q.idle == nil {
			q.idle = sync.NewCond(&q.mu)
		}
		q.idle.Wait()
	}
}
