package dtls

import (
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What the library has to send while the loop is busy goes there several datagrams in a post; what comes on top of what may wait is dropped and
// counted, and the writer never waits.
func TestBusyLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var posts atomic.Int64
		w := newWorld(t, withData, func(c *Config) {
			post := c.Post
			c.Post = func(f func(now time.Time)) { posts.Add(1); post(f) }
		})
		w.start(Server)
		p := w.connect(Server, peerConfig{})
		w.expectConnected(p, AEADAES128GCM)
		var data net.Conn
		var before int
		w.do(func(time.Time) {
			data, before = w.a.Data(), len(w.sentAt)
			w.toPeer = func([]byte) [][]byte { return nil } // who would have to read it all
		})
		busy, free := make(chan struct{}), make(chan struct{})
		w.post(func(time.Time) { close(busy); <-free })
		<-busy
		posts.Store(0)
		const sent, parcels, each = 2500, 128, 15 // datagrams; 16 KiB each; of 1000 bytes and 29 of DTLS
		for range sent {
			if _, err := data.Write(make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
		}
		if n := posts.Load(); n != parcels {
			t.Errorf("%d posts", n)
		}
		close(free)
		w.do(func(time.Time) {
			if n := len(w.sentAt) - before; n != parcels*each {
				t.Errorf("%d datagrams are sent", n)
			}
			w.toPeer = nil
		})
		if n := w.dropped(DropUnposted); n != sent-parcels*each {
			t.Errorf("%d are counted", n)
		}
		w.expectTraffic(p)
		w.close()
	})
}
