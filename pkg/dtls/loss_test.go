package dtls

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// lossy drops, doubles and holds back datagrams by a seed: a held one is overtaken by the next.
func lossy(r *rand.Rand, loss float64) func(b []byte) [][]byte {
	var held [][]byte
	return func(b []byte) [][]byte {
		if r.Float64() < loss {
			return nil
		}
		out := append([][]byte{b}, held...)
		held = nil
		switch x := r.Float64(); {
		case x < 0.1:
			out = append(out, b)
		case x < 0.3:
			held, out = out[:1], out[1:]
		}
		return out
	}
}

func TestHandshakeOnALossyPath(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		for seed := range uint64(40) {
			t.Run(fmt.Sprint(role, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := rand.New(rand.NewPCG(seed, 1))
					w := newWorld(t, withData)
					defer w.close()
					w.toUs, w.toPeer = lossy(r, 0.2), lossy(r, 0.2)
					p := w.newPeer(role, peerConfig{})
					w.peer = p
					w.start(role)
					go p.run()
					w.expectConnected(p, AEADAES128GCM)
					w.do(func(time.Time) { w.toUs, w.toPeer = nil, nil })
					w.expectTraffic(p)
				})
			})
		}
	}
}

// "the server's last flight ... if that is lost, the client retransmits" (RFC 6347 section 4.2.4): we
// are connected by then, and must still answer.
func TestLostLastFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withData)
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
		p := w.connect(Server, peerConfig{})
		synctest.Wait()
		w.expectEvents("connecting", "connected")
		w.expectConnected(p, AEADAES128GCM)
		w.expectTraffic(p)
		if lost != 3 || w.counters.Retransmitted == 0 {
			t.Errorf("lost %d flights, saw %d records retransmitted", lost, w.counters.Retransmitted)
		}
	})
}

// Records of one flight may arrive in any order. Each goes into a datagram of its own, backwards.
func TestFlightBackwards(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, withData)
			defer w.close()
			backwards := func(b []byte) (out [][]byte) {
				for {
					r, rest, ok := nextRecord(b)
					if !ok {
						return out
					}
					out = append([][]byte{r.raw}, out...)
					b = rest
				}
			}
			w.toUs = backwards
			p := w.newPeer(role, peerConfig{})
			w.peer = p
			w.start(role)
			start := time.Now()
			go p.run()
			w.expectConnected(p, AEADAES128GCM)
			if took := time.Since(start); took > 0 {
				t.Errorf("%s: took %v: a record was not kept for its turn", role, took)
			}
			w.expectTraffic(p)
		})
	}
}

// A mailbox that is full at the wrong moment costs a retransmission, not the handshake.
func TestFullMailboxDuringHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withData)
		defer w.close()
		flooded := false
		w.toUs = func(b []byte) [][]byte {
			if at := w.a.current; at != nil && !flooded {
				flooded = true
				for at.island.mail.Put(rawRecord(contentHandshake, 2, 0, []byte{1})) {
				}
			}
			return [][]byte{b}
		}
		w.start(Server)
		p := w.connect(Server, peerConfig{})
		w.expectConnected(p, AEADAES128GCM)
		w.do(func(time.Time) {
			if w.counters.Dropped(DropMailbox) == 0 {
				t.Error("the mailbox took everything")
			}
		})
		w.expectTraffic(p)
	})
}
