package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// health is the detail of /healthz and /readyz.
type health struct {
	Status  string  `json:"status"`
	Reason  string  `json:"reason,omitempty"`
	Version string  `json:"version"`
	Uptime  float64 `json:"uptimeSeconds"`
	Workers struct {
		Wanted      int `json:"wanted"`
		Running     int `json:"running"`
		Quarantined int `json:"quarantined"`
	} `json:"workers"`
}

// healthz says that the process serves. A supervisor of processes should restart it when there is no answer, and only then.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	h := s.health()
	h.Status = "ok"
	answer(w, r, http.StatusOK, h)
}

// readyz says whether clients should be sent here.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	h := s.health()
	h.Status, h.Reason = "ready", s.unready(h)
	status := http.StatusOK
	if h.Reason != "" {
		h.Status, status = "not ready", http.StatusServiceUnavailable
	}
	answer(w, r, status, h)
}

// unready is why no clients should be sent here, or nothing. One worker that runs is enough: rooms are placed on those there are.
func (s *Server) unready(h health) string {
	switch s.phase.Load() {
	case starting:
		return "starting"
	case ending:
		return "ending"
	}
	if h.Workers.Running == 0 {
		return fmt.Sprintf("none of %d workers runs", h.Workers.Wanted)
	}
	return ""
}

// health is the detail but for the verdict.
func (s *Server) health() health {
	h := health{Version: s.cfg.Version, Uptime: time.Since(s.startedAt).Seconds()}
	stats := s.cfg.Workers.Stats()
	h.Workers.Wanted, h.Workers.Running = len(stats.Slots), stats.Running()
	for _, slot := range stats.Slots {
		if slot.Quarantined {
			h.Workers.Quarantined++
		}
	}
	return h
}

// answer is one line of text, or all of it for who accepts JSON.
func answer(w http.ResponseWriter, r *http.Request, status int, h health) {
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(h) // the client may be gone
		return
	}
	text := h.Status
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
