package worker

import (
	"strconv"
	"time"

	"gazpacho/pkg/turn"
	"gazpacho/proto"
)

// updateTURN begins to relay, or changes how.
func (w *Worker) updateTURN(now time.Time, s *proto.TURNSettings) (any, *proto.Error) {
	p, wrong := planTURN(s)
	if wrong == nil {
		wrong = w.setRelay(now, p)
	}
	if wrong != nil {
		return nil, proto.BadField(wrong.path, "%s", wrong.err)
	}
	return nil, nil
}

// setRelay gives the relay another plan, or makes it by the first.
func (w *Worker) setRelay(now time.Time, p *turnPlan) (wrong *turnField) {
	if w.relay != nil {
		return w.relay.reload(now, p)
	}
	r, wrong := w.startRelay(now, p)
	if wrong == nil {
		w.relay, w.binder.relay = r, r
	}
	return wrong
}

// dumpTURN shows all allocations.
func (w *Worker) dumpTURN() proto.TURNDump {
	d := proto.TURNDump{Allocations: []proto.TURNAllocation{}}
	if w.relay == nil {
		return d
	}
	for _, a := range w.relay.server.Dump() {
		d.Allocations = append(d.Allocations, allocationDump(&a))
	}
	return d
}

func allocationDump(a *turn.AllocationDump) proto.TURNAllocation {
	d := proto.TURNAllocation{
		ID: a.ID, Client: a.Client.Remote.String(), Protocol: a.Listener.Transport.String(), Listener: a.Listener.Name, Username: a.Username,
		Class: a.Class.String(), Relays: []string{}, TCP: a.TCP, CreatedAt: a.CreatedAt.UnixMilli(), ExpiresAt: a.ExpiresAt.UnixMilli(),
		Permissions: []proto.TURNPermission{}, Channels: []proto.TURNChannel{}, Connections: []string{},
		Up: proto.TURNVolume(a.Up), Down: proto.TURNVolume(a.Down),
	}
	for _, r := range a.Relays {
		d.Relays = append(d.Relays, r.String())
	}
	for _, p := range a.Permissions {
		d.Permissions = append(d.Permissions, proto.TURNPermission{Peer: p.Peer.String(), ExpiresAt: p.ExpiresAt.UnixMilli()})
	}
	for _, c := range a.Channels {
		d.Channels = append(d.Channels, proto.TURNChannel{Number: c.Number, Peer: c.Peer.String(), ExpiresAt: c.ExpiresAt.UnixMilli()})
	}
	for _, c := range a.Connections {
		d.Connections = append(d.Connections, c.String())
	}
	return d
}

// turnStats copies what belongs to the loop.
func (w *Worker) turnStats() proto.TURNStats {
	s := proto.TURNStats{Listeners: []proto.TURNListenerStats{}}
	r := w.relay
	if r == nil {
		return s
	}
	g := r.server.Stats()
	in := r.sockets.Stats()
	s.Enabled, s.Draining = true, r.draining
	s.Allocations, s.Reservations, s.Permissions, s.Channels, s.Connections = g.Allocations, g.Reservations, g.Permissions, g.Channels, g.Connections
	s.Ports, s.PortsFree = g.Ports, g.PortsFree
	s.ShortCircuit = proto.TURNVolume(r.media.counted)
	s.Relays = proto.TURNRelayStats{Packets: in.Packets, Bytes: in.Bytes, Batches: in.Batches, TooLong: in.TooLong, Empty: in.Empty, Errors: in.Errors}
	for _, l := range r.server.Listeners() {
		s.Listeners = append(s.Listeners, listenerStats(l))
	}
	return s
}

func listenerStats(l *turn.Listener) proto.TURNListenerStats {
	s := proto.TURNListenerStats{
		Name: l.Name, Transport: l.Transport.String(), Requests: l.Counters.Requests,
		Answers: make(map[string]uint64), Drops: make(map[string]uint64), Classes: make(map[string]proto.TURNClassStats),
	}
	for i, n := range l.Counters.Answers {
		s.Answers[strconv.Itoa(turn.AnswerCode(i))] = n
	}
	for d := range turn.NumDrops {
		s.Drops[d.String()] = l.Counters.Drops[d]
	}
	for c := range turn.NumUserClasses {
		s.Classes[c.String()] = proto.TURNClassStats{
			Allocations: l.Counters.Allocations[c], Created: l.Counters.Created[c], Up: proto.TURNVolume(l.Counters.Up[c]), Down: proto.TURNVolume(l.Counters.Down[c]),
		}
	}
	return s
}
