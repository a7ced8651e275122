package worker

import (
	"net/netip"
	"time"

	"gazpacho/pkg/socket"
	"gazpacho/pkg/transport"
	"gazpacho/pkg/tuple"
	"gazpacho/pkg/turn"
)

// The way back is a queue between two flushes: it is bounded in packets and bytes as an egress is.
const (
	maxBack      = socket.EgressSlots
	maxBackBytes = maxBack * socket.MaxPacket
)

// mediaPorts is the media of this machine as TURN sees it. What a client relays to a port of this worker is handed over as if it had come from the
// relay's address, and what the transport answers comes back: the kernel sees neither.
type mediaPorts struct {
	relay *relay

	bound   []*mediaPort
	byName  map[netip.AddrPort]*mediaName
	relays  map[netip.AddrPort]*turn.Relay // by the address that media sees
	others  map[netip.AddrPort]bool        // of other workers
	aliases mediaAliases
	own     map[netip.Addr]bool
	queue   []backPacket
	bytes   []byte
	counted turn.Volume // that came back
}

// mediaPort is a UDP port of a WebRTC server.
type mediaPort struct {
	in    transport.Ingress
	local transport.Local
	names []*mediaName
}

// mediaName is an address by which a client called it, which is the peer of its permissions and channels.
type mediaName struct {
	port    *mediaPort
	address netip.AddrPort
	back    *socket.Port
}

// backPacket is a packet of a transport to a relay.
type backPacket struct {
	from     *mediaName
	to       netip.AddrPort
	at, size int
}

func newMediaPorts(r *relay) mediaPorts {
	m := mediaPorts{
		relay: r, byName: make(map[netip.AddrPort]*mediaName), relays: make(map[netip.AddrPort]*turn.Relay),
		others: make(map[netip.AddrPort]bool), own: make(map[netip.Addr]bool),
	}
	for _, ip := range ownAddresses() {
		m.own[ip] = true
	}
	return m
}

// foreign is told the ports of other workers.
func (m *mediaPorts) foreign(list []netip.AddrPort) {
	clear(m.others)
	for _, a := range list {
		m.others[a] = true
	}
}

// add is told of a port of this worker, and returns what ends it.
func (m *mediaPorts) add(in transport.Ingress, local transport.Local) (remove func()) {
	p := &mediaPort{in: in, local: local}
	m.bound = append(m.bound, p)
	return func() { m.remove(p) }
}

// remove forgets a port. What still waits to come back from it goes to nobody.
func (m *mediaPorts) remove(p *mediaPort) {
	for i, other := range m.bound {
		if other == p {
			m.bound = append(m.bound[:i], m.bound[i+1:]...)
			break
		}
	}
	for _, n := range p.names {
		delete(m.byName, n.address)
		n.back.Close()
	}
	p.names = nil
}

// reachedBy tells whether an address is one of the port's.
func (p *mediaPort) reachedBy(ip netip.Addr, own map[netip.Addr]bool) bool {
	at := p.local.Address.Addr()
	switch {
	case at == ip:
		return true
	case at.IsUnspecified() && own[ip] && (ip.Is4() == at.Is4() || at.Is6()):
		return true
	}
	announced, err := netip.ParseAddr(p.local.Info.AnnouncedAddress)
	return err == nil && announced.Unmap() == ip
}

// IsMedia tells whether an address, or with port 0 any port on it, is one of our media's.
func (m *mediaPorts) IsMedia(a netip.AddrPort) bool {
	for _, p := range m.bound {
		if (a.Port() == 0 || a.Port() == p.local.Address.Port()) && p.reachedBy(a.Addr(), m.own) {
			return true
		}
	}
	if a.Port() != 0 {
		return m.others[a]
	}
	for other := range m.others {
		if other.Addr() == a.Addr() {
			return true
		}
	}
	return false
}

// Deliver hands a client's datagram to a port of this worker.
func (m *mediaPorts) Deliver(now time.Time, r *turn.Relay, to netip.AddrPort, datagram []byte) bool {
	n := m.byName[to]
	if n == nil {
		if n = m.open(to); n == nil {
			return false
		}
	}
	serving := m.relay.serving
	m.relay.panics.serving(n.port.in)
	n.port.in.Handle(now, datagram, tuple.Tuple{Local: n.port.local.Address, Remote: r.Address(), Link: n.back.Link(), Protocol: tuple.UDP})
	m.relay.panics.serving(m.relay)
	m.relay.serving = serving
	return true
}

// open makes the way back from a port, the first time it is called by a name.
func (m *mediaPorts) open(to netip.AddrPort) *mediaName {
	for _, p := range m.bound {
		if p.local.Address.Port() != to.Port() || !p.reachedBy(to.Addr(), m.own) {
			continue
		}
		n := &mediaName{port: p, address: to}
		n.back = socket.OpenPort(m.relay.links, func(payload []byte, to netip.AddrPort) bool { return m.put(n, payload, to) })
		m.byName[to] = n
		p.names = append(p.names, n)
		return n
	}
	return nil
}

// put keeps a packet of a transport until the flush is over.
func (m *mediaPorts) put(n *mediaName, payload []byte, to netip.AddrPort) bool {
	if len(m.queue) == maxBack || len(m.bytes)+len(payload) > maxBackBytes {
		return false // the egress counts it
	}
	m.queue = append(m.queue, backPacket{from: n, to: to, at: len(m.bytes), size: len(payload)})
	m.bytes = append(m.bytes, payload...)
	return true
}

// back gives what was kept to the relays it is for, and returns false if there was nothing.
func (m *mediaPorts) back(now time.Time) bool {
	if len(m.queue) == 0 {
		return false
	}
	m.relay.panics.serving(m.relay)
	m.relay.serving = tuple.Tuple{}
	for i := 0; i < len(m.queue); i++ {
		p := &m.queue[i]
		if r := m.relays[p.to]; r != nil {
			m.counted.Packets++
			m.counted.Bytes += uint64(p.size)
			m.relay.server.HandleRelay(now, r, p.from.address, m.bytes[p.at:p.at+p.size])
		}
		p.from = nil
	}
	m.queue, m.bytes = m.queue[:0], m.bytes[:0]
	return true
}

func (m *mediaPorts) close() {
	for len(m.bound) > 0 {
		m.remove(m.bound[0])
	}
}
