package channel

import "time"

// register makes an id for a new request.
func (c *Client) register() (uint32, *call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, nil, c.closedError()
	}
	// Ids wrap after 2^32 requests: one may still wait.
	for {
		c.lastID++
		if _, taken := c.pending[c.lastID]; !taken {
			break
		}
	}
	w := &call{reply: make(chan reply, 1)}
	c.pending[c.lastID] = w
	return c.lastID, w, nil
}

// forget frees the id of a request that was not sent.
func (c *Client) forget(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}

// read is the reader goroutine. It calls the handlers itself: an event is handled before the response behind it is even read.
func (c *Client) read() {
	defer close(c.done)
	for {
		e, err := c.link.receive()
		if err == nil {
			err = c.handle(e)
		}
		if err != nil {
			c.link.end(err)
			break
		}
	}
	<-c.link.writer
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, w := range c.pending {
		close(w.reply)
	}
	c.pending = nil
}

// handle takes one message. What a worker must not send ends the connection, as everything that shows the two ends disagree.
func (c *Client) handle(e envelope) error {
	switch e.kind {
	case kindResponse:
		return c.respond(e)
	case kindNotification, kindBinary:
		if c.opts.Notification != nil {
			c.opts.Notification(notification(e))
		}
	case kindLog:
		if c.opts.Log != nil {
			c.opts.Log(logLine(e))
		}
	default:
		return violation("a message of kind %d from a worker", e.kind)
	}
	return nil
}

// respond hands a response to the request that waits for it, or once waited: then nobody reads the reply.
func (c *Client) respond(e envelope) error {
	c.mu.Lock()
	w := c.pending[e.id]
	delete(c.pending, e.id)
	c.mu.Unlock()
	if w == nil {
		return violation("a response to request %d, which does not wait", e.id)
	}
	w.reply <- reply{err: e.err, result: e.body}
	return nil
}

// logLine makes a line for people: fields that do not decode are left out, the text is not.
func logLine(e envelope) Log {
	l := Log{Level: string(e.name), Tag: string(e.handlerID), At: time.UnixMicro(e.micros), Text: string(e.text)}
	var fields map[string]any
	if Decode(e.body, &fields) == nil {
		l.Fields = fields
	}
	return l
}
