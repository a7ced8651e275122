package admin

import "gazpacho/proto"

// stats is what the rows below read.
type stats = proto.WorkerStats

// workerFamilies are the metrics of one worker. Each has the label worker besides its own. Those of a worker that was replaced begin
// at zero again.
var workerFamilies = []family[stats]{
	// The process. CPU beyond one core is garbage collection and handshakes; the loop itself cannot have more than one.
	microseconds("worker_uptime_seconds", gauge, "Time since the worker started.", func(s *stats) uint64 { return s.Uptime }),
	{
		name: "worker_cpu_seconds_total", kind: counter, help: "CPU time of the process, by mode.", labels: []string{"mode"},
		read: func(s *stats, put put) {
			put(float64(s.Process.CPUUser)*microsecond, "user")
			put(float64(s.Process.CPUSystem)*microsecond, "system")
		},
	},
	bytes("worker_resident_memory_bytes", "Memory of the process that is in RAM.", func(s *stats) uint64 { return s.Process.RSS }),
	bytes("worker_heap_bytes", "Memory of live and not yet swept Go objects.", func(s *stats) uint64 { return s.Process.Heap }),
	state("worker_goroutines", "Goroutines that exist.", func(s *stats) int { return s.Process.Goroutines }),
	state("worker_open_fds", "Open file descriptors.", func(s *stats) int { return s.Process.OpenFDs }),
	count("worker_gc_cycles_total", "Completed garbage collections.", func(s *stats) uint64 { return s.Process.GCs }),
	microseconds("worker_gc_pause_seconds_total", counter, "Time the process was stopped for garbage collection.", func(s *stats) uint64 { return s.Process.GCPauses }),
	count("worker_panics_total", "Panics of packet handlers that cost one transport, not the worker.", func(s *stats) uint64 { return s.Process.Panics }),

	// The loop. Delay of media comes from long turns, loss from those which outlast what a socket's buffer holds; the share of time
	// within turns is the rate of the histogram's sum.
	{
		name: "loop_turn_seconds", kind: histogram, help: "How long turns of the loop took. All media of a worker waits for a turn.",
		read:    func(s *stats, put put) { put(float64(s.Loop.Busy) * microsecond) },
		buckets: func(s *stats) []uint64 { return s.Loop.TurnTimes },
	},
	microseconds("loop_longest_turn_seconds", gauge, "The longest turn since somebody asked before.", func(s *stats) uint64 { return s.Loop.LongestTurn }),
	count("loop_turns_total", "Turns of the loop.", func(s *stats) uint64 { return s.Loop.Turns }),
	count("loop_batches_total", "Batches of datagrams that the loop was handed.", func(s *stats) uint64 { return s.Loop.Batches }),
	count("loop_packets_total", "Datagrams in those batches.", func(s *stats) uint64 { return s.Loop.Packets }),
	count("loop_posts_total", "Functions posted to the loop: requests, events of DTLS and SCTP.", func(s *stats) uint64 { return s.Loop.Posts }),
	state("loop_post_queue_length", "Posted functions that wait.", func(s *stats) int { return s.Loop.PostDepth }),

	// What lives. A router is a room's; transports, producers and consumers are its peers'.
	state("routers", "Routers that exist.", func(s *stats) int { return s.Objects.Routers }),
	state("producers", "Producers that exist.", func(s *stats) int { return s.Objects.Producers }),
	state("consumers", "Consumers that exist.", func(s *stats) int { return s.Objects.Consumers }),
	state("data_producers", "Data producers that exist.", func(s *stats) int { return s.Objects.DataProducers }),
	state("data_consumers", "Data consumers that exist.", func(s *stats) int { return s.Objects.DataConsumers }),
	{
		name: "transports", kind: gauge, labels: []string{"kind", "state"},
		help: "Transports that exist, by kind and state: the worst of ICE and DTLS for webrtc, open for others.",
		read: func(s *stats, put put) {
			for kind, states := range s.Objects.Transports {
				spread(states, put, kind)
			}
		},
	},
}

