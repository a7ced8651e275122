package dtls

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/mailbox"
)

func TestCloseSaysGoodbye(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, withData)
			defer w.close()
			p := w.newPeer(role, peerConfig{})
			w.peer = p
			w.start(role)
			go p.run()
			w.expectConnected(p, AEADAES128GCM)
			var data net.Conn
			w.do(func(now time.Time) { data = w.a.Data(); w.a.Close(now); w.a.Close(now) })
			synctest.Wait()
			if _, err := p.read(); !errors.Is(err, io.EOF) {
				t.Errorf("%s: the peer read %v, want the end", role, err)
			}
			if _, err := data.Read(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: data read %v", role, err)
			}
			w.expectEvents("connecting", "connected") // the owner knows that it closed
			w.do(func(now time.Time) {
				if w.a.State() != StateClosed || w.a.Data() != nil {
					t.Errorf("state %v", w.a.State())
				}
				w.a.Handle(now, rawRecord(contentData, 1, 1, make([]byte, 40)))
				if w.counters.Dropped(DropOver) == 0 {
					t.Error("a closed association took a datagram")
				}
			})
		})
	}
}

func TestPeerCloses(t *testing.T) {
	for _, data := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(c *Config) { c.Data = data })
			defer w.close()
			w.start(Server)
			p := w.connect(Server, peerConfig{})
			w.expectConnected(p, AEADAES128GCM)
			// Much more than anyone takes: it must not keep the close_notify from being read.
			for i := range 500 {
				if _, err := p.conn.Write([]byte(fmt.Sprint("message ", i))); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			_ = p.conn.Close()
			synctest.Wait()
			w.expectEvents("connecting", "connected", "closed")
			w.do(func(now time.Time) {
				if w.a.State() != StateClosed || w.a.current != nil {
					t.Errorf("state %v", w.a.State())
				}
				w.a.Close(now) // nothing is left to do
			})
			w.expectEvents("connecting", "connected", "closed")
		})
	}
}

// Close at every moment of a handshake: nothing may stay behind, and nothing more be said.
func TestCloseDuringHandshake(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		for n := range 8 {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.close()
				seen, connected := 0, false
				closing := func(b []byte) [][]byte {
					if seen++; seen == n+1 {
						connected = w.a.State() == StateConnected
						w.a.Close(time.Now())
						w.sentAt = nil
					}
					return [][]byte{b}
				}
				w.toUs, w.toPeer = closing, closing
				p := w.newPeer(role, peerConfig{})
				w.peer = p
				w.start(role)
				go p.run()
				time.Sleep(5 * time.Second)
				w.do(func(time.Time) {
					if seen <= n { // it takes no more datagrams than that
						return
					}
					if w.a.State() != StateClosed {
						t.Errorf("state %v", w.a.State())
					}
					allowed := 0
					if connected {
						allowed = 1 // close_notify
					}
					if len(w.sentAt) > allowed {
						t.Errorf("%s: %d datagrams after Close %d", role, len(w.sentAt), n)
					}
				})
				if free := w.limiter.Free(); free != MaxHandshakes {
					t.Errorf("%d handshakes free", free)
				}
				_ = p.mail.Close()
			})
		}
	}
}

func TestCloseBeforeAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.do(func(now time.Time) {
			w.a.Close(now)
			w.a.Ready(now)
			if err := w.a.Start(now, Client, aCert.Fingerprints()); err == nil {
				t.Error("started after Close")
			}
		})
		w.expectEvents()
		w.loop.close()
	})
}

// R-DTLS-7: "where the library draws them at random (its GCM), at most 2²⁴ records per key".
func TestRecordBudget(t *testing.T) {
	if gcmRecords > 1<<24 {
		t.Errorf("budget %d", gcmRecords)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withData)
		defer w.close()
		const budget = 10
		w.a.gcmRecords = budget
		sealed := 0
		w.toPeer = func(b []byte) [][]byte {
			for rest := b; ; {
				r, next, ok := nextRecord(rest)
				if !ok {
					return [][]byte{b}
				}
				if r.epoch > 0 {
					sealed++
				}
				rest = next
			}
		}
		w.start(Server)
		p := w.connect(Server, peerConfig{gcm: true})
		w.expectConnected(p, AEADAES128GCM)
		var data net.Conn
		w.do(func(time.Time) { data = w.a.Data() })
		go func() {
			for range 3 * budget {
				if _, err := data.Write([]byte("x")); err != nil {
					return
				}
			}
		}()
		got := 0
		for {
			if _, err := p.read(); err != nil {
				break
			}
			got++
		}
		synctest.Wait()
		w.expectEvents("connecting", "connected", "failed")
		w.do(func(time.Time) {
			if !errors.Is(w.reason, ErrRecordBudget) {
				t.Errorf("reason %v", w.reason)
			}
			if sealed > budget {
				t.Errorf("%d records by one key, budget %d", sealed, budget)
			}
		})
		if got != budget-2 { // a Finished before, an alert after
			t.Errorf("%d messages, want %d", got, budget-2)
		}
		if w.dropped(DropBudget) != 1 || w.counters.Handshakes.Completed != 1 {
			t.Errorf("counted %d, %+v", w.dropped(DropBudget), w.counters.Handshakes)
		}
	})
}

// Our own suite counts its nonces, and needs no budget.
func TestNoRecordBudgetForChaCha20(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withData)
		defer w.close()
		w.a.gcmRecords = 2
		w.start(Server)
		p := w.connect(Server, peerConfig{})
		w.expectConnected(p, AEADAES128GCM)
		w.expectTraffic(p)
	})
}

func TestDataDropsWhatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withData)
		defer w.close()
		w.start(Server)
		p := w.connect(Server, peerConfig{})
		w.expectConnected(p, AEADAES128GCM)
		for i := range mailbox.Bulk + 100 {
			if _, err := p.conn.Write([]byte{byte(i), byte(i >> 8)}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		var data net.Conn
		w.do(func(time.Time) { data = w.a.Data() })
		_ = data.SetReadDeadline(time.Now().Add(time.Second))
		n := 0
		for b := make([]byte, 10); ; n++ {
			if _, err := data.Read(b); err != nil {
				break
			}
			if int(b[0])|int(b[1])<<8 != n {
				t.Fatalf("message %d is %d", n, b[:2])
			}
		}
		if n != mailbox.Bulk {
			t.Errorf("%d messages were kept, want %d", n, mailbox.Bulk)
		}
		if got := w.dropped(DropUnread); got != 100 {
			t.Errorf("%d were counted as dropped", got)
		}
	})
}
