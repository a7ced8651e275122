// Package admin is what an operator sees: health, readiness, metrics for Prometheus, and profiles.
//
// It is for a listener on loopback or a Unix socket: there is no login, and nothing but reading. Browsers on the same machine can
// reach loopback too, so requests that a web page could have caused are refused (guard.go). METRICS.md lists the metrics.
package admin

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gazpacho/pkg/limit"
	"gazpacho/pkg/logging"
	"gazpacho/pkg/room"
	"gazpacho/pkg/signaling"
	"gazpacho/pkg/supervisor"
)

// Workers is what is asked of the supervisor.
type Workers interface {
	Stats() supervisor.Stats
	Running() []*supervisor.Worker
}

// Config is where the figures come from. Version and Workers are needed; of what else is nil, the metrics stay at zero.
type Config struct {
	Version   string
	Workers   Workers // a *supervisor.Supervisor
	Rooms     func() room.Stats
	Signaling func() signaling.Stats
	Sockets   func() limit.Stats // of the public listener
	Lines     func() logging.Stats
	Log       *slog.Logger // nil: no log
}

// Server answers operators. Its methods may be called by any goroutine.
type Server struct {
	// passed in
	cfg Config

	// owned
	handler  http.Handler
	registry *prometheus.Registry
	poll     poll

	// state
	startedAt time.Time
	phase     atomic.Int32
}

// The phases of the controller's life, as /readyz tells them.
const (
	starting = iota
	ready
	ending
)

// New returns a server that is not ready yet.
func New(c Config) *Server {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: c, startedAt: time.Now()}
	s.poll.workers = c.Workers.Running
	s.registry = newRegistry(s)
	s.handler = guard(s.routes())
	return s
}

// Handler answers the requests. The server around it may have any timeouts: profiles prolong them.
func (s *Server) Handler() http.Handler { return s.handler }

// SetReady tells that the controller takes clients, or no longer.
func (s *Server) SetReady(yes bool) {
	if yes {
		s.phase.Store(ready)
	} else { // who has never been ready is starting, not ending
		s.phase.CompareAndSwap(ready, ending)
	}
}

// routes are all paths; what is not here is not found.
func (s *Server) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", s.index)
	m.HandleFunc("GET /healthz", s.healthz)
	m.HandleFunc("GET /readyz", s.readyz)
	m.Handle("GET /metrics", s.metrics())
	m.HandleFunc("GET /debug/pprof/{$}", s.index)
	m.HandleFunc("GET /debug/pprof/{profile}", s.profile)
	m.HandleFunc("GET /debug/pprof/workers/{slot}/{profile}", s.workerProfile)
	return m
}
