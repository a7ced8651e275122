package signaling

import (
	"maps"
	"strconv"
	"sync"
)

// Stats is what a server counts, since its start but for Sessions. Every key is one of a fixed set: no client can add one.
type Stats struct {
	Sessions int                          // that are open
	Accepted uint64                       // WebSocket handshakes
	Refused  map[string]uint64            // WebSocket handshakes and HTTP requests refused at the door, by reason
	Requests map[string]map[string]uint64 // over WebSockets: method, or "unknown", to outcome: "ok" or the code of an error
	Ignored  uint64                       // messages that are no protoo, or nothing that is meant for us
	Closed   map[string]uint64            // sessions that ended, by reason
	HTTP     map[string]uint64            // requests of /access and /rooms, by status
}

// counters is Stats in the making.
type counters struct {
	mu sync.Mutex
	s  Stats
}

func newCounters() *counters {
	return &counters{s: Stats{
		Refused: map[string]uint64{}, Requests: map[string]map[string]uint64{}, Closed: map[string]uint64{},
		HTTP: map[string]uint64{},
	}}
}

// count changes the counters under their lock.
func (c *counters) count(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.s)
}

// refused counts one that did not get in.
func (c *counters) refused(reason string) { c.count(func(s *Stats) { s.Refused[reason]++ }) }

// request counts a request of a session by how it went.
func (c *counters) request(method, outcome string) {
	c.count(func(s *Stats) {
		if s.Requests[method] == nil {
			s.Requests[method] = map[string]uint64{}
		}
		s.Requests[method][outcome]++
	})
}

// http counts a request of a route by the status of its answer.
func (c *counters) http(status int) { c.count(func(s *Stats) { s.HTTP[strconv.Itoa(status)]++ }) }

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.s
	s.Refused, s.Closed, s.HTTP = maps.Clone(s.Refused), maps.Clone(s.Closed), maps.Clone(s.HTTP)
	s.Requests = make(map[string]map[string]uint64, len(c.s.Requests))
	for method, outcomes := range c.s.Requests {
		s.Requests[method] = maps.Clone(outcomes)
	}
	return s
}

// Stats tells what was counted so far.
func (s *Server) Stats() Stats { return s.counters.snapshot() }
