package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"
)

// slowClient opens a connection, says something, and then no more; or it goes on, a byte now and then.
type slowClient struct {
	name string
	tls  bool
	text string // what it says, in TLS or below
	drip string
}

// Clients that take their time are closed within the times of R-WS-1 (handshake and headers 5 s each, a request 6 s); meanwhile others
// are served as if they were not there.
func TestSlowClients(t *testing.T) {
	c := run(t, testConfig(t))
	clients := []slowClient{
		{"idle", false, "", ""},
		{"half a TLS record", false, "\x16\x03\x01\x02\x00", ""},
		{"half a ClientHello", false, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + string(make([]byte, 40)), ""},
		{"handshake, then nothing", true, "", ""},
		{"half a request line", true, "GET /ro", ""},
		{"half a header", true, "GET /rooms/r HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", ""},
		{"half a WebSocket handshake", true, "GET /?roomId=r&peerId=p HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n", ""},
		{"half a body", true, "POST /rooms/r/broadcasters HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"id\":", ""},
		{"half a chunk", true, "POST /rooms/r/broadcasters HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"id\":", ""},
	}
	for _, slow := range clients[1:] {
		clients = append(clients, slowClient{slow.name + ", dripping", slow.tls, slow.text, "x"})
	}
	var all sync.WaitGroup
	done := make(chan struct{})
	for _, client := range clients {
		all.Go(func() { client.check(t, c.address) })
	}
	served := make(chan int, 1)
	go func() { served <- serveMeanwhile(t, c.address, done) }()
	all.Wait()
	close(done)
	if n := <-served; n < 10 {
		t.Errorf("others were served %d times meanwhile", n)
	}
}

// check waits for the end of the connection. It lasts as long as is allowed, not longer and, as the clients are not yet late
// then, not much shorter.
func (s slowClient) check(t *testing.T, address string) {
	began := time.Now()
	var conn net.Conn
	conn, err := net.Dial("tcp", address)
	if err == nil && s.tls {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	if err == nil {
		_, err = io.WriteString(conn, s.text)
	}
	if handshaking, ok := conn.(*tls.Conn); ok && err == nil {
		err = handshaking.Handshake()
	}
	if err != nil {
		t.Errorf("%s: %v", s.name, err)
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(began.Add(12 * time.Second))
	if s.drip != "" {
		dripped := make(chan struct{})
		defer func() {
			conn.Close()
			<-dripped
		}()
		go func() {
			defer close(dripped)
			for {
				if _, err := io.WriteString(conn, s.drip); err != nil {
					return
				}
				time.Sleep(300 * time.Millisecond) // that is what it does
			}
		}()
	}
	_, err = io.Copy(io.Discard, conn) // an answer, such as 408, may come before the end
	took := time.Since(began)
	if errors.Is(err, os.ErrDeadlineExceeded) || took < headerTimeout-time.Second {
		t.Errorf("%s: closed after %v, %v", s.name, took, err)
	}
}

// serveMeanwhile counts what another client gets, again and again, on new connections.
func serveMeanwhile(t *testing.T, address string, done <-chan struct{}) int {
	client := insecure(t)
	client.Timeout = 5 * time.Second
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		r, err := client.Get("https://" + address + "/access?roomId=r&peerId=p")
		if err != nil {
			t.Errorf("another client: %v", err)
			return n
		}
		_, _ = bufio.NewReader(r.Body).Peek(1)
		r.Body.Close()
		if r.StatusCode != http.StatusOK {
			t.Errorf("another client: %d", r.StatusCode)
		}
		client.CloseIdleConnections()
		select {
		case <-done:
			return n
		case <-tick.C:
		}
	}
}
