package channel

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"gazpacho/proto"
)

// maxGuests is how many connections a Hall has at a time.
const maxGuests = 64

// HallConfig is what the owner of a Hall brings. The functions are called on the goroutine that reads the connection: while one runs, nothing more
// is read from that client, and others are not held up.
type HallConfig struct {
	// Hello and its name introduce the server; Protocol and MaxFrame are filled in.
	Hello     proto.Hello
	HelloName string

	// AttachName is the request that must come first; Attach judges it. Events flow from its answer on.
	AttachName string
	Attach     func(*Guest, Raw) (result any, refused *proto.Error)

	Request      func(*Guest, Request)
	Notification func(*Guest, Notification)
	Detached     func(*Guest) // of one that was attached; nothing of it is called after

	Logger *slog.Logger // nil: no log
}

// Hall is a server with many clients at a time, none of which takes another's place: the control API's end of the channel. A client that reads
// slowly is treated as a worker treats its controller, and holds up nobody.
type Hall struct {
	cfg HallConfig
	ln  net.Listener

	mu     sync.Mutex
	guests map[*Guest]struct{}
	closed bool

	wg sync.WaitGroup
}

// Guest is one client of a Hall.
type Guest struct {
	link *link

	// State is the owner's: whatever it keeps of the client. It is set by Attach.
	State any
}

// NewHall returns a hall on a listener, which it owns; nil is none: Accept gives it connections.
func NewHall(ln net.Listener, cfg HallConfig) *Hall {
	cfg.Hello.Protocol = proto.Current
	cfg.Hello.MaxFrame = MaxFrame
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Hall{cfg: cfg, ln: ln, guests: map[*Guest]struct{}{}}
}

// Serve takes clients until Close, and returns when the last has gone.
func (h *Hall) Serve() error {
	defer h.wg.Wait()
	for {
		conn, err := h.ln.Accept()
		if err != nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.closed {
				return nil
			}
			return err
		}
		h.wg.Go(func() {
			if err := checkPeer(conn); err != nil {
				h.cfg.Logger.Warn("control: connection refused", "reason", err)
				conn.Close()
				return
			}
			h.Accept(conn)
		})
	}
}

// Accept serves one connection, whose peer the caller trusts, and returns when it has ended.
func (h *Hall) Accept(conn net.Conn) {
	g := h.add(conn)
	if g == nil {
		conn.Close()
		return
	}
	err := h.serve(g)
	g.link.end(err)
	<-g.link.writer
	h.mu.Lock()
	delete(h.guests, g)
	h.mu.Unlock()
	if gone(err) {
		h.cfg.Logger.Debug("control: connection ended")
	} else {
		h.cfg.Logger.Warn("control: connection closed", "reason", g.link.reason())
	}
}

func (h *Hall) add(conn net.Conn) *Guest {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.guests) >= maxGuests {
		return nil
	}
	g := &Guest{link: newLink(conn)}
	h.guests[g] = struct{}{}
	return g
}

// serve greets, admits and then reads until the connection ends.
func (h *Hall) serve(g *Guest) error {
	if err := g.link.notify(proto.State, "", h.cfg.HelloName, h.cfg.Hello, nil); err != nil {
		return err
	}
	g.link.conn.SetReadDeadline(time.Now().Add(attachTimeout))
	e, err := g.link.receive()
	if err != nil {
		return err
	}
	if e.kind != kindRequest {
		return violation("a message of kind %d before %s", e.kind, h.cfg.AttachName)
	}
	first := g.request(e)
	result, refused := h.admit(g, first)
	if refused != nil {
		first.Respond(nil, refused) // finish lets the client read it
		err := violation("attach refused: %s", refused.Message)
		g.link.finish(err)
		return err
	}
	g.link.conn.SetReadDeadline(time.Time{})
	defer h.cfg.Detached(g)
	first.Respond(result, nil)
	for {
		e, err := g.link.receive()
		if err != nil {
			return err
		}
		switch e.kind {
		case kindRequest:
			h.cfg.Request(g, g.request(e))
		case kindNotification, kindBinary:
			h.cfg.Notification(g, notification(e))
		default:
			return violation("a message of kind %d from a client", e.kind)
		}
	}
}

// admit judges the first request of a connection.
func (h *Hall) admit(g *Guest, r Request) (any, *proto.Error) {
	if r.Method != h.cfg.AttachName {
		return nil, proto.InvalidState("%s before %s", r.Method, h.cfg.AttachName)
	}
	return h.cfg.Attach(g, r.Body)
}

func (g *Guest) request(e envelope) Request {
	return Request{ID: e.id, Method: string(e.name), HandlerID: string(e.handlerID), Body: e.body, link: g.link}
}

// Notify sends what happened to target, which belongs to origin: one msgpack value, or empty. If payload is not nil, it is binary and body its
// meta. It does not block, and encodes before it returns.
func (g *Guest) Notify(origin Raw, class proto.Class, target, event string, body any, payload []byte) {
	// What cannot be encoded is a fault of ours; what is too long would have been so for the worker that said it.
	_ = g.link.notifyFrom(origin, class, target, event, body, payload)
}

// Dropped counts the lossy notifications the client was too slow for.
func (g *Guest) Dropped() uint64 { return g.link.out.drops() }

// Close takes no more connections, gives those there are a second to read what is queued, and ends them.
func (h *Hall) Close() error {
	h.mu.Lock()
	h.closed = true
	guests := make([]*Guest, 0, len(h.guests))
	for g := range h.guests {
		guests = append(guests, g)
	}
	h.mu.Unlock()
	var err error
	if h.ln != nil {
		err = h.ln.Close()
	}
	var wg sync.WaitGroup
	for _, g := range guests {
		wg.Go(func() { g.link.finish(errClosed) })
	}
	wg.Wait()
	return err
}
