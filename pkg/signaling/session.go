package signaling

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/limit"
	"gazpacho/pkg/room"
)

// Limits of a session (SECURITY.md R-WS-1).
const (
	limitBeforeJoin = 64 << 10 // bytes of a message
	limitAfterJoin  = 256 << 10
	writeTimeout    = 5 * time.Second
	requestTimeout  = 15 * time.Second // for us to do what a client asks
	maxRequests     = 200              // of a client that wait their turn
)

// pings are the times by which a client that has gone is found out; tests shorten them.
type pings struct {
	every, pong time.Duration // regularly
	probe       time.Duration // to answer when asked out of turn
}

var defaultPings = pings{every: 20 * time.Second, pong: 10 * time.Second, probe: 5 * time.Second}

// session is one client's connection. It is the room's way to the client.
type session struct {
	// passed in
	server *Server
	entry  room.Entry
	conn   *websocket.Conn
	socket net.Conn // below conn
	log    *slog.Logger
	pings  pings

	// owned
	ctx      context.Context
	cancel   context.CancelFunc
	out      *outbox
	written  chan struct{} // closed when the writer has ended
	pending  pending
	requests chan frame
	probe    chan struct{}
	peer     *room.Peer
	expiry   expiry // of the token
	budget   budget
	cause    cause
	ignored  uint64 // messages that were no protoo; the reader's
}

func newSession(s *Server, entry room.Entry) *session {
	c := &session{
		server: s, entry: entry, log: s.cfg.Log.With("room", entry.RoomID, "peer", entry.PeerID), pings: defaultPings,
		out: newOutbox(), written: make(chan struct{}), requests: make(chan frame, maxRequests), probe: make(chan struct{}, 1),
		budget: newBudget(s.cfg.Limits),
	}
	c.expiry = expiry{now: s.cfg.Now, notice: s.notice, warn: c.expires, end: c.expired}
	return c
}

// serve is the life of a connection. request is the context of its handshake.
func (c *session) serve(request context.Context) {
	c.ctx, c.cancel = context.WithCancel(c.server.life)
	c.conn.SetReadLimit(limitBeforeJoin)
	var goroutines sync.WaitGroup
	goroutines.Go(c.write)
	c.Notify("mediasoup-version", map[string]string{"version": c.server.cfg.Version})
	if c.enter() {
		limit.Authenticated(request)
		c.expiry.set(c.entry.Grant.Expires)
		goroutines.Go(c.work)
		goroutines.Go(c.ping)
	}
	why := c.ended(c.read())
	c.expiry.stop()
	if c.out.isClosed() {
		<-c.written // our goodbye is on its way, and whoever sent it has set a time for it
	}
	c.cancel()
	close(c.requests)
	c.pending.close()
	if c.peer != nil {
		c.peer.Leave()
	}
	c.socket.Close()
	goroutines.Wait()
	c.conn.CloseNow()
	c.log.Debug("client gone", "reason", why, "ignored", c.ignored)
	c.server.counters.count(func(s *Stats) {
		s.Sessions--
		s.Closed[why]++
		s.Ignored += c.ignored
	})
}

// enter takes a place in the room; without one the connection is closed.
func (c *session) enter() bool {
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	defer cancel()
	peer, err := c.server.cfg.Rooms.Enter(ctx, c.entry, c)
	if err != nil {
		c.log.Warn("client cannot enter", "error", err)
		code := room.CloseUnexpected
		if status := statusOf(err); status == 503 || status == 504 || status == 429 {
			code = room.CloseTryLater
		}
		c.finish(closedNoEntry, code, err.Error())
		return false
	}
	c.peer = peer
	return true
}

// read is the reader; it never waits for anything but the client.
func (c *session) read() error {
	for {
		kind, message, err := c.conn.Read(c.ctx)
		if err != nil {
			return err
		}
		if !c.afford() {
			return errFlood
		}
		if kind == websocket.MessageText {
			c.received(message)
		} else {
			c.ignored++
		}
	}
}

// work does what the client asks, one thing after the other, so that a client sees its own order.
func (c *session) work() {
	for f := range c.requests {
		if c.ctx.Err() == nil {
			c.do(f)
		}
	}
}

// Probe has the client answer a ping soon.
func (c *session) Probe() {
	select {
	case c.probe <- struct{}{}:
	default:
	}
}

// write is the writer.
func (c *session) write() {
	defer close(c.written)
	for {
		message, closed := c.out.take()
		switch {
		case message != nil:
			ctx, cancel := context.WithTimeout(c.ctx, writeTimeout)
			err := c.conn.Write(ctx, websocket.MessageText, message)
			slow := ctx.Err() == context.DeadlineExceeded
			cancel()
			if err != nil {
				if slow {
					c.cause.set(closedSlow)
				}
				c.socket.Close() // the reader ends
				return
			}
		case closed:
			code, reason := c.out.why()
			_ = c.conn.Close(websocket.StatusCode(code), cut(reason)) // however it goes, the reader ends
			return
		default:
			select {
			case <-c.out.wake:
			case <-c.ctx.Done():
				return
			}
		}
	}
}

// ping finds out whether the client is still there: a machine that fell asleep or lost its network says no goodbye.
func (c *session) ping() {
	every := time.NewTicker(c.pings.every)
	defer every.Stop()
	for {
		timeout := c.pings.pong
		select {
		case <-every.C:
		case <-c.probe:
			timeout = c.pings.probe
		case <-c.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(c.ctx, timeout)
		err := c.conn.Ping(ctx)
		silent := ctx.Err() == context.DeadlineExceeded
		cancel()
		if err != nil {
			if silent {
				c.cause.set(closedSilent)
			}
			c.socket.Close()
			return
		}
	}
}
