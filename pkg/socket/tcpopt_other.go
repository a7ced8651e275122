//go:build !linux

package socket

import "net"

// tuneListener has nothing to set here that accepted connections would inherit.
func tuneListener(*net.TCPListener, Options) error { return nil }
