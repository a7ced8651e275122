package signaling

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/room"
	"gazpacho/proto"
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
	conn   *websocket.Conn
	log    *slog.Logger
	pings  pings

	// owned
	ctx      context.Context
	cancel   context.CancelFunc
	out      *outbox
	pending  pending
	requests chan frame
	probe    chan struct{}
	peer     *room.Peer
	ignored  int // messages that were no protoo; the reader's
}

// serve is the life of a connection.
func (s *Server) serve(conn *websocket.Conn, entry room.Entry, remote string) {
	c := &session{
		server: s, conn: conn, log: s.cfg.Log.With("room", entry.RoomID, "peer", entry.PeerID),
		pings: defaultPings, out: newOutbox(), requests: make(chan frame, maxRequests), probe: make(chan struct{}, 1),
	}
	c.ctx, c.cancel = context.WithCancel(s.life)
	conn.SetReadLimit(limitBeforeJoin)
	var goroutines sync.WaitGroup
	goroutines.Go(c.write)
	c.Notify("mediasoup-version", map[string]string{"version": s.cfg.Version})
	c.log.Debug("client connected", "remote", remote)
	if c.enter(entry) {
		goroutines.Go(c.work)
		goroutines.Go(c.ping)
	}
	err := c.read()
	c.cancel()
	close(c.requests)
	c.pending.close()
	if c.peer != nil {
		c.peer.Leave()
	}
	goroutines.Wait()
	conn.CloseNow()
	c.log.Debug("client gone", "reason", err, "ignored", c.ignored)
}

// enter takes a place in the room; without one the connection is closed.
func (c *session) enter(entry room.Entry) bool {
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	defer cancel()
	peer, err := c.server.cfg.Rooms.Enter(ctx, entry, c)
	if err != nil {
		c.log.Warn("client cannot enter", "error", err)
		code := room.CloseUnexpected
		if statusOf(err) == 503 || statusOf(err) == 504 {
			code = room.CloseTryLater
		}
		c.Close(code, err.Error())
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
		if kind == websocket.MessageText {
			c.received(message)
		} else {
			c.ignored++
		}
	}
}

func (c *session) received(message []byte) {
	f, err := parseFrame(message)
	switch {
	case errors.Is(err, errNoFrame), err != nil && f.kind == notification:
		c.ignored++
	case f.kind == response:
		c.answered(f, err)
	case err != nil:
		c.refuse(f, err)
	case f.kind == notification:
		c.ignored++ // clients have none that mean something to us
	default:
		select {
		case c.requests <- f:
		default:
			c.refuse(f, proto.Failed(proto.CodeLimit, "too many requests at a time"))
		}
	}
}

// answered takes a client's answer to a request of ours. A malformed one is a no.
func (c *session) answered(f frame, err error) {
	id, ours := f.number()
	if !ours {
		c.ignored++
		return
	}
	if err == nil && !f.ok {
		err = refusal(f)
	}
	c.pending.resolve(id, err)
}

// work does what the client asks, one thing after the other, so that a client sees its own order.
func (c *session) work() {
	for f := range c.requests {
		if c.ctx.Err() == nil {
			c.do(f)
		}
	}
}

func (c *session) do(f frame) {
	m, known := methods[f.method]
	if !known {
		c.refuse(f, &proto.Error{
			Name: proto.NotFoundErrorName, Code: proto.CodeUnknownMethod, Message: "unknown request method " + quoted(f.method),
		})
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	defer cancel()
	if err := m(ctx, c, f.data, func(result any) { c.accept(f, result) }); err != nil {
		c.refuse(f, err)
	}
}

// quoted makes a client's text fit to print.
func quoted(s string) string {
	b, _ := json.Marshal(shortened(s)) // a string
	return string(b)
}

type accepted struct {
	Response bool            `json:"response"`
	ID       json.RawMessage `json:"id"`
	OK       bool            `json:"ok"`
	Data     any             `json:"data"`
}

type refused struct {
	Response    bool            `json:"response"`
	ID          json.RawMessage `json:"id"`
	OK          bool            `json:"ok"`
	ErrorCode   int             `json:"errorCode"`
	ErrorReason string          `json:"errorReason"`
}

func (c *session) accept(f frame, result any) {
	c.send(accepted{Response: true, ID: f.id, OK: true, Data: result})
}

func (c *session) refuse(f frame, err error) {
	c.log.Debug("request refused", "method", f.method, "error", err)
	c.send(refused{Response: true, ID: f.id, ErrorCode: statusOf(err), ErrorReason: err.Error()})
}

// Notify sends a notification.
func (c *session) Notify(method string, data any) {
	c.send(struct {
		Notification bool   `json:"notification"`
		Method       string `json:"method"`
		Data         any    `json:"data"`
	}{true, method, data})
}

// Request sends a request.
func (c *session) Request(method string, data any) <-chan error {
	id, result := c.pending.add()
	if id != 0 {
		c.send(struct {
			Request bool   `json:"request"`
			ID      uint32 `json:"id"`
			Method  string `json:"method"`
			Data    any    `json:"data"`
		}{true, id, method, data})
	}
	return result
}

// Probe has the client answer a ping soon.
func (c *session) Probe() {
	select {
	case c.probe <- struct{}{}:
	default:
	}
}

// Close ends the connection when what is queued has gone out.
func (c *session) Close(code int, reason string) { c.out.close(code, reason) }

func (c *session) send(message any) {
	text, err := json.Marshal(message)
	if err != nil {
		c.log.Error("message cannot be written as JSON", "error", err)
		return
	}
	if !c.out.put(text) {
		c.log.Warn("client reads too slowly")
		c.out.drop()
		c.Close(room.CloseTryLater, "reads too slowly")
	}
}

// write is the writer.
func (c *session) write() {
	for {
		message, closed := c.out.take()
		switch {
		case message != nil:
			ctx, cancel := context.WithTimeout(c.ctx, writeTimeout)
			err := c.conn.Write(ctx, websocket.MessageText, message)
			cancel()
			if err != nil {
				c.conn.CloseNow() // the reader ends
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

// maxReason is what a close frame holds besides its code (RFC 6455 section 5.5).
const maxReason = 123

func cut(reason string) string {
	if len(reason) > maxReason {
		return reason[:maxReason]
	}
	return reason
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
		cancel()
		if err != nil {
			c.conn.CloseNow()
			return
		}
	}
}
