package dtls

import (
	"sync"
	"time"

	"gazpacho/pkg/mailbox"
)

// carrier is the mailbox as the library's transport. It makes two things of a connection plain that the library
// keeps to itself: when it is over, and that nobody but Close may end its reader.
type carrier struct {
	*mailbox.Conn

	mu        sync.Mutex
	connected bool
	closed    bool
	over      func()
}

func newCarrier(write func(b []byte)) *carrier { return &carrier{Conn: mailbox.New(write)} }

// connect is called once the handshake has succeeded. When the library closes the connection, or if it
// has done so already, over is called, once.
func (c *carrier) connect(over func()) {
	c.mu.Lock()
	c.connected, c.over = true, over
	closed := c.closed
	c.mu.Unlock()
	if closed {
		over()
	}
}

// Close is called by the library: at our wish, at the peer's, or because a handshake failed.
func (c *carrier) Close() error {
	c.mu.Lock()
	first, over := !c.closed, c.over
	c.closed = true
	c.mu.Unlock()
	err := c.Conn.Close()
	if first && over != nil {
		over()
	}
	return err
}

// SetReadDeadline is how the library stops its reader: to give up a handshake, and on Close. The reader
// then closes the carrier, while Close is about to write close_notify, and who is faster decides
// whether the peer ever gets it. So a connected one goes on until Close has closed the carrier.
func (c *carrier) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.connected {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}
