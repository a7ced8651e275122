package turn

import "net/netip"

// Relay is one relayed transport address. It owns its port until it is closed.
type Relay struct {
	server     *Server
	allocation *allocation // nil while it is reserved
	pool       *pool
	local      netip.AddrPort
	address    netip.AddrPort

	socket   RelaySocket    // of UDP; nil while there is none
	listener StreamListener // of TCP
	closed   bool
}

// Local returns the address to bind, Address the one that clients and peers see.
func (r *Relay) Local() netip.AddrPort { return r.local }

// Address returns the relayed address as it is announced.
func (r *Relay) Address() netip.AddrPort { return r.address }

// Socket returns what RelaySockets.Open returned, nil while there is none.
func (r *Relay) Socket() RelaySocket { return r.socket }

// open opens the socket if there is none yet.
func (r *Relay) open() bool {
	if r.socket != nil {
		return true
	}
	s, ok := r.server.env.Relays.Open(r)
	if ok {
		r.socket = s
	}
	return ok
}

func (r *Relay) listen() bool {
	l, ok := r.server.env.Streams.Listen(r)
	if ok {
		r.listener = l
	}
	return ok
}

// close gives socket and port back.
func (r *Relay) close() {
	r.closed = true
	if r.socket != nil {
		r.socket.Close()
	}
	if r.listener != nil {
		r.listener.Close()
	}
	r.pool.release(r.local.Port())
}

// pool is one relay address and its ports.
type pool struct {
	RelayAddress
	ports
}

// families of relays, as indexes.
const (
	ipv4 = iota
	ipv6
	numFamilies
)

// familyCodes are those of REQUESTED-ADDRESS-FAMILY (RFC 8656 section 18.8).
var familyCodes = [numFamilies]byte{1, 2}

func familyOf(ip netip.Addr) int {
	if ip.Is4() {
		return ipv4
	}
	return ipv6
}

// openTries is how many ports are tried that other processes may have taken.
const openTries = 16

// openRelay takes a port of an address of the family and opens it as the request wants. Nil is no port.
func (s *Server) openRelay(a *allocation, family int, w *wanted) *Relay {
	if w.reserved != nil {
		return s.claim(a, w.reserved)
	}
	start := s.random.intn(len(s.pools))
	for i := range s.pools {
		p := s.pools[(start+i)%len(s.pools)]
		if familyOf(p.Local) != family {
			continue
		}
		if r := s.openOn(p, a, w); r != nil {
			return r
		}
	}
	return nil
}

func (s *Server) openOn(p *pool, a *allocation, w *wanted) *Relay {
	for range openTries {
		port := p.take(&s.random, w.even, w.pair)
		if port == 0 {
			return nil
		}
		r := s.bind(p, port, a, w.tcp)
		if r == nil {
			p.release(port)
		}
		if !w.pair {
			if r != nil {
				return r
			}
			continue
		}
		if r != nil {
			if w.second = s.bind(p, port+1, nil, false); w.second != nil {
				return r
			}
			r.close()
		}
		p.release(port + 1)
	}
	return nil
}

// bind makes a relay of a port that is taken already, of no allocation if it is to be reserved; nil if the environment cannot.
func (s *Server) bind(p *pool, port uint16, a *allocation, tcp bool) *Relay {
	r := &Relay{server: s, allocation: a, pool: p, local: netip.AddrPortFrom(p.Local, port), address: netip.AddrPortFrom(p.Announced, port)}
	ok := true
	switch {
	case tcp:
		ok = r.listen()
	case !s.config.ExclusivePorts:
		ok = r.open()
	}
	if !ok {
		return nil
	}
	return r
}
