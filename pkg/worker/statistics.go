package worker

import (
	"strings"
	"time"

	"gazpacho/pkg/dtls"
	"gazpacho/pkg/loop"
	"gazpacho/pkg/sctp"
	"gazpacho/pkg/socket"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// getStats answers worker.getStats. On the loop it only copies what belongs to the loop: the rest, the system's part of it above all, is read
// and put into words by a goroutine, which answers. The events of before are in the channel's queue by then.
func (w *Worker) getStats(now time.Time, r request) {
	s := snapshot{
		now: now, startedAt: w.startedAt, loop: w.loop.Stats(), routers: len(w.routers), panics: w.panics.total,
		transports: *w.env.Totals, egress: w.egress.Stats(), handshakes: w.islands.drops.Handshakes,
		turn: w.turnStats(), attempts: dtls.MaxHandshakes - w.islands.limiter.Free(), drops: make(map[string]uint64, len(proto.DropReasons)),
	}
	s.drops["channelLossy"] = w.channel.Dropped()
	s.drops["channelOverrun"], s.drops["channelUnaddressed"] = w.inbox.drops()
	w.islands.drops.Each(func(d dtls.Drop, n uint64) { s.drops[prefixed("dtls", d.String())] = n })
	go func() {
		r.Respond(s.stats(w.links, w.islands.data), nil)
	}()
}

// snapshot is what the loop knows at one moment.
type snapshot struct {
	now, startedAt time.Time
	loop           loop.Stats
	routers        int
	panics         uint64
	transports     transport.Totals
	egress         socket.EgressStats
	handshakes     dtls.Handshakes
	attempts       int
	turn           proto.TURNStats
	drops          map[string]uint64
}

// stats puts it into the words of the protocol, and adds what is counted elsewhere. It runs on a goroutine of its own.
func (s *snapshot) stats(links *socket.Links, messages *sctp.Counters) proto.WorkerStats {
	sockets := links.Totals()
	objects := s.transports.Objects()
	objects.Routers = s.routers
	s.transports.EachDrop(func(reason string, n uint64, _ bool) { s.drops[reason] = n })
	s.drops["sctpTooLarge"] = messages.TooLarge.Load()
	s.drops["sctpUnknownStream"] = messages.UnknownStreams.Load()
	s.drops["sctpUnposted"] = messages.Unposted.Load()
	s.drops["sctpUnsent"] = messages.Unsent.Load()
	process := processStats()
	process.Panics = s.panics
	return proto.WorkerStats{
		Timestamp: s.now.UnixMilli(), Uptime: micros(s.now.Sub(s.startedAt)), Process: process, Loop: loopStats(&s.loop),
		Objects: objects, Traffic: s.transports.Traffic(), Handshakes: s.handshakeStats(), UDP: udpStats(&sockets.UDP),
		TCP: tcpStats(&sockets.TCP), Egress: egressStats(&s.egress), Drops: s.drops, TURN: s.turn,
	}
}

func prefixed(prefix, name string) string { return prefix + strings.ToUpper(name[:1]) + name[1:] }

func micros(d time.Duration) uint64 { return uint64(max(d, 0).Microseconds()) }

func loopStats(l *loop.Stats) proto.LoopStats {
	return proto.LoopStats{
		Turns: l.Turns, Batches: l.Batches, Packets: l.Packets, Posts: l.Posts, Busy: micros(l.Busy), TurnTimes: l.TurnTimes[:],
		LongestTurn: micros(l.Longest), PostDepth: l.Depth,
	}
}

func (s *snapshot) handshakeStats() proto.HandshakeStats {
	h := &s.handshakes
	failures := make(map[string]uint64, dtls.NumFailures)
	for why, n := range h.Failed {
		failures[dtls.Failure(why).String()] = n
	}
	return proto.HandshakeStats{
		Running: h.Running, Attempts: s.attempts, Started: h.Started, Completed: h.Completed, Restarted: h.Restarted, Evicted: h.Evicted, Failures: failures,
	}
}

func udpStats(u *socket.UDPStats) proto.UDPStats {
	return proto.UDPStats{
		Packets: u.Packets, Bytes: u.Bytes, Batches: u.Batches, TooLong: u.TooLong, Empty: u.Empty, Unreachable: u.Unreachable,
		KernelDrops: u.KernelDrops, Failures: u.Failures,
	}
}

func tcpStats(t *socket.TCPStats) proto.TCPServerStats {
	return proto.TCPServerStats{
		Open: t.Open, Accepted: t.Accepted, Refused: t.Refused, Failures: t.Failures, Packets: t.Packets, Bytes: t.Bytes,
		Closed: map[string]uint64{
			"expired": t.Expired, "idle": t.Idle, "notStun": t.NotSTUN, "tooLong": t.TooLong, "behind": t.Behind,
		},
	}
}

func egressStats(e *socket.EgressStats) proto.EgressStats {
	return proto.EgressStats{
		Packets: e.Sent, Bytes: e.Bytes, Calls: e.Calls, Messages: e.Messages,
		Drops: map[string]uint64{
			"full": e.Full, "unreachable": e.Unreachable, "closed": e.Closed, "tooLong": e.TooLong, "failed": e.Failed,
		},
	}
}
