package dtls

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// eachRemnant runs a test without application data, in both roles and with both suites.
func eachRemnant(t *testing.T, test func(t *testing.T, w *world, role Role, pc peerConfig)) {
	for _, role := range []Role{Server, Client} {
		for _, pc := range []peerConfig{{}, {gcm: true}} {
			name := string(role) + " ChaCha20"
			if pc.gcm {
				name = string(role) + " GCM"
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					defer w.close()
					test(t, w, role, pc)
				})
			})
		}
	}
}

// join connects a peer in the other role.
func (w *world) join(role Role, pc peerConfig) *peer {
	w.t.Helper()
	p := w.newPeer(role, pc)
	w.do(func(time.Time) { w.peer = p })
	w.start(role)
	go p.run()
	w.expectConnected(p, AEADAES128GCM)
	w.do(func(time.Time) {
		if w.a.current.remnant == nil || w.a.current.island != nil {
			w.t.Error("the library is still there")
		}
	})
	return p
}

// sealedNumbers collects the numbers of the protected records we send.
func (w *world) sealedNumbers() *[]uint64 {
	numbers := new([]uint64)
	w.toPeer = func(b []byte) [][]byte {
		for rest := b; ; {
			r, next, ok := nextRecord(rest)
			if !ok {
				return [][]byte{b}
			}
			if r.epoch > 0 {
				*numbers = append(*numbers, binary.BigEndian.Uint64(r.raw[3:]))
			}
			rest = next
		}
	}
	return numbers
}

// Close is heard by the peer, although the library has gone; and no number is used twice over the change (R-DTLS-7).
func TestRemnantSaysGoodbye(t *testing.T) {
	eachRemnant(t, func(t *testing.T, w *world, role Role, pc peerConfig) {
		numbers := w.sealedNumbers()
		p := w.join(role, pc)
		w.do(func(now time.Time) { w.a.Close(now) })
		if _, err := p.read(); !errors.Is(err, io.EOF) {
			t.Errorf("the peer read %v, want a goodbye", err)
		}
		w.do(func(time.Time) {
			if n := len(*numbers); n < 2 || !slices.IsSorted(*numbers) || len(slices.Compact(slices.Clone(*numbers))) != n {
				t.Errorf("record numbers %x", *numbers)
			}
		})
		w.expectEvents("connecting", "connected")
	})
}

// "The other party MUST respond with a close_notify alert of its own and close down the connection immediately" (RFC 5246 section 7.2.1).
func TestRemnantHearsGoodbye(t *testing.T) {
	eachRemnant(t, func(t *testing.T, w *world, role Role, pc peerConfig) {
		numbers := w.sealedNumbers()
		p := w.join(role, pc)
		before := 0
		w.do(func(time.Time) { before = len(*numbers) })
		_ = p.conn.Close()
		synctest.Wait()
		w.expectEvents("connecting", "connected", "closed")
		w.do(func(time.Time) {
			if w.a.State() != StateClosed || len(*numbers) != before+1 {
				t.Errorf("state %v, %d records after the goodbye", w.a.State(), len(*numbers)-before)
			}
		})
	})
}

// A peer that misses our last flight repeats its own, and gets ours again, however often it is lost.
func TestRemnantRepeatsTheLastFlight(t *testing.T) {
	for _, gcm := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			lost := 0
			w.toPeer = func(b []byte) [][]byte {
				if lost < 3 && containsRecord(b, contentChangeCipherSpec) {
					lost++
					return nil
				}
				return [][]byte{b}
			}
			w.start(Server)
			p := w.connect(Server, peerConfig{gcm: gcm})
			w.expectConnected(p, AEADAES128GCM)
			if lost != 3 || w.counters.Retransmitted == 0 {
				t.Errorf("lost %d flights, saw %d records retransmitted", lost, w.counters.Retransmitted)
			}
		})
	}
}

// Who overheard the peer's Finished can make us repeat ours once, not as often as it likes. Forged records do nothing at all.
func TestRemnantUnderAttack(t *testing.T) {
	for _, gcm := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			var finished []byte
			w.toUs = func(b []byte) [][]byte {
				for rest := b; ; {
					r, next, ok := nextRecord(rest)
					if !ok {
						return [][]byte{b}
					}
					if r.epoch == 1 && r.kind == contentHandshake {
						finished = bytes.Clone(r.raw)
					}
					rest = next
				}
			}
			p := w.join(Server, peerConfig{gcm: gcm})
			before := 0
			w.do(func(time.Time) { before, w.toUs = len(w.sentAt), nil })
			for range 20 {
				w.receive(finished)
				time.Sleep(time.Second)
			}
			w.do(func(time.Time) {
				if n := len(w.sentAt) - before; n != 1 {
					t.Errorf("a Finished that was sent 20 times more is answered with %d datagrams", n)
				}
			})
			forged := rawRecord(contentAlert, 1, 7, make([]byte, 26))
			short := rawRecord(contentAlert, 1, 8, []byte{alertFatal, 0})
			changed := bytes.Clone(finished)
			changed[len(changed)-1] ^= 1
			w.do(func(time.Time) { before = len(w.sentAt) })
			dropped := w.dropped(DropSealed)
			time.Sleep(time.Second)
			for _, b := range [][]byte{forged, short, changed} {
				w.receive(b)
			}
			synctest.Wait()
			w.expectEvents("connecting", "connected")
			n := w.dropped(DropSealed) - dropped
			w.do(func(now time.Time) {
				if n != 3 || len(w.sentAt) != before {
					t.Errorf("%d records dropped, %d datagrams sent", n, len(w.sentAt)-before)
				}
				w.a.Close(now)
			})
			if _, err := p.read(); !errors.Is(err, io.EOF) {
				t.Errorf("the peer read %v, want a goodbye", err)
			}
		})
	}
}
