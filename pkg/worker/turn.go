package worker

import (
	"crypto/rand"
	"crypto/tls"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"gazpacho/pkg/loop"
	"gazpacho/pkg/socket"
	"gazpacho/pkg/stun"
	"gazpacho/pkg/transport"
	"gazpacho/pkg/tuple"
	"gazpacho/pkg/turn"
	"gazpacho/proto"
)

// relay is the worker's TURN server: the machine of pkg/turn, its sockets, and the short way to the media of this worker. It belongs to the loop.
type relay struct {
	// Passed in.
	log    *slog.Logger
	loop   *loop.Loop
	links  *socket.Links
	egress *socket.Egress
	panics *panics
	emit   func(proto.Event)

	// Owned.
	server      *turn.Server
	sockets     *socket.Relays
	listeners   []listener
	dtls        []*dtlsListener   // of the listeners
	onMedia     [2]*turn.Listener // on the ports of media, by protocol
	media       mediaPorts
	streams     streams
	events      turnEvents
	certificate atomic.Pointer[tls.Certificate]

	// State.
	plan     *turnPlan
	serving  tuple.Tuple // whose packet is being handled
	draining bool
	drained  func() // called once nothing lives any more, while draining
	icmp     atomic.Int32
}

// listener is one of TURN's own sockets.
type listener struct {
	turnListen
	local netip.AddrPort
	deaf  func() // takes no new connections; nil if there are none
	close func() error
}

// startRelay opens everything that the plan says, or nothing.
func (w *Worker) startRelay(now time.Time, p *turnPlan) (*relay, *turnField) {
	if wrong := p.checkRelays(); wrong != nil {
		return nil, wrong
	}
	r := &relay{log: w.cfg.Log, loop: w.loop, links: w.links, egress: w.egress, panics: &w.panics, plan: p}
	r.emit = func(e proto.Event) { events{w}.Emit("", e) }
	r.events.relay = r
	r.media = newMediaPorts(r)
	r.streams.init(r)
	r.streams.bitrate.Store(int64(p.config.Quotas.Bitrate))
	sockets, err := socket.NewRelays(w.links, w.loop.Pool(), w.loop.Direct(r.fromPeers), r.unreachable)
	if err != nil {
		return nil, &turnField{"listen", err}
	}
	r.sockets = sockets
	r.server, err = turn.New(now, p.config, turn.Env{
		Timers: w.loop.Timers(), Random: rand.Reader, Egress: w.egress, Relays: relaySockets{r}, Media: &r.media, Streams: &r.streams, Events: &r.events,
	})
	if err != nil {
		sockets.Close()
		return nil, fieldOf(err)
	}
	r.media.foreign(p.media)
	r.media.aliases.set(p.mediaAt)
	r.certificate.Store(p.certificate)
	for _, l := range p.listen {
		if err := r.listen(l); err != nil {
			r.close(now)
			return nil, &turnField{"listen", err}
		}
	}
	r.onMedia = [2]*turn.Listener{tuple.UDP: r.server.Listen("media:udp", turn.UDP), tuple.TCP: r.server.Listen("media:tcp", turn.TCP)}
	return r, nil
}

// listen opens one of TURN's own sockets. All workers may open the same: the kernel gives each client's packets to one of them.
func (r *relay) listen(l turnListen) error {
	opts := socket.Options{ReusePort: true, Framing: socket.FramingTURN, IPv6Only: l.at.Addr().Is6()}
	open := listener{turnListen: l}
	switch l.transport {
	case turn.UDP:
		u, err := socket.ListenUDP(r.links, l.at, opts)
		if err != nil {
			return err
		}
		open.local, open.close = u.Local(), u.Close
		u.Start(r.loop.Pool(), r.loop.Direct(r.fromClients(r.server.Listen(l.String(), l.transport))))
	case turn.DTLS:
		return r.listenDTLS(l, opts)
	default:
		if l.transport == turn.TLS {
			opts.TLS = r.tlsConfig()
		}
		s, err := socket.ListenTCP(r.links, l.at, opts)
		if err != nil {
			return err
		}
		open.local, open.close, open.deaf = s.Local(), s.Close, s.StopAccepting
		s.Start(r.loop.Pool(), r.loop.Sink(r.fromClients(r.server.Listen(l.String(), l.transport))))
	}
	r.listeners = append(r.listeners, open)
	r.log.Info("relaying for clients", "listen", open.transport.String()+":"+open.local.String())
	return nil
}

// turnProtocols are what clients of TLS and DTLS may say that they speak (RFC 7443).
var turnProtocols = []string{"stun.turn", "stun.nat-discovery"}

// tlsConfig serves the certificate of the moment.
func (r *relay) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: turnProtocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return r.certificate.Load(), nil },
	}
}

// reload takes other settings, all or none. Listeners and relays' addresses stay.
func (r *relay) reload(now time.Time, p *turnPlan) *turnField {
	if err := r.server.Reload(now, p.config); err != nil {
		return fieldOf(err)
	}
	if !slices.Equal(p.listen, r.plan.listen) {
		r.log.Warn("where TURN listens changes with the next start only")
	}
	r.streams.bitrate.Store(int64(p.config.Quotas.Bitrate))
	p.listen = r.plan.listen
	r.plan = p
	if p.certificate != nil {
		r.certificate.Store(p.certificate)
	}
	r.media.foreign(p.media)
	r.media.aliases.set(p.mediaAt)
	return nil
}