// trafficFamilies are what transports received and sent. What sockets handed up is what was received by kind, plus the drops whose unit
// is a received datagram: the conservation that the worker's tests prove, and that a query can check on a running one.
var trafficFamilies = []family[stats]{
	bothWays("packets_total", "Packets of transports, of every kind.",
		func(s *stats) uint64 { return s.Traffic.PacketsReceived }, func(s *stats) uint64 { return s.Traffic.PacketsSent }),
	bothWays("bytes_total", "Bytes of those packets, above UDP or TCP.",
		func(s *stats) uint64 { return s.Traffic.BytesReceived }, func(s *stats) uint64 { return s.Traffic.BytesSent }),
	bothWays("rtp_packets_total", "RTP packets but retransmissions; of those received, the ones that were forwarded.",
		func(s *stats) uint64 { return s.Traffic.RTPPacketsReceived }, func(s *stats) uint64 { return s.Traffic.RTPPacketsSent }),
	bothWays("rtx_packets_total", "Retransmissions of RTP packets; of those received, the ones that repaired a loss.",
		func(s *stats) uint64 { return s.Traffic.RTXPacketsReceived }, func(s *stats) uint64 { return s.Traffic.RTXPacketsSent }),
	bothWays("rtcp_packets_total", "RTCP compound packets.",
		func(s *stats) uint64 { return s.Traffic.RTCPPacketsReceived }, func(s *stats) uint64 { return s.Traffic.RTCPPacketsSent }),
	bothWays("stun_messages_total", "STUN messages; of those received, the ones that were answered.",
		func(s *stats) uint64 { return s.Traffic.STUNReceived }, func(s *stats) uint64 { return s.Traffic.STUNSent }),
	bothWays("dtls_datagrams_total", "Datagrams of DTLS.",
		func(s *stats) uint64 { return s.Traffic.DTLSReceived }, func(s *stats) uint64 { return s.Traffic.DTLSSent }),
	bothWays("sctp_packets_total", "SCTP packets without DTLS around them.",
		func(s *stats) uint64 { return s.Traffic.SCTPReceived }, func(s *stats) uint64 { return s.Traffic.SCTPSent }),
	bothWays("nacked_packets_total", "RTP packets that were asked for again: by consumers' peers (received), of producers' peers (sent).",
		func(s *stats) uint64 { return s.Traffic.NACKsReceived }, func(s *stats) uint64 { return s.Traffic.NACKsSent }),
	bothWays("key_frame_requests_total", "Requests for key frames: by consumers' peers (received), of producers' peers (sent).",
		func(s *stats) uint64 { return s.Traffic.KeyFramesRequested }, func(s *stats) uint64 { return s.Traffic.KeyFrameRequestsSent }),
	bothWays("data_messages_total", "Messages of data channels.",
		func(s *stats) uint64 { return s.Traffic.MessagesReceived }, func(s *stats) uint64 { return s.Traffic.MessagesSent }),
	// The unit keeps apart what must not be added up, such as datagrams and the records within them.
	{
		name: "drops_total", kind: counter, labels: []string{"unit", "reason"},
		help: "What went no further, by reason, and what that is one of: see the table of drop reasons in proto/PROTOCOL.md.",
		read: func(s *stats, put put) {
			spread(s.Drops, func(value float64, labels ...string) { put(value, dropUnit(labels[0]), labels[0]) })
		},
	},

	// Handshakes: started = completed + failures + running.
	state("dtls_handshakes_running", "DTLS handshakes that began and are not over.", func(s *stats) int { return s.Handshakes.Running }),
	state("dtls_handshake_attempts", "Those of them in which both sides have spoken; 200 at most.", func(s *stats) int { return s.Handshakes.Attempts }),
	count("dtls_handshakes_started_total", "DTLS handshakes that began.", func(s *stats) uint64 { return s.Handshakes.Started }),
	count("dtls_handshakes_completed_total", "DTLS handshakes that succeeded.", func(s *stats) uint64 { return s.Handshakes.Completed }),
	count("dtls_handshakes_evicted_total", "Attempts that made room for others, because their peers stood still while all places were taken.", func(s *stats) uint64 { return s.Handshakes.Evicted }),
	count("dtls_handshakes_restarted_total", "Attempts that began with fresh state after one that failed or stalled.", func(s *stats) uint64 { return s.Handshakes.Restarted }),
	countBy("dtls_handshake_failures_total", "reason", "DTLS handshakes that were given up, by reason.",
		func(s *stats) map[string]uint64 { return s.Handshakes.Failures }),
}

