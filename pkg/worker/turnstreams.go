package worker

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gazpacho/pkg/socket"
	"gazpacho/pkg/tuple"
	"gazpacho/pkg/turn"
)

// connectTime is how long a peer has to take a connection (RFC 6062 §5.2 asks for at least 30 s).
const connectTime = 30 * time.Second

// streams are the TCP connections between relays and peers (RFC 6062). The goroutines that listen, connect and copy know nothing of the loop but
// how to post to it.
type streams struct {
	relay  *relay
	ctx    context.Context
	cancel context.CancelFunc
	works  sync.WaitGroup

	bitrate atomic.Int64 // of each allocation, each way; 0 is no bound
	bound   *stream      // that the request at hand made one with its client's connection
	link    tuple.Link   // that connection
}

func (s *streams) init(r *relay) {
	s.relay = r
	s.ctx, s.cancel = context.WithCancel(context.Background())
}

// paces bound what the connections of one allocation carry together (R-TURN-6).
type paces struct{ up, down *socket.Pace }

// stream is a peer's connection as the core sees it.
type stream struct {
	owner *streams
	*socket.Stream
	connection *turn.Connection
}

func (s *streams) newStream(nc net.Conn) *stream {
	p := &stream{owner: s}
	p.Stream = socket.NewStream(nc.(*net.TCPConn), func() {
		s.relay.loop.Post(func(now time.Time) {
			if p.connection != nil {
				s.relay.server.PeerClosed(now, p.connection)
			}
		})
	})
	return p
}

// Splice is called while the request is handled; it happens when the answer has gone out.
func (p *stream) Splice(client tuple.Tuple, share *turn.StreamShare) {
	if share.Tag == nil {
		share.Tag = paces{socket.NewPace(&p.owner.bitrate), socket.NewPace(&p.owner.bitrate)}
	}
	of := share.Tag.(paces)
	p.Bound(of.up, of.down)
	p.owner.bound, p.owner.link = p, client.Link
	p.owner.relay.links.Authenticated(client.Link)
}

// settle says what becomes of a connection that is held.
func (s *streams) settle(link tuple.Link) {
	if s.bound == nil || s.link != link {
		s.relay.links.Resume(link)
		return
	}
	s.relay.links.Splice(link, s.bound.Stream)
	s.bound, s.link = nil, 0
}

// peerListener is the listening socket of a TCP relay.
type peerListener struct{ net.Listener }

// Close ends it; accept sees that.
func (l peerListener) Close() { _ = l.Listener.Close() }

// Listen accepts peers on a relay's address.
func (s *streams) Listen(r *turn.Relay) (turn.StreamListener, bool) {
	lc := net.ListenConfig{Control: socket.ReusePort, KeepAlive: -1}
	l, err := lc.Listen(s.ctx, "tcp", r.Local().String())
	if err != nil {
		return nil, false
	}
	s.works.Go(func() { s.accept(r, l) })
	return peerListener{l}, true
}

func (s *streams) accept(r *turn.Relay, l net.Listener) {
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			if !s.offer(r, nc) {
				nc.Close()
				return
			}
		case !isTemporary(err) || !s.pause(acceptPause):
			return
		}
	}
}

// acceptPause lets descriptors be freed when there are none left.
const acceptPause = 100 * time.Millisecond

func (s *streams) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// offer has the loop judge a peer, and waits for that: strangers who connect wait in the kernel, where their number is bounded. It returns false when
// the relay ends.
func (s *streams) offer(r *turn.Relay, nc net.Conn) bool {
	peer := tuple.Canonical(nc.RemoteAddr().(*net.TCPAddr).AddrPort())
	judged := make(chan struct{})
	s.relay.loop.Post(func(now time.Time) {
		defer close(judged)
		p := s.newStream(nc)
		c, ok := s.relay.server.PeerAccepted(now, r, peer, p)
		if !ok {
			p.Close()
			return
		}
		p.connection = c
	})
	select {
	case <-judged:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// isTemporary tells what one connection suffered from what ends the listener.
func isTemporary(err error) bool {
	e, ok := err.(interface{ Temporary() bool })
	return ok && e.Temporary()
}

// Dial connects a relay to a peer.
func (s *streams) Dial(r *turn.Relay, c *turn.Connection) {
	d := net.Dialer{Timeout: connectTime, LocalAddr: net.TCPAddrFromAddrPort(r.Local()), Control: socket.ReusePort, KeepAlive: -1}
	s.works.Go(func() {
		nc, err := d.DialContext(s.ctx, "tcp", c.Peer().String())
		s.relay.loop.Post(func(now time.Time) {
			if err != nil {
				s.relay.server.PeerFailed(now, c)
				return
			}
			p := s.newStream(nc)
			p.connection = c
			s.relay.server.PeerConnected(now, c, p)
		})
	})
}

// close ends what listens and connects. The core has closed the streams.
func (s *streams) close() {
	s.cancel()
	s.works.Wait()
}
