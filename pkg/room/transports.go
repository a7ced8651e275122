package room

import (
	"context"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// CreateWebRTCTransport makes a transport of the peer on its worker's shared ports.
func (p *Peer) CreateWebRTCTransport(ctx context.Context, b CreateWebRTCTransport) (WebRTCTransportInfo, error) {
	var rights []right
	if b.Producing {
		rights = append(rights, toSend)
	}
	if b.Consuming {
		rights = append(rights, toReceive)
	}
	if len(rights) == 0 {
		rights = append(rights, toTakePart)
	}
	if err := p.may(rights...); err != nil {
		return WebRTCTransportInfo{}, err
	}
	w := &watch{peer: p}
	t := &transport{producing: b.Producing, consuming: b.Consuming, watch: w}
	o := control.WebRTCTransportOptions{ICEState: w.iceState, DTLSState: w.dtlsState, Trace: p.traced, SCTP: proto.SCTPOptions{EnableSCTP: true}}
	if b.ForceTCP {
		no, yes := false, true
		o.EnableUDP, o.EnableTCP = &no, &yes
	}
	if err := p.createWebRTC(ctx, t, o, p.maxIncomingBitrate); err != nil {
		return WebRTCTransportInfo{}, err
	}
	if b.Consuming {
		// What it tells is nice to have: a worker without it is no reason to fail.
		if err := t.EnableTraceEvent(ctx, "bwe"); err != nil {
			p.room.log.Debug("no bandwidth trace", "peer", p.id, "error", err)
		}
	}
	info := infoOf(t.webrtc)
	info.ICEServers = p.relayed(info.ICECandidates)
	return info, nil
}

// createWebRTC makes a WebRTC transport of a peer or broadcaster. most is the limit of its incoming bitrate as it is now.
func (m *member) createWebRTC(ctx context.Context, t *transport, o control.WebRTCTransportOptions, most func() int) error {
	var err error
	if t.seat, err = m.take(transportQuota); err != nil {
		return err
	}
	o.Server, o.PreferUDP = m.room.worker.Server, true
	o.Closed = func(control.Reason) { m.lost(t) }
	made, err := m.room.router.CreateWebRTCTransport(ctx, o)
	if err != nil {
		m.giveBack(t.seat)
		return err
	}
	m.room.mu.Lock()
	t.webrtc, t.Transport = made, made.Transport
	m.room.mu.Unlock()
	return m.settle(ctx, t, most)
}

// settle keeps a transport that was just made and limits it. In this order, a limit that changes meanwhile meets the transport.
func (m *member) settle(ctx context.Context, t *transport, most func() int) error {
	if err := m.keep(t); err != nil {
		return err
	}
	if err := m.limitIncoming(ctx, t, most); err != nil {
		m.abandon(t)
		return err
	}
	return nil
}

// limitIncoming tells the worker what the transport's peer may send. It asks again afterwards, so that of two at a time the one that
// comes last leaves the newest limit.
func (m *member) limitIncoming(ctx context.Context, t *transport, most func() int) error {
	for {
		m.room.mu.Lock()
		want, told := most(), t.maxIncomingBitrate
		m.room.mu.Unlock()
		if want == told {
			return nil
		}
		if err := t.SetMaxIncomingBitrate(ctx, want); err != nil {
			return err
		}
		m.room.mu.Lock()
		t.maxIncomingBitrate = want
		m.room.mu.Unlock()
	}
}

// maxIncomingBitrate is the limit of each of the peer's transports, bit/s; 0 is none. The room is locked.
func (p *Peer) maxIncomingBitrate() int { return p.room.maxIncomingBitrate(*p.grant) }

// leastBitrate is the lowest limit that a worker takes, bit/s: below it no estimator works.
const leastBitrate = 30_000

// maxIncomingBitrate is the lower of the room's limit and the grant's.
func (r *Room) maxIncomingBitrate(g auth.Grant) int {
	all, own := r.rooms.cfg.MaxIncomingBitrate, g.Publish.MaxBitrate
	lower := min(all, own)
	if all == 0 || own == 0 {
		lower = max(all, own) // the only one
	}
	if lower == 0 {
		return 0
	}
	return max(lower, leastBitrate)
}

func infoOf(t *control.WebRTCTransport) WebRTCTransportInfo {
	return WebRTCTransportInfo{
		ID: t.ID(), ICEParameters: t.ICEParameters(), ICECandidates: t.ICECandidates(), DTLSParameters: t.DTLSParameters(),
		SCTPParameters: t.SCTPParameters(),
	}
}

// ConnectWebRTCTransport gives a transport the client's fingerprints.
func (p *Peer) ConnectWebRTCTransport(ctx context.Context, b ConnectWebRTCTransport) error {
	if err := p.may(); err != nil {
		return err
	}
	t, err := p.webrtcTransport(b.TransportID)
	if err != nil {
		return err
	}
	if b.DTLSParameters == nil {
		return proto.BadField("dtlsParameters", "is missing")
	}
	return t.Connect(ctx, *b.DTLSParameters)
}

// RestartICE gives a transport new credentials.
func (p *Peer) RestartICE(ctx context.Context, transportID string) (proto.ICEParameters, error) {
	if err := p.may(); err != nil {
		return proto.ICEParameters{}, err
	}
	t, err := p.webrtcTransport(transportID)
	if err != nil {
		return proto.ICEParameters{}, err
	}
	return t.RestartICE(ctx)
}

// TransportStats counts what went through a transport; mediasoup's form is a list of one.
func (p *Peer) TransportStats(ctx context.Context, transportID string) ([]proto.WebRTCTransportStats, error) {
	if err := p.may(); err != nil {
		return nil, err
	}
	t, err := p.webrtcTransport(transportID)
	if err != nil {
		return nil, err
	}
	s, err := t.Stats(ctx)
	return []proto.WebRTCTransportStats{s}, err
}

func (m *member) webrtcTransport(id string) (*control.WebRTCTransport, error) {
	t, err := m.transport(id)
	if err != nil {
		return nil, err
	}
	if t.webrtc == nil {
		return nil, proto.NotFound("WebRTC transport", id)
	}
	return t.webrtc, nil
}

// traced hears of the estimate of the way down to the client.
func (p *Peer) traced(e proto.TraceEvent) {
	if e.Type == "bwe" {
		p.notify("downlinkBwe", map[string]any{
			"desiredBitrate":          e.Info["desiredBitrate"],
			"effectiveDesiredBitrate": e.Info["effectiveDesiredBitrate"],
			"availableBitrate":        e.Info["availableBitrate"],
		})
	}
}

// watch follows the path of one transport. A dead path is the client's to repair by restarting ICE, which needs it to be there: it
// is probed at once, and a client that is there but has not repaired anything when the grace is over is sent away, so that the
// others do not look at a frozen picture. Its callbacks come one at a time.
type watch struct {
	peer  *Peer
	timer *time.Timer // runs while the path is dead; guarded by the room's lock
}

func (w *watch) iceState(state string) {
	switch state {
	case proto.ICEDisconnected, proto.ICEClosed:
		w.dead("ICE is " + state)
	case proto.ICEConnected, proto.ICECompleted:
		w.alive()
	}
}

func (w *watch) dtlsState(state string) {
	if state == proto.DTLSFailed || state == proto.DTLSClosed {
		w.dead("DTLS is " + state)
	}
}

func (w *watch) dead(why string) {
	p := w.peer
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if p.left || w.timer != nil {
		return
	}
	p.room.log.Info("media path is dead", "peer", p.id, "reason", why)
	p.client.Probe()
	w.timer = time.AfterFunc(p.room.rooms.cfg.MediaGrace, w.over)
}

func (w *watch) alive() {
	w.peer.room.mu.Lock()
	defer w.peer.room.mu.Unlock()
	w.stop()
}

// stop ends the grace. The room is locked.
func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}

// over ends the grace.
func (w *watch) over() {
	p := w.peer
	p.room.mu.Lock()
	if w.timer == nil || p.left {
		p.room.mu.Unlock()
		return
	}
	p.client.Close(CloseMediaLost, "media does not get through")
	p.room.mu.Unlock()
	p.Leave()
}
