package signaling

import (
	"bufio"
	"net"
	"net/http"

	"gazpacho/pkg/limit"
)

// hijacker gives the WebSocket a connection that reads no faster than it may, and keeps it: what ends a session in the end is that its
// socket is closed, whatever the WebSocket still waits for.
type hijacker struct {
	http.ResponseWriter
	limits Limits
	conn   net.Conn
}

// Hijack takes the connection over.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = limit.NewThrottle(conn, float64(h.limits.ByteRate), h.limits.ByteBurst)
	return h.conn, buffered, nil
}
