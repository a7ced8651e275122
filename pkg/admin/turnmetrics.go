package admin

import "gazpacho/proto"

// turnFamilies are what is relayed. The series of listeners carry its name and transport; users are told apart by where their credentials
// come from.
var turnFamilies = []family[stats]{
	{
		name: "turn_state", kind: gauge, help: "Whether the worker relays, and whether it takes no new allocations.", labels: []string{"state"},
		read: func(s *stats, put put) {
			put(truth(s.TURN.Enabled), "enabled")
			put(truth(s.TURN.Draining), "draining")
		},
	},
	state("turn_allocations", "Allocations that live.", func(s *stats) int { return s.TURN.Allocations }),
	state("turn_reservations", "Ports that are kept for a client's next allocation.", func(s *stats) int { return s.TURN.Reservations }),
	state("turn_permissions", "Addresses that may send to an allocation.", func(s *stats) int { return s.TURN.Permissions }),
	state("turn_channels", "Channels that are bound.", func(s *stats) int { return s.TURN.Channels }),
	state("turn_peer_connections", "TCP connections to peers.", func(s *stats) int { return s.TURN.Connections }),
	state("turn_ports", "Ports that relays may have.", func(s *stats) int { return s.TURN.Ports }),
	state("turn_ports_free", "Those that are not taken.", func(s *stats) int { return s.TURN.PortsFree }),
	{
		name: "turn_listener_allocations", kind: gauge, help: "Allocations that live, by listener and class of user.",
		labels: []string{"listener", "transport", "class"},
		read: func(s *stats, put put) {
			eachClass(s, func(l *proto.TURNListenerStats, class string, c proto.TURNClassStats) {
				put(float64(c.Allocations), l.Name, l.Transport, class)
			})
		},
	},
	{
		name: "turn_allocations_total", kind: counter, help: "Allocations that were made.", labels: []string{"listener", "transport", "class"},
		read: func(s *stats, put put) {
			eachClass(s, func(l *proto.TURNListenerStats, class string, c proto.TURNClassStats) {
				put(float64(c.Created), l.Name, l.Transport, class)
			})
		},
	},
	relayed("turn_relayed_packets_total", "Packets relayed, up to peers or down to clients.", func(v proto.TURNVolume) uint64 { return v.Packets }),
	relayed("turn_relayed_bytes_total", "Bytes of their payload.", func(v proto.TURNVolume) uint64 { return v.Bytes }),
	{
		name: "turn_requests_total", kind: counter, help: "STUN requests of clients.", labels: []string{"listener", "transport"},
		read: func(s *stats, put put) {
			for _, l := range s.TURN.Listeners {
				put(float64(l.Requests), l.Name, l.Transport)
			}
		},
	},
	byListener("turn_answers_total", "code", "Answers to requests, by error code; 0 is success.", func(l *proto.TURNListenerStats) map[string]uint64 { return l.Answers }),
	byListener("turn_drops_total", "reason", "What was not answered or relayed, by reason.", func(l *proto.TURNListenerStats) map[string]uint64 { return l.Drops }),

	count("turn_short_packets_total", "Packets of media that came to clients without a socket in between.", func(s *stats) uint64 { return s.TURN.ShortCircuit.Packets }),
	count("turn_short_bytes_total", "Bytes of those packets.", func(s *stats) uint64 { return s.TURN.ShortCircuit.Bytes }),
	count("turn_peer_packets_total", "Datagrams read from relays' sockets.", func(s *stats) uint64 { return s.TURN.Relays.Packets }),
	count("turn_peer_bytes_total", "Bytes of those datagrams.", func(s *stats) uint64 { return s.TURN.Relays.Bytes }),
	count("turn_peer_batches_total", "Batches they came in, over all relays.", func(s *stats) uint64 { return s.TURN.Relays.Batches }),
	count("turn_peer_too_long_packets_total", "Datagrams of peers that were dropped because they are longer than any of ours.", func(s *stats) uint64 { return s.TURN.Relays.TooLong }),
	count("turn_peer_empty_packets_total", "Datagrams of peers that were dropped because there is nothing in them.", func(s *stats) uint64 { return s.TURN.Relays.Empty }),
	count("turn_icmp_errors_total", "Errors that ICMP brought back to relays.", func(s *stats) uint64 { return s.TURN.Relays.Errors }),
}

func truth(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

func eachClass(s *stats, f func(l *proto.TURNListenerStats, class string, c proto.TURNClassStats)) {
	for i := range s.TURN.Listeners {
		l := &s.TURN.Listeners[i]
		for class, c := range l.Classes {
			f(l, class, c)
		}
	}
}

// relayed is a row for what went through, both ways.
func relayed(name, help string, of func(proto.TURNVolume) uint64) family[stats] {
	return family[stats]{
		name: name, kind: counter, help: help, labels: []string{"listener", "transport", "class", "direction"},
		read: func(s *stats, put put) {
			eachClass(s, func(l *proto.TURNListenerStats, class string, c proto.TURNClassStats) {
				put(float64(of(c.Up)), l.Name, l.Transport, class, "up")
				put(float64(of(c.Down)), l.Name, l.Transport, class, "down")
			})
		},
	}
}

// byListener is a row for each key of a map that listeners have.
func byListener(name, label, help string, of func(*proto.TURNListenerStats) map[string]uint64) family[stats] {
	return family[stats]{
		name: name, kind: counter, help: help, labels: []string{"listener", "transport", label},
		read: func(s *stats, put put) {
			for i := range s.TURN.Listeners {
				l := &s.TURN.Listeners[i]
				spread(of(l), put, l.Name, l.Transport)
			}
		},
	}
}
