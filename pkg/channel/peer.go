package channel

import (
	"fmt"
	"net"
	"os"
)

// checkPeer refuses a Unix socket's peer that runs as somebody else. Root may do as it likes anyway. Both ends ask: a
// controller, too, must not hand its keys to a stranger who was faster to make the socket.
func checkPeer(conn net.Conn) error {
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return nil
	}
	uid, err := peerUID(c)
	if err != nil {
		return fmt.Errorf("whose process it is: %w", err)
	}
	return checkUID(uid, os.Geteuid())
}

func checkUID(peer, own int) error {
	if peer != own && peer != 0 {
		return fmt.Errorf("the peer runs as user %d, not %d", peer, own)
	}
	return nil
}
