package channel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"gazpacho/proto"
)

// Options are what a controller brings to its end of the channel.
type Options struct {
	// Epoch decides between two controllers: the higher one takes the worker.
	Epoch    uint64
	Software string // for the worker's log

	// Notification and Log get events and lines in the order the worker wrote them, on the one goroutine that reads the
	// connection. An event written before a response has been handled when Request returns. So neither may call Request and
	// wait: the response could not be read. Either may be nil.
	Notification func(Notification)
	Log          func(Log)

	// Door is what the other end says first and is asked first; nil is a worker's.
	Door *Door
}

// Door is how a connection begins: the notification that comes first, and the request by which a client attaches.
type Door struct {
	Hello  string
	Attach string
	Body   any // of the request
	Result any // a pointer to what is answered
}

// Client is the controller's end of the channel. All methods may be called from any goroutine.
type Client struct {
	link     *link
	opts     Options
	hello    proto.Hello
	attached proto.AttachResult

	mu      sync.Mutex
	pending map[uint32]*call // sent and not answered, or about to be sent
	lastID  uint32
	closed  bool          // the reader has returned: nothing is answered any more
	done    chan struct{} // closed when the reader has returned
}

// call is a request that waits for its response.
type call struct {
	reply chan reply // holds one
}

// reply is a response that is not decoded yet: the goroutine that asked does it, so that a large dump holds up nobody else's
// events.
type reply struct {
	err    Raw
	result Raw
}

// Dial connects to the worker that listens at address, "unix:/path", and attaches.
func Dial(ctx context.Context, address string, o Options) (*Client, error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return nil, fmt.Errorf("channel address %q is not unix:PATH", address)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	return Attach(ctx, conn, o)
}

// Attach waits for the worker's hello on conn, which it owns from then on, and attaches. A refusal is a *proto.Error.
func Attach(ctx context.Context, conn net.Conn, o Options) (*Client, error) {
	if err := checkPeer(conn); err != nil {
		conn.Close()
		return nil, err
	}
	c := &Client{link: newLink(conn), opts: o, pending: map[uint32]*call{}, done: make(chan struct{})}
	if o.Door == nil {
		c.opts.Door = &Door{
			Hello: proto.EventWorkerHello, Attach: proto.WorkerAttach, Result: &c.attached,
			Body: proto.Attach{Protocol: proto.Current, Epoch: o.Epoch, Software: o.Software},
		}
	}
	// Reading the hello knows no context.
	stop := context.AfterFunc(ctx, func() { c.link.end(context.Cause(ctx)) })
	err := c.readHello()
	if err != nil {
		stop()
		c.link.end(err)
		<-c.link.writer
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, err
	}
	go c.read()
	err = c.Request(ctx, c.opts.Door.Attach, "", c.opts.Door.Body, c.opts.Door.Result)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		c.link.end(err) // what is queued is worth no wait; and the function of stop may not have run
		c.Close()
		return nil, err
	}
	return c, nil
}

// readHello reads the first message, before the reader goroutine starts.
func (c *Client) readHello() error {
	e, err := c.link.receive()
	if err != nil {
		return err
	}
	hello := c.opts.Door.Hello
	if e.kind != kindNotification || string(e.name) != hello {
		return violation("the first message is no %s", hello)
	}
	if err := Decode(e.body, &c.hello); err != nil {
		return violation("%s: %s", hello, err.Message)
	}
	if c.hello.Protocol.Major != proto.Major {
		return proto.Unsupported("the worker speaks protocol %d.%d, we speak %d.%d",
			c.hello.Protocol.Major, c.hello.Protocol.Minor, proto.Major, proto.Minor)
	}
	return nil
}

// maxFrame is the longest frame the worker takes. A hello that does not say leaves the protocol's limit.
func (c *Client) maxFrame() int {
	if n := c.hello.MaxFrame; n > 0 && n < MaxFrame {
		return n
	}
	return MaxFrame
}

