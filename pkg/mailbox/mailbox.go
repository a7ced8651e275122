// Package mailbox is a bounded in-memory datagram net.Conn between loop and island.
//
// One side is the loop, which calls Put and never waits. The other side is a library that wants
// to own a net.Conn: it blocks in Read, and what it writes is handed to a function. A Conn that
// nobody has put anything into holds no buffer at all.
package mailbox

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Capacity is how many datagrams wait at most; what comes on top of that is dropped.
const Capacity = 64

// Bulk is a capacity for who carries data: a congestion window of 1 MiB comes at once where the path is
// fast, and if a part of it were dropped for want of a mailbox, the sender would take it for congestion.
const Bulk = 1024

// MaxDatagram is the size of the largest datagram, in bytes: anything an Ethernet path carries.
const MaxDatagram = 1536

// Conn is the mailbox. Put, Read and Write may be called from different goroutines.
type Conn struct {
	write   func(b []byte)
	dropped atomic.Uint64

	mu         sync.Mutex
	wake       sync.Cond // a datagram came, the deadline passed, or Close
	head, tail *slot
	length     int
	capacity   int
	closed     bool
	read       deadline
	written    deadline
}

// New makes a mailbox whose Write hands every datagram to write, on the writer's goroutine. The
// slice is borrowed: write copies what it keeps.
func New(write func(b []byte)) *Conn {
	c := &Conn{write: write, capacity: Capacity}
	c.wake.L = &c.mu
	return c
}

// Put copies one datagram into the mailbox and never blocks. It reports false, and counts, when
// the mailbox is full or the datagram larger than MaxDatagram; after Close it only reports false.
func (c *Conn) Put(b []byte) bool {
	if len(b) > MaxDatagram {
		c.dropped.Add(1)
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	if c.length >= c.capacity {
		c.dropped.Add(1)
		return false
	}
	s := slots.Get().(*slot)
	s.n = copy(s.data[:], b)
	c.push(s)
	c.wake.Signal()
	return true
}

// Grow has more datagrams wait than Capacity, once the peer has proved that it may send them.
func (c *Conn) Grow(capacity int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capacity = capacity
}

// Dropped returns how many datagrams Put had no room for.
func (c *Conn) Dropped() uint64 { return c.dropped.Load() }

// Len returns how many datagrams wait.
func (c *Conn) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.length
}

// Read waits for a datagram and copies it into b. One that does not fit is cut and the error is
// io.ErrShortBuffer. The other errors are net.ErrClosed and os.ErrDeadlineExceeded.
func (c *Conn) Read(b []byte) (int, error) {
	c.mu.Lock()
	for c.length == 0 && !c.closed && !c.read.passed {
		c.wake.Wait()
	}
	// A deadline in the past fails even if data waits, as it does for the conns of package net.
	if c.closed || c.read.passed {
		defer c.mu.Unlock()
		if c.closed {
			return 0, net.ErrClosed
		}
		return 0, os.ErrDeadlineExceeded
	}
	s := c.pop()
	c.mu.Unlock()
	n := copy(b, s.data[:s.n])
	short := n < s.n
	slots.Put(s)
	if short {
		return n, io.ErrShortBuffer
	}
	return n, nil
}

// Write hands b to the function given to New. It never waits.
func (c *Conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	closed, late := c.closed, c.written.passed
	c.mu.Unlock()
	switch {
	case closed:
		return 0, net.ErrClosed
	case late:
		return 0, os.ErrDeadlineExceeded
	}
	c.write(b)
	return len(b), nil
}

// Close wakes the reader, and forgets what waits. Closing twice does nothing.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.read.clear()
	c.written.clear()
	for c.length > 0 {
		slots.Put(c.pop())
	}
	c.wake.Broadcast()
	return nil
}

// SetDeadline sets the read and the write deadline. The zero time is none.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline ends a Read in progress, and fails later ones, from t on.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.set(&c.read, t) }

// SetWriteDeadline fails every Write from t on. A Write in progress never waits.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.set(&c.written, t) }

func (c *Conn) set(d *deadline, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	d.set(c, t)
	c.wake.Broadcast()
	return nil
}

// LocalAddr returns the only address a mailbox has.
func (c *Conn) LocalAddr() net.Addr { return addr{} }

// RemoteAddr returns the only address a mailbox has.
func (c *Conn) RemoteAddr() net.Addr { return addr{} }

// addr stands for both ends: the library behind a mailbox has no business with real addresses.
type addr struct{}

func (addr) Network() string { return "mailbox" }
func (addr) String() string  { return "mailbox" }
