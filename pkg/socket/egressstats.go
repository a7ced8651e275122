package socket

import (
	"errors"
	"syscall"
)

// EgressStats counts what became of committed packets: after a flush, each is either sent or in one
// of the drops. Sent means taken by the kernel, or by the queue of a slow TCP connection.
type EgressStats struct {
	Sent, Bytes uint64
	// Calls and Messages show how well batching works: Sent ≥ Messages ≥ Calls.
	Calls, Messages uint64
	// Full is for want of room in a socket's buffer, or a TCP connection's queue.
	Full uint64
	// Unreachable is what routing, a firewall or ICMP refused.
	Unreachable uint64
	// Closed is for links that were closed, or never opened.
	Closed uint64
	// TooLong is over MaxPacket, or more than the way allows.
	TooLong uint64
	// Failed is any other error of the system.
	Failed uint64
	// Split counts messages of several packets that had to be sent one by one.
	Split uint64
}

// Dropped is the sum of all drops.
func (s EgressStats) Dropped() uint64 {
	return s.Full + s.Unreachable + s.Closed + s.TooLong + s.Failed
}

// countDrop counts a packet that an error of package net kept from being sent.
func (e *Egress) countDrop(err error) {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		e.stats.Closed++ // net.ErrClosed: the others have a number
		return
	}
	e.countErrno(errno, 1)
}

// countErrno counts n packets that the system refused.
func (e *Egress) countErrno(errno syscall.Errno, n uint64) {
	switch {
	case errno == syscall.EAGAIN || errno == syscall.ENOBUFS:
		e.stats.Full += n
	case errno == syscall.EMSGSIZE:
		e.stats.TooLong += n
	case unreachable(errno):
		e.stats.Unreachable += n
	default:
		e.stats.Failed += n
	}
}
