package turn

import (
	"io"
	"net/netip"
	"time"

	"gazpacho/pkg/timer"
	"gazpacho/pkg/tuple"
)

// Env is what a Server lives in. Media, Streams and Events may be nil.
type Env struct {
	Timers  *timer.Queue
	Random  io.Reader // cryptographic; it must not fail
	Egress  Egress
	Relays  RelaySockets
	Media   Media
	Streams Streams
	Events  Events
}

// Egress lends slots of the send batch towards clients: Next returns one, Commit sends its first n bytes. A slot that is not committed is lent again.
// What is longer than a slot is dropped whole, and counted.
type Egress interface {
	Next() []byte
	Commit(n int, to tuple.Tuple)
}

// RelaySockets opens the UDP sockets of relays, on r.Local(). It returns false when the port is taken.
type RelaySockets interface {
	Open(r *Relay) (RelaySocket, bool)
}

// RelaySocket sends to peers, in slots as those of Egress. df is the bit DF of the datagram's IPv4 header; on IPv6 it forbids fragments, too.
type RelaySocket interface {
	Next() []byte
	Commit(n int, to netip.AddrPort, df bool)
	Close()
}

// Media is our own media ports.
type Media interface {
	// IsMedia tells whether an address is a media port of any of our workers; with port 0, whether there is one on the IP address.
	IsMedia(a netip.AddrPort) bool
	// Deliver hands a datagram to a media port of this process as if r.Address() had sent it, and returns false if the port is elsewhere: then it
	// goes through the relay's socket. The datagram is borrowed. TURN messages are never handed over, so that no relay feeds another.
	Deliver(now time.Time, r *Relay, to netip.AddrPort, datagram []byte) bool
}

// Streams are the TCP sockets of relays (RFC 6062). None of the methods block.
type Streams interface {
	// Listen accepts peers on r.Local(), each of which is told to PeerAccepted.
	Listen(r *Relay) (StreamListener, bool)
	// Dial connects r.Local() to c.Peer(); PeerConnected or PeerFailed tell the outcome.
	Dial(r *Relay, c *Connection)
}

// StreamListener is the listening socket of a TCP relay.
type StreamListener interface {
	Close()
}

// Stream is the connection of a peer. What the peer sends before Splice waits, in bounded space.
type Stream interface {
	// Splice exchanges all further bytes with a client's connection. The share is of the allocation that it belongs to.
	Splice(client tuple.Tuple, share *StreamShare)
	// Carried returns how many bytes went to the peer and came from it.
	Carried() (up, down uint64)
	// Close ends it, and the client's connection it is spliced to. It is not told back.
	Close()
}

// StreamShare is one for all connections of an allocation, so that the environment can bound together what they carry (Quotas.Bitrate, R-TURN-6).
type StreamShare struct {
	Tag any // the environment's
}

// Events hears what happens, from within the Server's calls. It must not call back.
type Events interface {
	TURN(e Event)
}
