//go:build !linux

package socket

import "syscall"

// writeNow writes nothing here: all frames go through the connection's queue.
func (e *Egress) writeNow(syscall.RawConn, *dest) (int, error) { return 0, nil }