// Hello is how the worker introduced itself.
func (c *Client) Hello() proto.Hello { return c.hello }

// Attached is what the worker answered to worker.attach.
func (c *Client) Attached() proto.AttachResult { return c.attached }

// Request asks for method of the object handlerID and waits for the answer, decoded into *result unless result is nil, or as it is into a *Raw. A refusal
// is a *proto.Error; so is the end of the channel, with code closed. If ctx ends first, its error is returned and the answer
// ignored: the worker may have done what was asked.
func (c *Client) Request(ctx context.Context, method, handlerID string, body, result any) error {
	id, call, err := c.register()
	if err != nil {
		return err
	}
	e := newEntry(proto.State)
	e.frame, err = appendRequest(e.frame, id, method, handlerID, body)
	switch {
	case err != nil:
		err = fmt.Errorf("body of %s: %w", method, err)
	case !e.seal(c.maxFrame()):
		err = proto.Failed(proto.CodeLimit, "body of %s is longer than the worker takes", method)
	}
	if err != nil {
		e.release()
		c.forget(id)
		return err
	}
	if err := c.link.postWait(ctx, e); err != nil {
		c.forget(id)
		if errors.Is(err, errClosed) {
			return c.closedError()
		}
		return err
	}
	select {
	case r, ok := <-call.reply:
		if !ok {
			return c.closedError()
		}
		return r.decode(method, result)
	case <-ctx.Done():
		// The id stays taken until the answer comes, so that no later request is given it.
		return ctx.Err()
	}
}

// decode is the end of a request: the worker's error, or its result.
func (r reply) decode(method string, result any) error {
	if len(r.err) > 0 && r.err[0] != 0xc0 {
		refused := &proto.Error{}
		if err := Decode(r.err, refused); err != nil {
			return proto.Failed(proto.CodeInternal, "error of %s: %s", method, err.Message)
		}
		return refused
	}
	switch result := result.(type) {
	case nil:
		return nil
	case *Raw:
		*result = r.result // for somebody else to decode
		return nil
	}
	if err := Decode(r.result, result); err != nil {
		err.Message = "result of " + method + ": " + err.Message
		return err
	}
	return nil
}

// Notify sends a notification, which has no answer, to the object handlerID.
func (c *Client) Notify(event, handlerID string, body any) error {
	return c.send(proto.State, event, handlerID, body, nil) // never blocks, as on the other end
}

// NotifyBinary sends bytes, such as a packet, with meta beside them. They are lossy: for a worker that does not keep up the oldest are dropped.
func (c *Client) NotifyBinary(event, handlerID string, meta any, payload []byte) error {
	if payload == nil {
		payload = []byte{}
	}
	return c.send(proto.Lossy, event, handlerID, meta, payload)
}

func (c *Client) send(class proto.Class, event, handlerID string, body any, payload []byte) error {
	if c.link.reason() != nil {
		return c.closedError()
	}
	return c.link.notify(class, handlerID, event, body, payload)
}

// Dropped counts the lossy notifications that were dropped since the worker read too slowly.
func (c *Client) Dropped() uint64 { return c.link.out.drops() }

// Done is closed when the channel has ended and the last event was handled; Err tells why.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is nil while the channel lives, and a *proto.Error with code closed afterwards.
func (c *Client) Err() error {
	if c.link.reason() == nil {
		return nil
	}
	return c.closedError()
}

// Close detaches: requests without an answer fail. It returns when no event will be handled any more, so it must not be called
// while handling one.
func (c *Client) Close() error {
	c.link.finish(errClosed)
	<-c.done
	return nil
}

func (c *Client) closedError() *proto.Error {
	cause := c.link.reason()
	if gone(cause) {
		return proto.Failed(proto.CodeClosed, "the channel is closed")
	}
	return proto.Failed(proto.CodeClosed, "the channel is closed: %v", cause)
}
