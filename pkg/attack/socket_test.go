package attack

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Opcodes of WebSocket frames (RFC 6455 section 5.2), with the bit of the last fragment.
const (
	continuation = 0x00
	text         = 0x01
	closeFrame   = 0x88
	ping         = 0x89
	pong         = 0x8a
	final        = 0x80
	compressed   = 0x40 // RSV1
)

// webSocket is a session whose frames are made by hand.
type webSocket struct {
	net.Conn
	r *bufio.Reader
}

// dialSocket enters a room from an address of loopback.
func (h *house) dialSocket(t *testing.T, n int, room, peer string) *webSocket {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(loopback(n))}
	c, err := tls.DialWithDialer(dialer, "tcp4", strings.TrimPrefix(h.URL, "https://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	path := address(h.Controller, room, peer, token(t, room, peer))
	path = path[strings.Index(path, "/?"):]
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: protoo\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", path)
	s := &webSocket{c, bufio.NewReader(c)}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	response, err := http.ReadResponse(s.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %s", response.Status)
	}
	if e := response.Header.Get("Sec-WebSocket-Extensions"); e != "" {
		t.Errorf("extensions %q: compression is a bomb's best friend (R-WS-1)", e)
	}
	return s
}

// head is a frame's head with a length that may be a lie, masked by zeros.
func head(first byte, length uint64) []byte {
	b := []byte{first}
	switch {
	case length < 126:
		b = append(b, 0x80|byte(length))
	case length < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0xfe), uint16(length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0xff), length)
	}
	return append(b, 0, 0, 0, 0)
}

// wsFrame is a whole one.
func wsFrame(first byte, payload []byte) []byte {
	return append(head(first, uint64(len(payload))), payload...)
}

// code reads until the server closes, and returns its close code; -1 if it said none, 0 if it goes on.
func (s *webSocket) code(atMost time.Duration) int {
	_ = s.SetReadDeadline(time.Now().Add(atMost))
	for {
		var two [2]byte
		if _, err := io.ReadFull(s.r, two[:]); err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				return 0
			}
			return -1
		}
		length := uint64(two[1] & 0x7f)
		switch length {
		case 126:
			var b [2]byte
			_, _ = io.ReadFull(s.r, b[:])
			length = uint64(binary.BigEndian.Uint16(b[:]))
		case 127:
			var b [8]byte
			_, _ = io.ReadFull(s.r, b[:])
			length = binary.BigEndian.Uint64(b[:])
		}
		var payload bytes.Buffer
		if _, err := io.CopyN(&payload, s.r, int64(length)); err != nil {
			return -1
		}
		if two[0] == closeFrame && payload.Len() >= 2 {
			return int(binary.BigEndian.Uint16(payload.Bytes()))
		}
	}
}
