package channel

import (
	"errors"
	"time"

	"gazpacho/proto"
)

var errReplaced = errors.New("a controller with a higher epoch has attached")

// serverConn is one controller's connection to a worker.
type serverConn struct {
	server *Server
	link   *link
	epoch  uint64 // under the server's order
}

// serve greets, admits and then reads until the connection ends.
func (c *serverConn) serve() error {
	if err := c.link.notify(proto.State, "", proto.EventWorkerHello, c.server.cfg.Hello, nil); err != nil {
		return err
	}
	c.link.conn.SetReadDeadline(time.Now().Add(attachTimeout))
	e, err := c.link.receive()
	if err != nil {
		return err
	}
	if e.kind != kindRequest {
		return violation("a message of kind %d before worker.attach", e.kind)
	}
	first := c.request(e)
	if refused := c.attach(first); refused != nil {
		// The reason is worth a moment: finish lets the controller read it.
		first.Respond(nil, refused)
		err := violation("attach refused: %s", refused.Message)
		c.link.finish(err)
		return err
	}
	c.link.conn.SetReadDeadline(time.Time{})
	c.server.cfg.Request(first)
	for {
		e, err := c.link.receive()
		if err != nil {
			return err
		}
		if err := c.handle(e); err != nil {
			return err
		}
	}
}

// attach judges the first request of a connection.
func (c *serverConn) attach(r Request) *proto.Error {
	if r.Method != proto.WorkerAttach {
		return proto.InvalidState("%s before %s", r.Method, proto.WorkerAttach)
	}
	var a proto.Attach
	if refused := Decode(r.Body, &a); refused != nil {
		return refused
	}
	return c.server.admit(c, a)
}

// handle takes one message of the attached controller.
func (c *serverConn) handle(e envelope) error {
	switch e.kind {
	case kindRequest:
		r := c.request(e)
		if r.Method == proto.WorkerAttach {
			r.Respond(nil, proto.InvalidState("already attached"))
			return nil
		}
		c.server.cfg.Request(r)
	case kindNotification, kindBinary:
		if c.server.cfg.Notification != nil {
			c.server.cfg.Notification(notification(e))
		}
	default:
		return violation("a message of kind %d from a controller", e.kind)
	}
	return nil
}

func (c *serverConn) request(e envelope) Request {
	return Request{ID: e.id, Method: string(e.name), HandlerID: string(e.handlerID), Body: e.body, link: c.link, conn: c}
}

// notification copies the names, which may be kept, and shares the rest.
func notification(e envelope) Notification {
	return Notification{Event: string(e.name), HandlerID: string(e.handlerID), Body: e.body, Payload: e.payload, Origin: e.origin}
}
