package socket

import "sync"

// writeQueue holds what a connection did not take at once. The loop adds to it and one goroutine,
// which lives only while there is something, writes it out.
type writeQueue struct {
	mu      sync.Mutex
	waiting []byte     // to be written next
	spare   []byte     // the other buffer
	writing int        // bytes that the writer has in hand
	running bool       // there is a writer
	broken  bool       // nothing can be written any more
	idle    *sync.Cond // told when the writer ends; nil if nobody waits
}

// send writes the packets of a destination as frames: at once if nothing waits, otherwise behind
// what does. A peer that lets maxQueue bytes pile up is disconnected (SECURITY.md R-ICE-8): what it
// would see is seconds late. Called by the Egress.
func (c *tcpConn) send(e *Egress, d *dest) {
	q := &c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken {
		e.stats.Closed += e.count(d.first)
		return
	}
	wrote := 0
	if !q.running && c.raw != nil {
		e.stats.Calls++
		var err error
		if wrote, err = c.writeNow(e, d); err != nil {
			q.broken = true
			c.close()
			e.stats.Closed += e.count(d.first)
			return
		}
	}
	for s := d.first; s != none; s = e.slots[s].next {
		frame := c.framed(e, s)
		if skip := min(wrote, len(frame)); skip > 0 {
			wrote -= skip
			frame = frame[skip:]
		}
		if q.writing+len(q.waiting)+len(frame) > maxQueue {
			c.overflow(e, s)
			return
		}
		q.waiting = append(q.waiting, frame...)
		e.stats.Sent++
		e.stats.Messages++
		e.stats.Bytes += uint64(e.slots[s].size)
	}
	if len(q.waiting) > 0 && !q.running {
		q.running = true
		go c.drain()
	}
}

// framed is a queued packet as this connection carries it.
func (c *tcpConn) framed(e *Egress, s uint16) []byte {
	if c.turn.Load() {
		return e.payload(s)
	}
	return e.frame(s)
}

// overflow gives a connection up, with the packets from s on.
func (c *tcpConn) overflow(e *Egress, s uint16) {
	e.stats.Full += e.count(s)
	c.queue.broken = true
	c.queue.waiting = nil
	c.server.stats.behind.Add(1)
	c.abort()
}

// write writes what waited. In TLS each message of TURN has a record of its own: there are clients, coturn's among them, that take what a
// read of TLS returns for one message.
func (c *tcpConn) write(b []byte) error {
	for c.raw == nil && c.turn.Load() && len(b) >= channelHead {
		n := min(sizeTURN(b), len(b))
		if n == 0 {
			break
		}
		if _, err := c.stream.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	if len(b) == 0 {
		return nil
	}
	_, err := c.stream.Write(b)
	return err
}

// drain writes until nothing waits. It ends early when the connection is closed.
func (c *tcpConn) drain() {
	q := &c.queue
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 || q.broken {
			q.running = false
			if q.idle != nil {
				q.idle.Broadcast()
			}
			// A connection that fell behind once need not keep the memory.
			q.waiting, q.spare, q.writing = nil, nil, 0
			q.mu.Unlock()
			return
		}
		b := q.waiting
		q.waiting, q.spare, q.writing = q.spare[:0], b, len(b)
		q.mu.Unlock()

		err := c.write(b)
		q.mu.Lock()
		q.writing = 0
		if err != nil {
			q.broken = true
		}
		q.mu.Unlock()
		if err != nil {
			c.close()
		}
	}
}
