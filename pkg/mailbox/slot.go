package mailbox

import "sync"

// slot is one waiting datagram, and the link to the next.
type slot struct {
	next *slot
	n    int
	data [MaxDatagram]byte
}

// slots is shared by all mailboxes: buffers are needed where traffic is, and a thousand idle
// mailboxes hold none.
var slots = sync.Pool{New: func() any { return new(slot) }}

func (c *Conn) push(s *slot) {
	if c.tail == nil {
		c.head = s
	} else {
		c.tail.next = s
	}
	c.tail = s
	c.length++
}

func (c *Conn) pop() *slot {
	s := c.head
	c.head, s.next = s.next, nil
	if c.head == nil {
		c.tail = nil
	}
	c.length--
	return s
}
