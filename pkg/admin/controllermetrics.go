package admin

import (
	"strconv"

	"gazpacho/pkg/limit"
	"gazpacho/pkg/logging"
	"gazpacho/pkg/room"
	"gazpacho/pkg/signaling"
	"gazpacho/pkg/supervisor"
)

// snapshot is what the controller counts itself.
type snapshot struct {
	Version   string
	Rooms     room.Stats
	Signaling signaling.Stats
	Sockets   limit.Stats
	Lines     logging.Stats
	Workers   supervisor.Stats
}

// snapshot asks everybody; none of them has to ask a worker.
func (s *Server) snapshot() snapshot {
	shot := snapshot{Version: s.cfg.Version, Workers: s.cfg.Workers.Stats()}
	if s.cfg.Rooms != nil {
		shot.Rooms = s.cfg.Rooms()
	}
	if s.cfg.Signaling != nil {
		shot.Signaling = s.cfg.Signaling()
	}
	if s.cfg.Sockets != nil {
		shot.Sockets = s.cfg.Sockets()
	}
	if s.cfg.Lines != nil {
		shot.Lines = s.cfg.Lines()
	}
	return shot
}

// controllerFamilies are the metrics of the controller.
var controllerFamilies = []family[snapshot]{
	{
		name: "build_info", kind: gauge, help: "1, for the version of the controller.", labels: []string{"version"},
		read: func(s *snapshot, put put) { put(1, s.Version) },
	},

	// Who is here.
	state("rooms", "Rooms that are open.", func(s *snapshot) int { return s.Rooms.Rooms }),
	count("rooms_opened_total", "Rooms that were opened.", func(s *snapshot) uint64 { return s.Rooms.RoomsOpened }),
	state("peers", "Peers that are connected to a room.", func(s *snapshot) int { return s.Rooms.Peers }),
	state("peers_joined", "Peers of those that have joined.", func(s *snapshot) int { return s.Rooms.JoinedPeers }),
	count("peers_entered_total", "Peers that came.", func(s *snapshot) uint64 { return s.Rooms.PeersEntered }),
	state("broadcasters", "Broadcasters in rooms.", func(s *snapshot) int { return s.Rooms.Broadcasters }),
	countBy("room_refusals_total", "reason", "What rooms refused, by reason: a right that is missing, or a limit that is reached.",
		func(s *snapshot) map[string]uint64 { return s.Rooms.Refusals }),

	// Signaling. Methods that nobody knows count as one, "unknown": a client must not be able to make a series.
	state("signaling_sessions", "WebSocket sessions that are open.", func(s *snapshot) int { return s.Signaling.Sessions }),
	count("signaling_accepted_total", "WebSocket handshakes that were accepted.", func(s *snapshot) uint64 { return s.Signaling.Accepted }),
	countBy("signaling_refused_total", "reason", "WebSocket handshakes and HTTP requests that were refused at the door, by reason.",
		func(s *snapshot) map[string]uint64 { return s.Signaling.Refused }),
	{
		name: "signaling_requests_total", kind: counter, labels: []string{"method", "outcome"},
		help: "Requests over WebSockets, by method and outcome: ok, or the code of an error.",
		read: func(s *snapshot, put put) {
			for method, outcomes := range s.Signaling.Requests {
				spread(outcomes, put, method)
			}
		},
	},
	count("signaling_ignored_messages_total", "Messages over WebSockets that mean nothing.", func(s *snapshot) uint64 { return s.Signaling.Ignored }),
	countBy("signaling_closed_total", "reason", "WebSocket sessions that ended, by reason.",
		func(s *snapshot) map[string]uint64 { return s.Signaling.Closed }),
	countBy("signaling_http_requests_total", "status", "HTTP requests of the API, by status.",
		func(s *snapshot) map[string]uint64 { return s.Signaling.HTTP }),

	// The HTTPS port, below TLS.
	state("edge_sockets", "Open sockets of the HTTPS port.", func(s *snapshot) int { return s.Sockets.Open }),
	state("edge_unauthenticated_sockets", "Sockets of those whose client has not entered a room.", func(s *snapshot) int { return s.Sockets.Unauthenticated }),
	state("edge_sources", "Addresses that unauthenticated sockets come from.", func(s *snapshot) int { return s.Sockets.Sources }),
	count("edge_accepted_sockets_total", "Sockets that were accepted.", func(s *snapshot) uint64 { return s.Sockets.Accepted }),
	count("edge_refused_sockets_total", "Sockets that were closed at once: too many of one address, or in all.", func(s *snapshot) uint64 { return s.Sockets.Refused }),

	// Our own log; lines of workers that are passed on are in it, and count again in what workers suppress themselves.
	{
		name: "log_lines_total", kind: counter, labels: []string{"outcome"},
		help: "Lines of the log: written, suppressed by the limit of their site, or dropped because nobody reads fast enough.",
		read: func(s *snapshot, put put) {
			put(float64(s.Lines.Written), "written")
			put(float64(s.Lines.Suppressed), "suppressed")
			put(float64(s.Lines.Dropped), "dropped")
		},
	},

	// The workers' lives, which outlast the workers: they are the controller's metrics.
	state("workers_wanted", "Workers that should run.", func(s *snapshot) int { return len(s.Workers.Slots) }),
	state("workers_running", "Workers that run.", func(s *snapshot) int { return s.Workers.Running() }),
	{
		name: "worker_quarantined", kind: gauge, labels: []string{workerLabel},
		help: "1 while a worker that died again and again is not started.",
		read: func(s *snapshot, put put) {
			for i, slot := range s.Workers.Slots {
				put(float64(boolInt(slot.Quarantined)), strconv.Itoa(i))
			}
		},
	},
	{
		name: "worker_restarts_total", kind: counter, labels: []string{workerLabel, "reason"},
		help: "Deaths of a slot's workers, by reason.",
		read: func(s *snapshot, put put) {
			for i, slot := range s.Workers.Slots {
				spread(slot.Restarts, put, strconv.Itoa(i))
			}
		},
	},
}

// boolInt is how Prometheus has booleans.
func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
