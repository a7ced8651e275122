package socket

import (
	"errors"
	"syscall"
)

// countDrop counts n packets that an error of the system kept from being sent.
func (e *Egress) countDrop(err error, n int) {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		e.stats.Closed += uint64(n) // net.ErrClosed: package net knows no other without a number
		return
	}
	e.countErrno(errno, n)
}

func (e *Egress) countErrno(errno syscall.Errno, n int) {
	switch {
	case errno == syscall.EAGAIN || errno == syscall.ENOBUFS:
		e.stats.Full += uint64(n)
	case errno == syscall.EMSGSIZE:
		e.stats.TooLong += uint64(n)
	case unreachable(errno):
		e.stats.Unreachable += uint64(n)
	default:
		e.stats.Failed += uint64(n)
	}
}
