package dtls

import (
	"sync/atomic"
	"time"

	"gazpacho/pkg/mailbox"
)

// carrier is the mailbox as the library's transport. On Close, the library stops its reader by a read
// deadline, and the reader closes the transport, while Close itself is about to write close_notify: who is
// faster decides whether the peer ever gets it. So once connected, only Close stops the reader.
type carrier struct {
	*mailbox.Conn
	connected atomic.Bool
}

func newCarrier(write func(b []byte)) *carrier { return &carrier{Conn: mailbox.New(write)} }

// SetReadDeadline is how the library gives up a handshake.
func (c *carrier) SetReadDeadline(t time.Time) error {
	if c.connected.Load() {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}
