package signaling

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// eventually waits until f holds.
func (w *world) eventually(what string, f func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatal(what + " did not come")
		}
	}
}

// socket is a connection to the server, which ends with the test.
func (w *world) socket() net.Conn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.http.Listener.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	return c
}

// raw sends text.
func (w *world) raw(text string) net.Conn {
	w.t.Helper()
	c := w.socket()
	if _, err := c.Write([]byte(text)); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// answer is the status of what comes back.
func (w *world) answer(c net.Conn) int {
	w.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode
}

// rawClient is a WebSocket client that may do everything wrong. It answers nothing.
type rawClient struct {
	net.Conn
	w      *world
	reader *bufio.Reader
}

func (w *world) rawWebSocket(query string) *rawClient {
	w.t.Helper()
	c := w.raw("GET /?" + query + " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Protocol: protoo\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
	r := &rawClient{Conn: c, w: w, reader: bufio.NewReader(c)}
	response, err := http.ReadResponse(r.reader, nil)
	if err != nil || response.StatusCode != 101 || response.Header.Get("Sec-WebSocket-Extensions") != "" {
		w.t.Fatalf("%+v, %v", response, err)
	}
	return r
}

// Bits of the first byte of a frame (RFC 6455 section 5.2).
const (
	fin          = 0x80
	rsv1         = 0x40
	continuation = 0
	text         = 1
	ping         = 9
	pong         = 10
)

// wsFrame is a masked frame (RFC 6455 section 5.2) whose mask is 0.
func wsFrame(first byte, payload string) []byte {
	return append(wsHeader(first, uint64(len(payload))), payload...)
}

func wsHeader(first byte, length uint64) []byte {
	b := []byte{first, 0x80}
	switch {
	case length < 126:
		b[1] |= byte(length)
	case length < 1<<16:
		b[1] |= 126
		b = binary.BigEndian.AppendUint16(b, uint16(length))
	default:
		b[1] |= 127
		b = binary.BigEndian.AppendUint64(b, length)
	}
	return append(b, 0, 0, 0, 0)
}

// ends reads until the server closes the socket and returns the code of its close frame, or -1 if there was none.
func (r *rawClient) ends() (code int) {
	r.w.t.Helper()
	code = -1
	_ = r.SetReadDeadline(time.Now().Add(patience))
	for {
		var header [2]byte
		if _, err := io.ReadFull(r.reader, header[:]); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				r.w.t.Error("the socket is left open")
			}
			return code
		}
		length := int(header[1])
		if length == 126 {
			var long [2]byte
			_, _ = io.ReadFull(r.reader, long[:]) // the next read fails as well
			length = int(binary.BigEndian.Uint16(long[:]))
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(r.reader, payload); err == nil && header[0] == fin|8 && length >= 2 {
			code = int(binary.BigEndian.Uint16(payload))
		}
	}
}
