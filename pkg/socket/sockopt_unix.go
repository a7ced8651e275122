//go:build unix

package socket

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// controlOf sets, on a socket that package net makes, what it has no words for.
func controlOf(opts Options) func(network, address string, raw syscall.RawConn) error {
	return func(_, _ string, raw syscall.RawConn) error {
		if opts.Group.IsValid() {
			return errors.ErrUnsupported
		}
		var err error
		if ctlErr := raw.Control(func(fd uintptr) {
			if opts.ReusePort {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			}
		}); ctlErr != nil {
			return ctlErr
		}
		return err
	}
}

// bufferSizes asks the system what it granted.
func bufferSizes(raw syscall.RawConn) (send, recv int) {
	_ = raw.Control(func(fd uintptr) {
		send, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF)
		recv, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
	})
	return send, recv
}
