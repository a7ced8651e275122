package worker

import (
	"crypto/rand"
	"net/netip"
	"time"

	"gazpacho/pkg/dtls"
	"gazpacho/pkg/socket"
	"gazpacho/pkg/tuple"
	"gazpacho/pkg/turn"
)

// dtlsListener is one of TURN's own sockets on which clients speak DTLS. What they are sent goes to a port that ends in the acceptor.
type dtlsListener struct {
	relay    *relay
	via      *turn.Listener
	socket   *socket.UDP
	port     *socket.Port
	acceptor *dtls.Acceptor
}

// listenDTLS opens one.
func (r *relay) listenDTLS(l turnListen, opts socket.Options) error {
	u, err := socket.ListenUDP(r.links, l.at, opts)
	if err != nil {
		return err
	}
	d := &dtlsListener{relay: r, via: r.server.Listen(l.String(), l.transport), socket: u}
	d.acceptor, err = dtls.NewAcceptor(dtls.AcceptorConfig{
		Certificate: r.certificate.Load, Protocols: turnProtocols, Random: rand.Reader, Post: r.loop.Post, Send: d.send, Received: d.received, Closed: d.closed,
		Timer: func(at time.Time, f func(now time.Time)) (stop func()) {
			t := r.loop.Timers().New(f)
			t.Reset(at)
			return t.Stop
		},
	})
	if err != nil {
		u.Close()
		return err
	}
	d.port = socket.OpenPort(r.links, d.acceptor.Write)
	r.dtls = append(r.dtls, d)
	r.listeners = append(r.listeners, listener{turnListen: l, local: u.Local(), close: d.close})
	u.Start(r.loop.Pool(), r.loop.Sink(d.handle))
	r.log.Info("relaying for clients", "listen", l.transport.String()+":"+u.Local().String())
	return nil
}

// client is how the core knows a client: as one of the port, for what it is sent goes there.
func (d *dtlsListener) client(from netip.AddrPort) tuple.Tuple {
	return tuple.Tuple{Local: d.socket.Local(), Remote: from, Link: d.port.Link(), Protocol: tuple.UDP}
}

// handle takes batches of the socket.
func (d *dtlsListener) handle(now time.Time, batch *socket.Batch) {
	d.relay.panics.serving(d.relay)
	for from, data, ok := batch.Next(); ok; from, data, ok = batch.Next() {
		d.relay.serving = d.client(from.Remote)
		d.acceptor.Handle(now, data, from.Remote)
	}
}

func (d *dtlsListener) send(datagram []byte, to netip.AddrPort) {
	e := d.relay.egress
	n := copy(e.Next(), datagram)
	e.Commit(n, tuple.Tuple{Local: d.socket.Local(), Remote: to, Link: d.socket.Link(), Protocol: tuple.UDP})
}

func (d *dtlsListener) received(now time.Time, from netip.AddrPort, message []byte) {
	if !d.relay.server.Handle(now, d.via, d.client(from), message) {
		d.via.Counters.Drops[turn.DropMalformed]++
	}
}

func (d *dtlsListener) closed(now time.Time, from netip.AddrPort) {
	d.relay.server.ClientClosed(now, d.client(from))
}

func (d *dtlsListener) close() error {
	d.acceptor.Close()
	d.port.Close()
	return d.socket.Close()
}

// onDTLS finds the listener of a client, nil if it does not speak DTLS.
func (r *relay) onDTLS(client tuple.Tuple) *dtlsListener {
	for _, d := range r.dtls {
		if d.port.Link() == client.Link {
			return d
		}
	}
	return nil
}
