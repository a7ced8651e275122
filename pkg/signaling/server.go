// Package signaling speaks WebSocket to clients and turns messages into room operations.
//
// The protocol is protoo (requests, responses and notifications in JSON, both ways) with the methods of mediasoup's demo server,
// and its HTTP interface for broadcasters beside it. What a client sends is parsed once, here, into typed values; it can end that
// client's session and nothing else.
package signaling

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/limit"
	"gazpacho/pkg/room"
	"gazpacho/proto"
)

const subprotocol = "protoo"

// Config is what the server needs.
type Config struct {
	Rooms   *room.Rooms
	Page    http.Handler // everything that is neither a WebSocket nor under /rooms or /access
	Version string       // told to every client
	// Verify reads a token into what its holder may do, or returns a *proto.Error of CodeUnauthorized. nil is the open mode: everybody
	// may do everything, and no token is read.
	Verify func(ctx context.Context, token string) (auth.Grant, error)
	// Origins whose pages may come in beside those of the same host: "https://app.example", "app.example" with any scheme and port, or
	// "*" for all. Programs that are no browsers send no origin and pass.
	Origins []string
	// TrustedProxies say in X-Forwarded-For for whom they ask: what counts sockets by address counts their requests by that one.
	TrustedProxies []netip.Prefix
	Limits         Limits
	Now            func() time.Time // by which tokens expire; nil is time.Now
	Log            *slog.Logger
}

// Server is an http.Handler for all that clients ask of a controller.
type Server struct {
	// passed in
	cfg     Config
	origins origins

	// owned
	api       http.Handler
	counters  *counters
	forwarded *limit.Sources // requests that came by way of a proxy and have not proven themselves
	notice    time.Duration  // before a session's token expires
	goodbye   time.Duration  // for a session that is over; tests change both
	life      context.Context
	end       context.CancelFunc

	mu       sync.Mutex
	closed   bool
	sessions sync.WaitGroup
}

// New returns a server. Close ends its sessions.
func New(cfg Config) *Server {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{
		cfg: cfg, origins: newOrigins(cfg.Origins), counters: newCounters(), notice: expiryNotice, goodbye: goodbyeTimeout,
		forwarded: limit.NewSources(cfg.Limits.UnauthenticatedPerIP, 0),
	}
	s.api = newAPI(s)
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Close ends all sessions, however they stand, and waits for them. To have clients told why, close the rooms first.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.sessions.Wait()
}

// Wait returns when all sessions have ended by themselves, or ctx ends.
func (s *Server) Wait(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		s.sessions.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// ServeHTTP leads WebSocket handshakes, on any path, to sessions.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := limit.ClientIP(r, s.cfg.TrustedProxies)
	if limit.Forwarded(r, s.cfg.TrustedProxies) {
		slot, ok := s.forwarded.Take(from)
		if !ok {
			s.counters.refused(refusedSockets)
			turnAway(w, r)
			respond(w, nil, proto.Failed(proto.CodeLimit, "too many requests of your address are under way"))
			return
		}
		defer slot.Release()
		r = r.WithContext(limit.WithSlot(r.Context(), slot))
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		s.api.ServeHTTP(w, r)
		return
	}
	if entry, ok := s.mayEnter(w, r); ok {
		s.upgrade(w, r, entry, from)
	}
}

// mayEnter looks at a WebSocket handshake before anything is done for it. Who may not come in is answered here.
func (s *Server) mayEnter(w http.ResponseWriter, r *http.Request) (room.Entry, bool) {
	entry, err := s.entryOf(r)
	if err != nil {
		turnAway(w, r)
		respond(w, nil, s.refusal(err))
		return entry, false
	}
	if !offers(r, subprotocol) {
		s.counters.refused(refusedSubprotocol)
		http.Error(w, "the WebSocket subprotocol "+subprotocol+" is needed", http.StatusForbidden)
		return entry, false
	}
	return entry, true
}

// upgrade makes a session of a handshake.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, entry room.Entry, from netip.Addr) {
	if !s.begin() {
		s.counters.refused(refusedGoingDown)
		http.Error(w, "the server is going down", http.StatusServiceUnavailable)
		return
	}
	defer s.sessions.Done()
	c := newSession(s, entry)
	hijacked := &hijacker{ResponseWriter: w, limits: s.cfg.Limits}
	conn, err := websocket.Accept(hijacked, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // of the origin, which mayEnter has looked at
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { return c.controlled() },
		OnPongReceived:     func(context.Context, []byte) { c.controlled() },
	})
	if err != nil {
		s.counters.refused(refusedHandshake)
		return // Accept has answered
	}
	c.conn, c.socket = conn, hijacked.conn
	s.counters.count(func(n *Stats) { n.Accepted++; n.Sessions++ })
	c.log.Debug("client connected", "remote", from)
	c.serve(r.Context())
}

func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.sessions.Add(1)
	return true
}

// entryOf reads who wants to enter which room, and whether they may.
func (s *Server) entryOf(r *http.Request) (e room.Entry, err error) {
	if !s.origins.allow(r) {
		return e, errOrigin
	}
	query, err := queryOf(r)
	if err != nil {
		return e, err
	}
	if e.Grant, err = s.grantOf(r, query); err != nil {
		return e, err
	}
	e.RoomID, e.PeerID = query.Get("roomId"), query.Get("peerId")
	if text := query.Get("consumerReplicas"); text != "" {
		if e.ConsumerReplicas, err = strconv.Atoi(text); err != nil {
			e.ConsumerReplicas = -1 // no number is as wrong as one out of range
		}
	}
	if err := e.Check(); err != nil {
		return e, err
	}
	return e, covers(e.Grant, e.RoomID, e.PeerID)
}

// offers tells whether the client offers a subprotocol (RFC 6455 section 11.3.4).
func offers(r *http.Request, name string) bool {
	for _, header := range r.Header.Values("Sec-Websocket-Protocol") {
		for offer := range strings.SplitSeq(header, ",") {
			if strings.EqualFold(strings.TrimSpace(offer), name) {
				return true
			}
		}
	}
	return false
}
