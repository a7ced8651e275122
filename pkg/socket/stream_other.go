//go:build !linux

package socket

// writeNow writes nothing here: all frames go through the connection's queue.
func (c *tcpConn) writeNow(*Egress, *dest) (int, error) { return 0, nil }