// socketFamilies are what sockets received and sent, strangers' packets included: below the transports, so that what a flood costs shows
// here first.
var socketFamilies = []family[stats]{
	count("udp_received_packets_total", "Datagrams read from UDP sockets.", func(s *stats) uint64 { return s.UDP.Packets }),
	count("udp_received_bytes_total", "Bytes of those datagrams.", func(s *stats) uint64 { return s.UDP.Bytes }),
	count("udp_batches_total", "Batches they came in.", func(s *stats) uint64 { return s.UDP.Batches }),
	count("udp_too_long_packets_total", "Datagrams that were dropped because they are longer than any of ours.", func(s *stats) uint64 { return s.UDP.TooLong }),
	count("udp_empty_packets_total", "Datagrams that were dropped because there is nothing in them.", func(s *stats) uint64 { return s.UDP.Empty }),
	count("udp_unreachable_total", "ICMP errors about what was sent.", func(s *stats) uint64 { return s.UDP.Unreachable }),
	count("udp_kernel_drops_total", "Datagrams the kernel dropped for want of room in a socket's buffer: the worker did not keep up.",
		func(s *stats) uint64 { return s.UDP.KernelDrops }),
	count("udp_failures_total", "Other errors of the system about UDP sockets.", func(s *stats) uint64 { return s.UDP.Failures }),

	state("tcp_connections", "Open ICE-TCP connections.", func(s *stats) int { return s.TCP.Open }),
	count("tcp_connections_accepted_total", "ICE-TCP connections that were accepted.", func(s *stats) uint64 { return s.TCP.Accepted }),
	count("tcp_connections_refused_total", "ICE-TCP connections that were closed at once: too many unproven ones of one address.", func(s *stats) uint64 { return s.TCP.Refused }),
	count("tcp_accept_failures_total", "Errors of the system while accepting.", func(s *stats) uint64 { return s.TCP.Failures }),
	count("tcp_received_packets_total", "Packets received by ICE-TCP.", func(s *stats) uint64 { return s.TCP.Packets }),
	count("tcp_received_bytes_total", "Bytes of those packets.", func(s *stats) uint64 { return s.TCP.Bytes }),
	countBy("tcp_connections_closed_total", "reason", "ICE-TCP connections that were closed by us, by reason.",
		func(s *stats) map[string]uint64 { return s.TCP.Closed }),

	// What leaves. Packets by system calls tell how well batches and GSO work.
	count("egress_packets_total", "Packets that the system took.", func(s *stats) uint64 { return s.Egress.Packets }),
	count("egress_bytes_total", "Bytes of those packets.", func(s *stats) uint64 { return s.Egress.Bytes }),
	count("egress_messages_total", "Messages they left in: with GSO, several packets make one.", func(s *stats) uint64 { return s.Egress.Messages }),
	count("egress_system_calls_total", "System calls they took.", func(s *stats) uint64 { return s.Egress.Calls }),
	countBy("egress_dropped_packets_total", "reason", "Packets that could not be sent, by reason.",
		func(s *stats) map[string]uint64 { return s.Egress.Drops }),
}

// dropUnits is what each reason counts.
var dropUnits = func() map[string]string {
	m := make(map[string]string, len(proto.DropReasons))
	for _, r := range proto.DropReasons {
		m[r.Name] = string(r.Unit)
	}
	return m
}()

// dropUnit is what a reason counts.
func dropUnit(reason string) string {
	if unit, ok := dropUnits[reason]; ok {
		return unit
	}
	return "unknown" // of a worker that is newer than we are
}

// bytes is a gauge of memory.
func bytes(name, help string, read func(*stats) uint64) family[stats] {
	f := count(name, help, read)
	f.kind = gauge
	return f
}
