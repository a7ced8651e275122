package limit

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
)

// ListenerConfig is what a Listener allows; zero values stand for the defaults.
type ListenerConfig struct {
	Unauthenticated int // sockets of one source that have not proven themselves
	Total           int // of all sources together
	// Trusted are proxies. Their sockets carry many clients' requests and are not counted here; count the addresses they forward, by
	// ClientIP and Sources.
	Trusted []netip.Prefix
}

// Listener bounds the sockets that strangers hold open. It belongs below TLS, whose handshake is the first thing that costs.
type Listener struct {
	net.Listener
	strangers *Sources
	trusted   []netip.Prefix

	open     atomic.Int64
	accepted atomic.Uint64
}

// NewListener wraps a listener.
func NewListener(l net.Listener, c ListenerConfig) *Listener {
	return &Listener{Listener: l, strangers: NewSources(c.Unauthenticated, c.Total), trusted: c.Trusted}
}

// Accept returns the next socket of a source that has not too many. All others are closed at once.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if accepted := l.admit(c); accepted != nil {
			return accepted, nil
		}
		reset(c)
	}
}

// admit is the socket, counted, or nil.
func (l *Listener) admit(c net.Conn) net.Conn {
	from := addressOf(c.RemoteAddr())
	var slot *Slot
	if !contains(l.trusted, from) {
		var ok bool
		if slot, ok = l.strangers.Take(from); !ok {
			return nil
		}
	}
	l.open.Add(1)
	l.accepted.Add(1)
	return &conn{Conn: c, listener: l, slot: slot}
}

// reset closes a socket without leaving anything of it in the kernel.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // a socket that is gone already needs none
	}
	c.Close()
}

// Stats is what a Listener counts.
type Stats struct {
	Open            int    // sockets
	Unauthenticated int    // of those
	Sources         int    // that the unauthenticated come from
	Accepted        uint64 // since the start
	Refused         uint64 // since the start
}

// Stats counts sockets.
func (l *Listener) Stats() Stats {
	s := l.strangers.Stats()
	return Stats{
		Open: int(l.open.Load()), Unauthenticated: s.Open, Sources: s.Sources, Accepted: l.accepted.Load(), Refused: s.Refused,
	}
}

// conn is a socket that is counted while it is open.
type conn struct {
	net.Conn
	listener *Listener
	slot     *Slot // nil: a proxy's
	closed   atomic.Bool
}

// Close ends it, and what it counted for.
func (c *conn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.listener.open.Add(-1)
		c.authenticated()
	}
	return c.Conn.Close()
}

// CloseWrite ends one direction; net/http asks for it so that its last answer is read.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *conn) authenticated() {
	if c.slot != nil {
		c.slot.Release()
	}
}

// Keys of contexts.
type (
	socketKey struct{}
	slotKey   struct{}
)

// ConnContext makes the socket known to Authenticated. It is for http.Server.ConnContext, also with TLS in between.
func (l *Listener) ConnContext(ctx context.Context, c net.Conn) context.Context {
	for {
		switch inner := c.(type) {
		case *conn:
			return context.WithValue(ctx, socketKey{}, inner)
		case interface{ NetConn() net.Conn }: // a *tls.Conn
			c = inner.NetConn()
		default:
			return ctx
		}
	}
}

// WithSlot has Authenticated release a slot as well: of a client that a proxy asks for.
func WithSlot(ctx context.Context, t *Slot) context.Context {
	return context.WithValue(ctx, slotKey{}, t)
}

// Authenticated says that the client of a request's context has proven itself: its socket is a stranger's no more.
func Authenticated(ctx context.Context) {
	if c, ok := ctx.Value(socketKey{}).(*conn); ok {
		c.authenticated()
	}
	if t, ok := ctx.Value(slotKey{}).(*Slot); ok {
		t.Release()
	}
}

// addressOf is the IP address of a socket's end, or the zero one of something that has none.
func addressOf(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
