package dtls

import (
	"bytes"
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

// A mailbox that is full at the wrong moment costs a retransmission, not the handshake: a message counts as
// delivered when the library can read all of it.
func TestFullMailboxDuringHandshake(t *testing.T) {
	w := newWorld(t)
	defer w.loop.close()
	w.a.role = Server
	at := newAttempt(time.Time{}, w.a) // nobody reads from its island
	defer at.cancel()
	at.flight.last, at.inbox.next = typeClientHello, 1
	filler := []byte("filler")
	for at.island.mail.Put(filler) {
	}
	certificate := fragment{kind: typeCertificate, seq: 1, length: 3, data: make([]byte, 3)}
	at.handshakeFragment(time.Time{}, certificate)
	if w.counters.Dropped(DropMailbox) != 1 || at.flight.last != typeClientHello || at.inbox.next != 1 {
		t.Fatal("the message went on, but not into the mailbox")
	}
	b := make([]byte, 100)
	for at.island.mail.Len() > 0 {
		_, _ = at.island.mail.Read(b)
	}
	at.handshakeFragment(time.Time{}, certificate)
	if at.flight.last != typeCertificate || at.inbox.next != 2 || at.island.mail.Len() != 1 {
		t.Error("the retransmission did not go on")
	}
	n, _ := at.island.mail.Read(b)
	want := rawRecord(contentHandshake, 0, 0, rawMessage(typeCertificate, 1, make([]byte, 3)))
	if !bytes.Equal(b[:n], want) {
		t.Errorf("delivered %x, want %x", b[:n], want)
	}
}
