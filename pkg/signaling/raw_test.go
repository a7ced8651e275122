package signaling

import (
	"bufio"
	"net"
	"net/http"
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
