package turn

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/timer"
	"gazpacho/pkg/tuple"
)

// connectionPatience is how long the server tries to reach a peer, and how long a peer's connection waits for the client's ("at least 30 seconds", RFC
// 6062 sections 5.2 and 5.3).
const connectionPatience = 30 * time.Second

// Connection is a TCP connection between a relay and a peer (RFC 6062). Its life: dialing, if the client asked for it; waiting for a connection of the
// client; bound to that.
type Connection struct {
	// passed in
	allocation *allocation
	id         uint32
	peer       netip.AddrPort

	// owned
	stream Stream
	timer  *timer.Timer

	// state
	asked    *reply // the Connect that is not answered yet
	bound    bool
	closed   bool
	up, down uint64 // bytes that are counted
}

// Peer returns the peer's address.
func (c *Connection) Peer() netip.AddrPort { return c.peer }

// connect answers Connect (RFC 6062 section 5.2), as soon as the outcome is known.
func (r *request) connect() {
	if !r.owned() {
		return
	}
	a := r.a
	if !a.tcp {
		r.refuse(stun.CodeAllocationMismatch)
		return
	}
	peer, code := r.judge(r.m.Value(stun.AttrXORPeerAddress), true)
	switch {
	case code != 0:
		r.refuse(code)
		return
	case r.verdict == PeerMedia:
		r.refuse(stun.CodeForbidden) // only packets are media; TCP to such a port would be a client of TURN again (R-TURN-6)
		return
	case a.connected(peer):
		r.refuse(stun.CodeConnectionExists)
		return
	case len(a.connections) >= mostPerAllocation:
		r.refuse(stun.CodeInsufficientCapacity)
		return
	}
	c := a.newConnection(r.now, peer)
	asked := r.reply
	c.asked = &asked
	r.server.env.Streams.Dial(a.relays[familyOf(peer.Addr())], c)
}

func (a *allocation) connected(peer netip.AddrPort) bool {
	return slices.ContainsFunc(a.connections, func(c *Connection) bool { return c.peer == peer })
}

func (a *allocation) newConnection(now time.Time, peer netip.AddrPort) *Connection {
	s := a.server
	c := &Connection{allocation: a, peer: peer}
	for c.id == 0 || s.connections[c.id] != nil {
		var id [4]byte
		s.random.read(id[:])
		c.id = binary.BigEndian.Uint32(id[:])
	}
	s.connections[c.id] = c
	a.connections = append(a.connections, c)
	c.timer = s.env.Timers.New(func(time.Time) { c.fail() })
	c.timer.Reset(now.Add(connectionPatience))
	return c
}

// PeerConnected tells that Dial went well. The stream is closed if nobody waits for it any more.
func (s *Server) PeerConnected(now time.Time, c *Connection, stream Stream) {
	if c.closed || c.asked == nil {
		stream.Close()
		return
	}
	c.stream = stream
	c.timer.Reset(now.Add(connectionPatience))
	w := c.asked.begin(stun.SuccessResponse)
	w.AddUint32(stun.AttrConnectionID, c.id)
	c.asked.send(&w, 0)
	c.asked = nil
}

// PeerFailed tells that Dial did not.
func (s *Server) PeerFailed(now time.Time, c *Connection) {
	if !c.closed && c.asked != nil {
		c.fail()
	}
}

// fail ends a connection that nobody can wait for any longer.
func (c *Connection) fail() {
	if c.asked != nil {
		w := c.asked.begin(stun.ErrorResponse)
		w.AddErrorCode(stun.CodeConnectionFailed, reasons[stun.CodeConnectionFailed])
		c.asked.send(&w, stun.CodeConnectionFailed)
	}
	c.close()
}

// PeerAccepted tells of a peer that connected to a TCP relay. It returns false if it may not: the environment closes it. The client is told with a
// ConnectionAttempt (RFC 6062 section 5.3).
func (s *Server) PeerAccepted(now time.Time, r *Relay, peer netip.AddrPort, stream Stream) (*Connection, bool) {
	a := r.allocation
	peer = tuple.Canonical(peer)
	switch {
	case r.closed:
		a.via.Counters.drop(DropClosed)
		return nil, false
	case !a.permitted(now, peer.Addr()) || a.connected(peer) || len(a.connections) >= mostPerAllocation:
		a.via.Counters.drop(DropNoPermission)
		return nil, false
	}
	c := a.newConnection(now, peer)
	c.stream = stream
	w := stun.Build(s.env.Egress.Next(), stun.Indication, stun.ConnectionAttempt, s.transaction())
	w.AddXORAddress(stun.AttrXORPeerAddress, peer)
	w.AddUint32(stun.AttrConnectionID, c.id)
	s.env.Egress.Commit(w.Finish(), a.client)
	return c, true
}

// PeerClosed tells that a peer's connection ended, or the client's that it was spliced to.
func (s *Server) PeerClosed(now time.Time, c *Connection) {
	c.tally()
	c.stream = nil
	c.close()
}

// tally counts what the stream has carried since the last time.
func (c *Connection) tally() {
	if c.stream == nil {
		return
	}
	up, down := c.stream.Carried()
	a := c.allocation
	a.up.Bytes += up - c.up
	a.down.Bytes += down - c.down
	a.via.Counters.Up[a.class].Bytes += up - c.up
	a.via.Counters.Down[a.class].Bytes += down - c.down
	c.up, c.down = up, down
}

// close ends a connection and takes it out of the tables.
func (c *Connection) close() {
	if c.closed {
		return
	}
	c.closed = true
	c.timer.Stop()
	a := c.allocation
	delete(a.server.connections, c.id)
	a.connections = slices.DeleteFunc(a.connections, func(other *Connection) bool { return other == c })
	if c.stream != nil {
		c.stream.Close()
		c.tally()
	}
}

// connectionBind answers ConnectionBind (RFC 6062 section 5.4): from here on the client's connection is the peer's.
func (r *request) connectionBind() {
	c := r.named()
	switch {
	case r.a != nil || !r.overStream() || c == nil || c.stream == nil || c.bound:
		r.refuse(stun.CodeBadRequest)
		return
	case c.allocation.username != r.user.name:
		r.refuse(stun.CodeWrongCredentials)
		return
	}
	c.bound = true
	c.timer.Stop()
	r.succeed()
	c.stream.Splice(r.from, &c.allocation.share)
}

// named returns the connection of CONNECTION-ID, nil if there is none.
func (r *request) named() *Connection {
	id, ok := r.m.Uint32(stun.AttrConnectionID)
	if !ok {
		return nil
	}
	return r.server.connections[id]
}

func (r *request) bindsConnectionOf(u user) bool {
	if r.m.Method != stun.ConnectionBind {
		return false
	}
	c := r.named()
	return c != nil && c.allocation.username == u.name
}
