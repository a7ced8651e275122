package socket

import (
	"sync"
	"sync/atomic"

	"gazpacho/pkg/tuple"
)

// lastLink numbers every socket and connection of the process. A number is never used again: a
// tuple that outlives its connection must not reach another peer.
var lastLink atomic.Uint32

func newLink() tuple.Link { return tuple.Link(lastLink.Add(1)) }

// Links is the registry of the open sockets and connections of one loop. Its lock is there because
// TCP connections come and go on their own goroutines; a flush takes it once.
type Links struct {
	mu     sync.RWMutex
	routes map[tuple.Link]route

	totals totals
}

// route is where the packets of a link go: exactly one of them is set, or none when it closed.
type route struct {
	out  *outlet
	tcp  *tcpConn
	port *Port
}

// outlet is the sending side of a UDP socket as an Egress sees it. One Egress only writes a socket.
type outlet struct {
	conn interface {
		// send writes the chain of destinations that starts at dest, and never waits.
		send(e *Egress, dest uint16)
	}
	firstDest, lastDest uint16 // of the flush in progress
}

// NewLinks makes an empty registry.
func NewLinks() *Links {
	return &Links{
		routes: make(map[tuple.Link]route),
		totals: totals{udp: make(map[*UDP]struct{}), tcp: make(map[*TCPServer]struct{})},
	}
}

// Len returns how many sockets and connections are open.
func (l *Links) Len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.routes)
}

// Authenticated tells that ICE accepted a check from a TCP connection: it no longer counts as a
// stranger of its address, and lives as long as it does not fall idle (SECURITY.md R-ICE-8).
// Links of UDP sockets and unknown links are ignored.
func (l *Links) Authenticated(link tuple.Link) {
	if c := l.find(link).tcp; c != nil {
		c.authenticated()
	}
}

// Released tells that TURN knows a TCP connection no longer: it is a stranger of its address again, which may not stay for long.
func (l *Links) Released(link tuple.Link) {
	if c := l.find(link).tcp; c != nil && c.turn.Load() {
		c.released()
	}
}

// Disconnect closes a TCP connection. Its Closed batch still comes. Links of UDP sockets and
// unknown links are ignored.
func (l *Links) Disconnect(link tuple.Link) {
	if c := l.find(link).tcp; c != nil {
		c.close()
	}
}

func (l *Links) find(link tuple.Link) route {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.routes[link]
}

func (l *Links) add(link tuple.Link, r route) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.routes[link] = r
}

func (l *Links) remove(link tuple.Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.routes, link)
}
