package socket

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"gazpacho/pkg/tuple"
)

// Stream is a TCP connection of a peer, which is to become one with a client's (RFC 6062): all bytes of the one go to the other, unread,
// and they end together. What the peer sends before waits in the kernel.
type Stream struct {
	nc      *net.TCPConn
	over    func() // told once that it ended, unless the owner closed it
	closed  atomic.Bool
	spliced atomic.Bool
}

// NewStream takes over a peer's connection. When it ends by itself over is called, from any goroutine. Before it is spliced, nobody reads it.
func NewStream(nc *net.TCPConn, over func()) *Stream { return &Stream{nc: nc, over: over} }

// ReusePort lets the listener of a TCP relay and the connections it makes have one port: it is the Control of both.
func ReusePort(network, address string, raw syscall.RawConn) error {
	return controlOf(Options{ReusePort: true})(network, address, raw)
}

// Close ends it, and the client's connection that it is spliced to. The owner is not told.
func (s *Stream) Close() {
	if s.closed.CompareAndSwap(false, true) {
		s.nc.Close()
	}
}

// end closes it because one of the two sides did.
func (s *Stream) end() {
	if s.closed.CompareAndSwap(false, true) {
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
		carry(c.stream, s.nc)
		c.close()
		s.end()
	}()
	if _, err := s.nc.Write(first); err == nil {
		carry(s.nc, c.stream)
	}
	c.close()
	s.end()
	both.Wait()
}

// carry copies until either connection fails or ends.
func carry(to, from net.Conn) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
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
