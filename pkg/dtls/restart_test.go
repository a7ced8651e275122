package dtls

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// spoil changes the signature in the peer's proof of its key: its CertificateVerify or ServerKeyExchange.
func spoil(b []byte) [][]byte {
	b = bytes.Clone(b)
	for rest := b; ; {
		r, next, ok := nextRecord(rest)
		if !ok {
			return [][]byte{b}
		}
		if f := r.fragment(); r.epoch == 0 && r.kind == contentHandshake &&
			(f[0] == typeCertificateVerify || f[0] == typeServerKeyExchange) {
			f[len(f)-1] ^= 1
		}
		rest = next
	}
}

// R-DTLS-3: "A failed handshake does not fail the transport: fresh state".
func TestServerRestartsAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withData)
		defer w.close()
		w.toUs = spoil
		w.start(Server)
		p := w.connect(Server, peerConfig{})
		<-p.done
		if p.err == nil {
			t.Fatal("a handshake with a wrong signature succeeded")
		}
		p.close()
		synctest.Wait()
		w.expectEvents("connecting")
		w.do(func(time.Time) {
			if w.a.current != nil || w.a.failure == nil {
				t.Errorf("attempt %v, failure %v", w.a.current, w.a.failure)
			}
			w.toUs = nil
		})
		p = w.connect(Server, peerConfig{})
		w.expectConnected(p, AEADAES128GCM)
		w.expectTraffic(p)
		if free := w.limiter.Free(); free != MaxHandshakes {
			t.Errorf("%d handshakes free", free)
		}
	})
}

// As client we begin again by ourselves, five times a second at most, for 30 seconds.
func TestClientRestartsUntilTheBudgetIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		w.toUs = spoil
		var peers []*peer
		var hellos []time.Time
		w.toPeer = func(b []byte) [][]byte {
			// A server that has failed is replaced by another.
			if b[0] == contentHandshake && b[recordHeader] == typeClientHello {
				hellos = append(hellos, time.Now())
				w.peer = w.newPeer(Client, peerConfig{})
				peers = append(peers, w.peer)
				go w.peer.run()
			}
			return [][]byte{b}
		}
		start := time.Now()
		w.start(Client)
		time.Sleep(handshakeBudget + time.Second)
		w.expectEvents("connecting", "failed")
		w.do(func(time.Time) {
			if !errors.Is(w.reason, ErrTimeout) || errors.Unwrap(w.reason) != nil && w.a.failure == nil {
				t.Errorf("reason %v", w.reason)
			}
		})
		// The last restart and the end of the budget are due at the same moment, in either order.
		if n, want := len(hellos), int(handshakeBudget/restartInterval); n != want && n != want+1 {
			t.Errorf("%d handshakes in %v", n, handshakeBudget)
		}
		for i := 1; i < len(hellos); i++ {
			if gap := hellos[i].Sub(hellos[i-1]); gap < restartInterval {
				t.Errorf("restarted after %v", gap)
			}
		}
		if last := hellos[len(hellos)-1].Sub(start); last > handshakeBudget {
			t.Errorf("restarted after %v", last)
		}
		if free := w.limiter.Free(); free != MaxHandshakes {
			t.Errorf("%d handshakes free", free)
		}
		for _, p := range peers {
			p.close()
		}
	})
}

func TestServerRestartsFiveTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		w.start(Server)
		h, started := goodHello(), 0
		for range 1000 {
			h.random++
			w.receive(h.datagram())
			time.Sleep(10 * time.Millisecond)
			w.do(func(now time.Time) {
				if at := w.a.current; at != nil {
					started++
					at.cancel()
					w.a.handshakeOver(now, at, outcome{}, errors.New("failed"))
					w.limiter.free-- // the island itself reports, too
				}
			})
		}
		if started < 45 || started > 51 { // one at each end
			t.Errorf("%d handshakes in 10 s, want about 50", started)
		}
	})
}

