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

	"github.com/coder/websocket"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/room"
)

const subprotocol = "protoo"

// Config is what the server needs.
type Config struct {
	Rooms   *room.Rooms
	Page    http.Handler // everything that is neither a WebSocket nor under /rooms/
	Version string       // told to every client
	// Verify reads a token into what its holder may do, or returns a *proto.Error of CodeUnauthorized. nil is the open mode: everybody
	// may do everything, and no token is read.
	Verify func(ctx context.Context, token string) (auth.Grant, error)
	// Origins whose pages may come in beside those of the same host: "https://app.example", "app.example" with any scheme and port, or
	// "*" for all. Programs that are no browsers send no origin and pass.
	Origins []string
	// TrustedProxies say in X-Forwarded-For for whom they ask.
	TrustedProxies []netip.Prefix
	Limits         Limits
	Log            *slog.Logger
}

// Server is an http.Handler for all that clients ask of a controller.
type Server struct {
	cfg      Config
	api      http.Handler
	counters *counters
	life     context.Context
	end      context.CancelFunc

	mu       sync.Mutex
	closed   bool
	sessions sync.WaitGroup
}

// New returns a server. Close ends its sessions.
func New(cfg Config) *Server {
	cfg.Limits = cfg.Limits.withDefaults()
	s := &Server{cfg: cfg, api: newAPI(cfg), counters: newCounters()}
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
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		s.api.ServeHTTP(w, r)
		return
	}
	entry, err := entryOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !offers(r, subprotocol) {
		http.Error(w, "the WebSocket subprotocol "+subprotocol+" is needed", http.StatusForbidden)
		return
	}
	if !s.begin() {
		http.Error(w, "the server is going down", http.StatusServiceUnavailable)
		return
	}
	defer s.sessions.Done()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol},
		// Any origin may connect: a client is who its URL says, and sends no cookie that another site could borrow.
		InsecureSkipVerify: true,
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		return // Accept has answered
	}
	s.serve(conn, entry, r.RemoteAddr)
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

// entryOf reads who wants to enter which room.
func entryOf(r *http.Request) (room.Entry, error) {
	q := r.URL.Query()
	e := room.Entry{RoomID: q.Get("roomId"), PeerID: q.Get("peerId"), Grant: auth.Everything()}
	if text := q.Get("consumerReplicas"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			n = -1 // no number is as wrong as one out of range
		}
		e.ConsumerReplicas = n
	}
	return e, e.Check()
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
