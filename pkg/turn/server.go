package turn

import (
	"net/netip"
	"time"

	"gazpacho/pkg/tuple"
)

// Server is a TURN server.
type Server struct {
	config Config
	env    Env
}

// New makes a server. The error is a *ConfigError.
func New(now time.Time, c Config, env Env) (*Server, error) {
	return &Server{config: c, env: env}, nil
}

// Reload changes the settings of a running server: users, secrets, lifetimes, policy, quotas and the rest, but not Relays, ports and ExclusivePorts. The
// error is a *ConfigError, and then nothing changes. Permissions of peers that are denied now end.
func (s *Server) Reload(now time.Time, c Config) error { s.config = c; return nil }

// Listen makes a listener.
func (s *Server) Listen(name string, t Transport) *Listener {
	return &Listener{Name: name, Transport: t}
}

// Handle takes one STUN message or ChannelData from a client, borrowed. It returns false when the datagram is neither.
func (s *Server) Handle(now time.Time, via *Listener, from tuple.Tuple, datagram []byte) bool {
	return false
}

// HandleRelay takes a datagram that a peer sent to a relay, borrowed.
func (s *Server) HandleRelay(now time.Time, r *Relay, peer netip.AddrPort, datagram []byte) {}

// ICMP is an error that came back for a datagram of a relay. Data is the MTU of the next hop, of "fragmentation needed" and "packet too big".
type ICMP struct {
	Type, Code uint8
	Data       uint32
}

// HandleICMP takes an ICMP error about a datagram that a relay sent to a peer.
func (s *Server) HandleICMP(now time.Time, r *Relay, peer netip.AddrPort, e ICMP) {}

// ClientClosed tells that a client's connection ended.
func (s *Server) ClientClosed(now time.Time, client tuple.Tuple) {}

// PeerAccepted tells of a peer that connected to a TCP relay. It returns false if it may not: the environment closes it.
func (s *Server) PeerAccepted(now time.Time, r *Relay, peer netip.AddrPort, stream Stream) (*Connection, bool) {
	return nil, false
}

// PeerConnected tells that Dial went well. The stream is closed if nobody waits for it any more.
func (s *Server) PeerConnected(now time.Time, c *Connection, stream Stream) {}

// PeerFailed tells that Dial did not.
func (s *Server) PeerFailed(now time.Time, c *Connection) {}

// PeerClosed tells that a peer's connection ended, or the client's that it was spliced to.
func (s *Server) PeerClosed(now time.Time, c *Connection) {}

// Drain refuses new allocations from now on.
func (s *Server) Drain() {}

// Close ends all allocations.
func (s *Server) Close(now time.Time) {}

// End ends one allocation.
func (s *Server) End(now time.Time, id uint64) bool { return false }

// Relay is one relayed transport address.
type Relay struct{ socket RelaySocket }

// Local returns the address to bind, Address the one that clients and peers see.
func (r *Relay) Local() netip.AddrPort { return netip.AddrPort{} }

// Address returns the relayed address as it is announced.
func (r *Relay) Address() netip.AddrPort { return netip.AddrPort{} }

// Socket returns what RelaySockets.Open returned, nil while there is none.
func (r *Relay) Socket() RelaySocket { return r.socket }

// Connection is a TCP connection between a relay and a peer (RFC 6062).
type Connection struct{ peer netip.AddrPort }

// Peer returns the peer's address.
func (c *Connection) Peer() netip.AddrPort { return c.peer }
