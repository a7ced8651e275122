package fbwire

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	flatbuffers "github.com/google/flatbuffers/go"

	"gazpacho/proto"
)

// drain is how long a library has to read what is queued when the worker ends.
const drain = 2 * time.Second

// ErrRemoteClosed is why Serve ends when the library, or the process it is in, has gone.
var ErrRemoteClosed = errors.New("channel remotely closed")

// errClosing is why reading ends early: the library has asked the worker to end, and what it sent after that is not answered any more.
var errClosing = errors.New("the worker is closing")

// errStalled is why it ends when a library has not read for too long.
var errStalled = &ProtocolError{"the library does not read"}

// Handlers get what a library asks, on the goroutine that reads. They must not block.
type Handlers struct {
	Request      func(Request)
	Notification func(Notification)
	Close        func() // the library asks the worker to end, and waits for no answer
}

// Conn is a worker's end of a library's channel: two byte streams, sockets or pipes. Nothing on it waits for the library: its goroutines are one that
// reads, which is Serve's caller, and one that writes.
type Conn struct {
	// passed in
	codec    *Codec
	in       io.ReadCloser
	out      io.WriteCloser
	handlers Handlers

	// owned
	outbox  *outbox
	written chan struct{} // closed when the writer has ended

	mu  sync.Mutex
	enc encoder // under mu

	end    sync.Once
	reason error // why it ended; nil is Close
}

// NewConn returns a connection over in and out, which it closes in the end. Its writer runs from now on, for log lines of the start.
func NewConn(codec *Codec, in io.ReadCloser, out io.WriteCloser) *Conn {
	c := &Conn{codec: codec, in: in, out: out, outbox: newOutbox(maxQueued), written: make(chan struct{})}
	c.enc.b = flatbuffers.NewBuilder(4096)
	go func() {
		defer close(c.written)
		if err := c.outbox.write(out); err != nil {
			c.fail(ErrRemoteClosed)
		}
	}()
	return c
}

// Handle says who gets requests and notifications. It is called once, before Serve.
func (c *Conn) Handle(h Handlers) { c.handlers = h }

// Serve tells the library that the worker runs, and reads until the connection ends. It returns nil after Close, ErrRemoteClosed after the library has
// gone, and else a *ProtocolError.
func (c *Conn) Serve() error {
	c.notify(false, func(e *encoder) { // whose id is the process's, as the library knows it
		c.codec.notification(e.b, strconv.Itoa(os.Getpid()), c.codec.running, 0, 0)
	})
	r := bufio.NewReaderSize(c.in, chunk)
	for {
		b, err := readMessage(r)
		if err == nil {
			err = c.message(b)
		}
		if err == nil {
			continue
		}
		if errors.Is(err, errClosing) {
			<-c.written
			return c.reason
		}
		var wrong *ProtocolError
		if !errors.As(err, &wrong) {
			err = ErrRemoteClosed
		}
		c.fail(err)
		<-c.written
		return c.reason
	}
}

// message takes one message.
func (c *Conn) message(b []byte) error {
	m, ok := c.codec.envelope.read(b)
	switch {
	case !ok:
		return &ProtocolError{"a message that is neither a request nor a notification"}
	case m.request:
		return c.request(b, m)
	}
	return c.notification(b, m)
}

func (c *Conn) request(b []byte, m incoming) error {
	known := c.codec.methods[m.number]
	if known == nil {
		name := strconv.Itoa(int(m.number))
		c.respond(m.id, name, nil, &proto.Error{Name: proto.ErrorName, Code: proto.CodeUnknownMethod, Message: "unknown method " + name})
		return nil
	}
	c.handlers.Request(Request{Method: known.name, HandlerID: m.handlerID, conn: c, method: known, id: m.id, arm: m.arm, body: m.body, b: b})
	if known.name == proto.WorkerClose {
		return errClosing
	}
	return nil
}

func (c *Conn) notification(b []byte, m incoming) error {
	known := c.codec.notices[m.number]
	switch {
	case known == nil: // means nothing to this worker
	case known.closing:
		c.handlers.Close()
		return errClosing
	default:
		n := Notification{Event: known.name, HandlerID: m.handlerID, notice: known, arm: m.arm, body: m.body, b: b}
		n.findPayload()
		c.handlers.Notification(n)
	}
	return nil
}

// Notify sends an event. It tells whether it could be encoded; one that the library does not know is left out.
func (c *Conn) Notify(target string, e proto.Event) bool {
	return c.event(target, e.Name, e.Body, nil, e.Class() == proto.Lossy)
}

// NotifyBinary sends bytes, such as a packet, with meta beside them. They are lossy.
func (c *Conn) NotifyBinary(target, event string, meta any, payload []byte) bool {
	return c.event(target, event, meta, payload, true)
}

func (c *Conn) event(target, name string, body any, payload []byte, lossy bool) (encoded bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.codec.event(&c.enc, target, name, body, payload) {
		return true
	}
	if c.enc.wrong != "" {
		return false
	}
	return c.post(lossy)
}

// Log sends a line of the worker's log. Level is D, W or E.
func (c *Conn) Log(level byte, text string) {
	c.notify(true, func(e *encoder) { c.codec.log(e.b, string(level)+text) })
}

func (c *Conn) notify(lossy bool, write func(e *encoder)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enc.reset()
	write(&c.enc)
	c.post(lossy)
}

func (c *Conn) respond(id uint32, method string, result any, refused *proto.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.codec.response(&c.enc, id, method, result, refused)
	if !c.post(false) {
		c.codec.response(&c.enc, id, method, nil, proto.Failed(proto.CodeLimit, "the result is longer than %d bytes", MaxSent))
		c.post(false)
	}
}

// post queues the message that was encoded. It tells whether that is short enough.
func (c *Conn) post(lossy bool) bool {
	b := c.enc.b.FinishedBytes()
	if len(b) > MaxSent {
		c.enc.b = flatbuffers.NewBuilder(4096)
		return false
	}
	if !c.outbox.put(b, lossy) {
		c.fail(errStalled)
	}
	return true
}

// Dropped counts packets, traces and log lines that a library did not read in time.
func (c *Conn) Dropped() uint64 { return c.outbox.drops() }

// Close gives the library a moment to read what is queued, and ends the connection.
func (c *Conn) Close() error {
	c.fail(nil)
	<-c.written
	return nil
}

// fail ends the connection, once. The writer still writes what is queued if the library reads it in time.
func (c *Conn) fail(reason error) {
	c.end.Do(func() {
		c.reason = reason
		c.outbox.close()
		if d, ok := c.out.(interface{ SetWriteDeadline(time.Time) error }); ok {
			d.SetWriteDeadline(time.Now().Add(drain))
		}
		go func() {
			<-c.written
			c.out.Close()
			c.in.Close()
		}()
	})
}