func TestBudget(t *testing.T) {
	refused := goodHello()
	refused.suites = []uint16{0xc02f}
	tests := []struct {
		name string
		in   []byte
		want error
	}{
		{"silence", nil, ErrTimeout},
		{"a ClientHello we refuse", refused.datagram(), DropHelloSuite},
		{"a ClientHello and nothing after", goodHello().datagram(), ErrTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.close()
				w.start(Server)
				if tt.in != nil {
					w.receive(tt.in)
				}
				time.Sleep(handshakeBudget - time.Millisecond)
				synctest.Wait()
				w.expectEvents("connecting")
				time.Sleep(time.Millisecond)
				synctest.Wait()
				w.expectEvents("connecting", "failed")
				w.do(func(now time.Time) {
					if !errors.Is(w.reason, ErrTimeout) || !errors.Is(w.reason, tt.want) {
						t.Errorf("reason %v, want %v", w.reason, tt.want)
					}
					w.a.Handle(now, goodHello().datagram())
					if w.counters.Dropped(DropOver) != 1 {
						t.Error("a failed association took a datagram")
					}
				})
				synctest.Wait()
				if free := w.limiter.Free(); free != MaxHandshakes {
					t.Errorf("%d handshakes free", free)
				}
			})
		})
	}
}

// R-DTLS-3: "≤ 200 concurrent handshakes per worker". Who finds no place waits for one.
func TestLimiter(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		synctest.Test(t, func(t *testing.T) {
			limiter := NewLimiter(1)
			share := func(c *Config) { c.Limiter = limiter }
			w := newWorld(t, share, withData)
			defer w.close()
			stuck := newWorldOn(w.loop, t, share)
			stuck.start(Server)
			stuck.receive(goodHello().datagram())
			synctest.Wait()
			if limiter.Free() != 0 {
				t.Error("a handshake in progress is not counted")
			}
			p := w.newPeer(role, peerConfig{})
			w.peer = p
			w.start(role)
			go p.run()
			time.Sleep(stall / 2)
			w.expectEvents("connecting")
			if w.dropped(DropLimit) == 0 {
				t.Errorf("%s: no attempt was put off", role)
			}
			w.do(func(now time.Time) { stuck.a.Close(now) })
			w.expectConnected(p, AEADAES128GCM)
			w.expectTraffic(p)
			if limiter.Free() != 1 {
				t.Errorf("%s: %d handshakes free", role, limiter.Free())
			}
		})
	}
}

// Handshakes that stand still do not keep others out for longer than a moment, while those that go on are left alone.
func TestStalledHandshakesMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := NewLimiter(2)
		share := func(c *Config) { c.Limiter = limiter }
		w := newWorld(t, share, withData)
		defer w.close()
		stuck := []*world{newWorldOn(w.loop, t, share), newWorldOn(w.loop, t, share)}
		for _, s := range stuck {
			s.start(Server)
			s.receive(goodHello().datagram())
			time.Sleep(100 * time.Millisecond)
		}
		p := w.newPeer(Server, peerConfig{})
		w.peer = p
		w.start(Server)
		go p.run()
		time.Sleep(stall / 2)
		w.expectEvents("connecting")
		w.do(func(time.Time) {
			if limiter.Free() != 0 || stuck[0].a.current == nil || stuck[1].a.current == nil {
				t.Error("an attempt was given up that had not stood still for long")
			}
		})
		w.expectConnected(p, AEADAES128GCM)
		w.do(func(time.Time) {
			if stuck[0].a.current != nil || stuck[1].a.current == nil {
				t.Error("it is not the one that stood still the longest that was given up, alone")
			}
			if n := w.counters.Handshakes.Evicted; n != 1 {
				t.Errorf("%d are counted as evicted", n)
			}
			if stuck[0].a.State() != StateConnecting {
				t.Errorf("the association of the one that was given up is %s: it may try again", stuck[0].a.State())
			}
			for _, s := range stuck {
				s.a.Close(time.Now())
			}
		})
		synctest.Wait()
		if limiter.Free() != 2 || len(limiter.running) != 0 {
			t.Errorf("%d handshakes free, %d known", limiter.Free(), len(limiter.running))
		}
	})
}

// "Those who had fewest attempts are the first": who begins again and again does not outrun a newcomer.
func TestTurnsAtTheLimiter(t *testing.T) {
	l := NewLimiter(0)
	hog, early, late := &Association{attempts: 3}, &Association{attempts: 1}, &Association{attempts: 1}
	for _, a := range []*Association{hog, early, late, hog} {
		if l.take(a) {
			t.Fatal("there was a place")
		}
	}
	l.free = 1
	if l.take(&Association{}) {
		t.Error("somebody who has not waited goes first")
	}
	for _, want := range []*Association{early, late, hog} {
		// The newcomer of the line above has had none.
		if first := l.first(); first.attempts == 0 {
			l.leave(first)
		}
		if first := l.first(); first != want {
			t.Errorf("%d attempts, turn %d", first.attempts, l.waiting[first])
		}
		l.leave(want)
	}
	if len(l.waiting) != 0 || !l.take(hog) {
		t.Error("who is alone has no place")
	}
}
