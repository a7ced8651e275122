package channel

import (
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gazpacho/proto"
)

// attachTimeout is how long a connection may stay without attaching; maxConns how many there may be at a time.
const (
	attachTimeout = 10 * time.Second
	maxConns      = 16
)

// Config is what a worker brings to its end of the channel. The functions are called on the goroutine that reads the
// connection: they must not block (they post to the loop), and they are called in the order things happened.
type Config struct {
	// Hello introduces the worker; Protocol and MaxFrame are filled in.
	Hello proto.Hello

	// Request gets every request of the attached controller, worker.attach first: that one was admitted already, and is for
	// the worker to answer with proto.AttachResult. Events flow from that answer on.
	Request func(Request)

	// Notification gets the controller's notifications; nil ignores them.
	Notification func(Notification)

	// Attached and Detached tell that a controller came, or left without another taking its place. Either may be nil.
	Attached func(proto.Attach)
	Detached func()

	Logger *slog.Logger // nil: no log
}

// Server is the worker's end of the channel. One controller is attached at a time.
//
// Its goroutines: one that accepts, and two for each connection. Everything else happens on the goroutine of the caller, which is
// the worker's loop: it encodes there, so that bodies may share memory with live objects, and leaves the bytes to the writer.
type Server struct {
	cfg     Config
	ln      net.Listener // nil if inherited
	single  net.Conn     // inherited
	current atomic.Pointer[serverConn]

	// order makes admission and the calls of Attached and Detached one step: a worker that starts to count its grace on Detached must
	// not hear of it after the next Attached. It is held while they run, mu never is.
	order    sync.Mutex
	attached *serverConn // under order

	mu      sync.Mutex
	conns   map[*serverConn]struct{}
	closed  bool
	dropped uint64 // by connections that have ended

	wg sync.WaitGroup
}

// NewServer returns a server without a socket: Accept gives it connections.
func NewServer(cfg Config) *Server {
	cfg.Hello.Protocol = proto.Current
	cfg.Hello.MaxFrame = MaxFrame
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, conns: map[*serverConn]struct{}{}}
}

// Serve takes controllers until Close, or, on an inherited socket, until its one controller is gone. It returns when all
// goroutines of the server have.
func (s *Server) Serve() error {
	defer s.wg.Wait()
	if s.ln == nil {
		s.Accept(s.single)
		return nil
	}
	for {
		conn, err := s.ln.Accept()
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.closed {
				return nil
			}
			return err
		}
		s.wg.Go(func() {
			if err := checkPeer(conn); err != nil {
				s.cfg.Logger.Warn("channel: connection refused", "reason", err)
				conn.Close()
				return
			}
			s.Accept(conn)
		})
	}
}

// Accept serves one connection, whose peer the caller trusts, and returns when it has ended and its goroutines have too.
func (s *Server) Accept(conn net.Conn) {
	c := s.add(conn)
	if c == nil {
		conn.Close()
		return
	}
	err := c.serve()
	c.link.end(err)
	<-c.link.writer
	s.remove(c)
	if gone(err) {
		s.cfg.Logger.Debug("channel: connection ended")
	} else {
		s.cfg.Logger.Warn("channel: connection closed", "reason", c.link.reason())
	}
}

func (s *Server) add(conn net.Conn) *serverConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= maxConns {
		return nil
	}
	c := &serverConn{server: s, link: newLink(conn)}
	s.conns[c] = struct{}{}
	return c
}

func (s *Server) remove(c *serverConn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.dropped += c.link.out.drops()
	s.mu.Unlock()

	s.order.Lock()
	defer s.order.Unlock()
	if s.attached != c {
		return
	}
	s.attached = nil
	s.current.CompareAndSwap(c, nil)
	if s.cfg.Detached != nil {
		s.cfg.Detached()
	}
}

// admit makes c the attached connection if a is welcome. The epoch settles which of two controllers is the present one: one
// that was stopped for a while and wakes up finds its worker taken by a successor with a higher epoch.
func (s *Server) admit(c *serverConn, a proto.Attach) *proto.Error {
	if a.Protocol.Major != proto.Major {
		return &proto.Error{
			Name: proto.UnsupportedErrorName, Code: proto.CodeUnsupported, Path: "protocol.major",
			Message: "this worker speaks another major version of the protocol",
		}
	}
	s.order.Lock()
	defer s.order.Unlock()
	if old := s.attached; old != nil {
		if a.Epoch <= old.epoch {
			return proto.Failed(proto.CodeBusy, "a controller with epoch %d is attached", old.epoch)
		}
		s.cfg.Logger.Warn("channel: controller replaced", "epoch", old.epoch, "by", a.Epoch, "software", a.Software)
		s.current.Store(nil)
		old.link.end(errReplaced)
	}
	c.epoch = a.Epoch
	s.attached = c
	if s.cfg.Attached != nil {
		s.cfg.Attached(a)
	}
	return nil
}

// live lets events flow to c: its worker.attach was answered. The loop calls it between two events, so the controller's dumps, which
// it asks for later, contain what the events before were about.
func (s *Server) live(c *serverConn) {
	s.order.Lock()
	defer s.order.Unlock()
	if s.attached == c {
		s.current.Store(c)
	}
}

// Notify sends e, which happened to target, to the attached controller by the rules of its class, and to nobody if none is
// attached: the next one reads dumps. It does not block and encodes before it returns. It tells whether e could be encoded.
func (s *Server) Notify(target string, e proto.Event) bool {
	return s.notify(e.Class(), target, e.Name, e.Body, nil)
}

// NotifyBinary sends bytes, such as a packet, with meta beside them. They are lossy.
func (s *Server) NotifyBinary(target, event string, meta any, payload []byte) bool {
	if payload == nil {
		payload = []byte{}
	}
	return s.notify(proto.Lossy, target, event, meta, payload)
}

func (s *Server) notify(class proto.Class, target, event string, body any, payload []byte) bool {
	c := s.current.Load()
	if c == nil {
		return true
	}
	if err := c.link.notify(class, target, event, body, payload); err != nil {
		s.cfg.Logger.Error("channel: event lost", "event", event, "target", target, "reason", err)
		return false
	}
	return true
}

// Log sends one line of the worker's log. Lines are lossy.
func (s *Server) Log(l Log) {
	c := s.current.Load()
	if c == nil {
		return
	}
	e := newEntry(proto.Lossy)
	var err error
	if e.frame, err = appendLog(e.frame, l); err != nil || !e.seal(MaxFrame) {
		e.release()
		return
	}
	c.link.post(e)
}

// Dropped counts the lossy frames that were dropped since controllers read too slowly.
func (s *Server) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.dropped
	for c := range s.conns {
		n += c.link.out.drops()
	}
	return n
}

// Close takes no more connections, gives those it has a second to read what is queued, and ends them.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	conns := make([]*serverConn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	var err error
	if s.ln != nil {
		err = s.ln.Close()
	}
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() { c.link.finish(errClosed) })
	}
	wg.Wait()
	return err
}
