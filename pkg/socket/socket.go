// Package socket reads and writes UDP and TCP in batches.
//
// Reading: a UDP or TCPServer owns its reader goroutines, which fill batches from a bounded Pool
// and hand them to a Sink. When the pool is empty the readers wait, and the kernel drops (UDP) or
// pushes back (TCP). Writing: an Egress belongs to one loop; packets queue in its slots and leave
// at the end of the loop's turn, grouped by destination. It never waits: what a socket does not
// take at once is dropped and counted.
//
// Links names every socket and connection, so that a tuple.Tuple is enough to answer a packet.
package socket

import (
	"crypto/tls"
	"net/netip"

	"gazpacho/pkg/tuple"
)

const (
	// MaxDatagram is the longest datagram or frame that is taken in (SECURITY.md R-RTP-4,
	// R-ICE-8). Media keeps under 1200 B, DTLS under the path MTU; what is longer was not meant
	// for us.
	MaxDatagram = 1500

	// slotSize is the stride of packet memory: a datagram, room to grow in place, and a power of two.
	slotSize = 2048

	// defaultBuffer is the kernel buffer asked for on UDP sockets. One socket carries all the
	// media of a worker, and a key frame to a hundred consumers is a burst of several megabytes.
	defaultBuffer = 4 << 20
)

// Options shape a socket. The zero value is right for media.
type Options struct {
	// IPv6Only keeps IPv4 off a socket bound to an IPv6 wildcard address. Otherwise it is dual-stack.
	IPv6Only bool
	// ReusePort lets several sockets share the port (SO_REUSEPORT). Without it a busy port is an error.
	ReusePort bool
	// SendBuffer and RecvBuffer are kernel buffer sizes in bytes; 0 is 4 MiB for UDP and the
	// system's choice for TCP. The system may grant less: see UDP.Buffers.
	SendBuffer, RecvBuffer int
	// Group is a multicast group to join, on the interface that has the address GroupVia, or else on the one where the route to the group leads.
	// ReusePort then also shares the port with programs that ask for no more than SO_REUSEADDR.
	Group, GroupVia netip.Addr

	// Framing is how packets follow each other on the connections of a TCP server.
	Framing Framing
	// TLS makes a TCP server's connections run in TLS.
	TLS *tls.Config

	// portable asks for the path of systems without batch calls, so that every system tests it.
	portable bool
	// noGSO forbids segmentation offload, to measure and to test without it.
	noGSO bool
}

// Sink takes batches as readers fill them, and owns each until it calls Release. It is called by
// many goroutines and may block: the reader waits, the kernel drops.
type Sink func(*Batch)

// tupleOf is a tuple whose addresses are known to be canonical already.
func tupleOf(p tuple.Protocol, link tuple.Link, local, remote netip.AddrPort) tuple.Tuple {
	return tuple.Tuple{Local: local, Remote: remote, Link: link, Protocol: p}
}
