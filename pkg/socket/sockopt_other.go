//go:build !unix

package socket

import (
	"errors"
	"syscall"
)

// controlOf refuses what this system cannot do.
func controlOf(opts Options) func(network, address string, raw syscall.RawConn) error {
	return func(string, string, syscall.RawConn) error {
		if opts.ReusePort || opts.Group.IsValid() {
			return errors.ErrUnsupported
		}
		return nil
	}
}

// bufferSizes is not known here.
func bufferSizes(syscall.RawConn) (send, recv int) { return 0, 0 }