// fromClients takes the batches of one of TURN's own sockets.
func (r *relay) fromClients(via *turn.Listener) loop.Handler {
	return func(now time.Time, batch *socket.Batch) {
		r.panics.serving(r)
		if batch.Closed {
			r.clientClosed(now, batch)
			return
		}
		for from, data, ok := batch.Next(); ok; from, data, ok = batch.Next() {
			r.serving = from
			if !r.server.Handle(now, via, from, data) {
				via.Counters.Drops[turn.DropMalformed]++ // on a port of TURN's own it is nobody else's
			}
		}
		r.settle(batch)
	}
}

// settle lets a connection go on whose last packet may have made it a peer's. The answer goes ahead.
func (r *relay) settle(batch *socket.Batch) {
	if !batch.Held {
		return
	}
	r.egress.Flush()
	r.streams.settle(batch.Link)
}

func (r *relay) clientClosed(now time.Time, batch *socket.Batch) {
	r.server.ClientClosed(now, tuple.Of(tuple.TCP, batch.Link, batch.Local, batch.Remote))
}

// fromPeers takes the batches of all relays.
func (r *relay) fromPeers(now time.Time, batch *socket.Batch) {
	r.panics.serving(r)
	r.serving = tuple.Tuple{}
	for s, from, data, ok := batch.NextRelayed(); ok; s, from, data, ok = batch.NextRelayed() {
		r.server.HandleRelay(now, s.Tag.(*turn.Relay), r.media.aliases.nameOf(from), data)
	}
}

// claims tells whether a datagram on a port of media is for TURN: ChannelData, STUN with another method than Binding, or a Binding request that
// names no user, as ICE's all do.
func claims(data []byte) bool {
	if turn.IsChannelData(data) {
		return true
	}
	if !stun.IsMessage(data) {
		return false
	}
	var m stun.Message
	if !m.Parse(data) {
		return false
	}
	if m.Method != stun.Binding {
		return true
	}
	return m.Class == stun.Request && !m.Has(stun.AttrUsername)
}

// share takes the batches of a WebRTC server's sockets, on which TURN answers, too.
func (r *relay) share(in *transport.Server, bound *binding) loop.Handler {
	for _, o := range bound.open {
		if o.local.Protocol == tuple.UDP {
			bound.ends = append(bound.ends, r.media.add(in, o.local))
		}
	}
	return func(now time.Time, batch *socket.Batch) {
		r.panics.serving(in)
		if batch.Closed {
			in.LinkClosed(now, batch.Link)
			r.clientClosed(now, batch)
			return
		}
		for from, data, ok := batch.Next(); ok; from, data, ok = batch.Next() {
			if batch.TURN || claims(data) {
				r.fromMedia(now, from, data)
				r.panics.serving(in)
				continue
			}
			in.Handle(now, data, from)
		}
		r.settle(batch)
	}
}

// fromMedia takes a datagram that came in on a port of media and is for TURN.
func (r *relay) fromMedia(now time.Time, from tuple.Tuple, data []byte) {
	r.panics.serving(r)
	r.serving = from
	r.server.Handle(now, r.onMedia[from.Protocol], from, data)
}

// icmpWaiting is how many errors may wait for the loop: who forges more wins nothing.
const icmpWaiting = 64

// unreachable is told, by the goroutine that reads the relays, what ICMP brought back.
func (r *relay) unreachable(e socket.ICMPError) {
	if r.icmp.Add(1) > icmpWaiting {
		r.icmp.Add(-1)
		return
	}
	r.loop.Post(func(now time.Time) {
		r.icmp.Add(-1)
		to, _ := e.Relay.Tag.(*turn.Relay)
		r.server.HandleICMP(now, to, e.Peer, turn.ICMP{Type: e.Type, Code: e.Code, Data: e.MTU})
	})
}

// Fault ends what the client has whose packet could not be handled.
func (r *relay) Fault(now time.Time) {
	if r.serving != (tuple.Tuple{}) {
		r.server.ClientClosed(now, r.serving)
		r.links.Disconnect(r.serving.Link)
	}
}

// turnEnd runs at the end of each turn of the loop, until nothing is left to send: what media sends to relays goes the short way, and becomes what
// clients are sent.
func (r *relay) turnEnd(now time.Time) {
	for r.media.back(now) {
		r.egress.Flush()
	}
}

// drain takes no new allocations. When the last has ended, done is called.
func (r *relay) drain(done func()) {
	if r.draining {
		return
	}
	r.draining, r.drained = true, done
	r.server.Drain()
	for _, l := range r.listeners {
		if l.deaf != nil {
			l.deaf() // new clients come to another worker
		}
	}
	r.checkDrained()
}

func (r *relay) checkDrained() {
	if r.draining && r.drained != nil && r.server.Stats().Allocations == 0 {
		done := r.drained
		r.drained = nil
		r.loop.Post(func(time.Time) { done() })
	}
}

// close ends everything. Clients that are on a connection see it end.
func (r *relay) close(now time.Time) {
	r.server.Close(now)
	r.egress.Flush()
	r.streams.close()
	for _, l := range r.listeners {
		_ = l.close() // nothing is left to do about it
	}
	r.listeners = nil
	r.media.close()
	r.sockets.Close()
}
