package dtls

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A peer may end the connection the moment it has one: its goodbye comes with its Finished, or before it, when the library is about to leave.
func TestGoodbyeRightAfterTheHandshake(t *testing.T) {
	for _, first := range []string{"finished", "alert"} {
		for _, gcm := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.close()
				var held []byte
				w.toUs = func(b []byte) [][]byte {
					switch {
					case containsRecord(b, contentChangeCipherSpec):
						held = b
						return nil
					case b[0] == contentAlert && first == "alert":
						return [][]byte{b, b, b, held} // nobody can fill memory with them
					case b[0] == contentAlert:
						return [][]byte{held, b}
					}
					return [][]byte{b}
				}
				p := w.newPeer(Client, peerConfig{gcm: gcm})
				w.peer = p
				w.start(Client)
				go p.run()
				<-p.done
				_ = p.conn.Close()
				synctest.Wait()
				w.expectEvents("connecting", "connected", "closed")
				if n := w.dropped(DropEarly); first == "alert" && n != 1 {
					t.Errorf("%d alerts dropped, want 1 of 3", n)
				}
			})
		}
	}
}

// As server we may or may not be connected when the client's goodbye comes: it is heard either way.
func TestGoodbyeFromAHastyClient(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			w.start(Server)
			p := w.connect(Server, peerConfig{})
			<-p.done
			_ = p.conn.Close()
			synctest.Wait()
			w.expectEvents("connecting", "connected", "closed")
		})
	}
}

// What an authentic alert does depends on what it says (RFC 5246 section 7.2): "Upon transmission or receipt of a fatal alert message, both parties
// immediately close the connection", and only a close_notify is answered.
func TestAlertsToARemnant(t *testing.T) {
	tests := []struct {
		name    string
		kind    uint8
		says    []byte
		closes  bool
		answers int
		dropped Drop
	}{
		{"close_notify", contentAlert, []byte{alertWarning, alertCloseNotify}, true, 1, passed},
		{"fatal", contentAlert, []byte{alertFatal, 40}, true, 0, passed},
		{"fatal close_notify", contentAlert, []byte{alertFatal, alertCloseNotify}, true, 1, passed},
		{"user_canceled", contentAlert, []byte{alertWarning, 90}, false, 0, DropDuplicate},
		{"half an alert", contentAlert, []byte{alertFatal}, false, 0, DropDuplicate},
		{"two in one", contentAlert, []byte{alertFatal, 40, alertFatal, 40}, false, 0, DropDuplicate},
		{"longer than anything", contentAlert, slices.Repeat([]byte{alertFatal, 0}, 20), false, 0, DropSealed},
		{"an alert's bytes as handshake", contentHandshake, []byte{alertFatal, alertCloseNotify}, false, 1, passed},
		{"data", contentData, []byte{alertFatal, alertCloseNotify}, false, 0, DropData},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.close()
				p := w.join(Server, peerConfig{})
				sealed := p.suite.keys.Load().sealRecord(rawRecord(tt.kind, 1, 1000, tt.says))
				w.do(func(now time.Time) {
					w.sentAt = nil
					for i := range sealed { // every forgery of it first; the length is bound by the length itself
						if i == 0 || i >= recordHeader {
							forged := bytes.Clone(sealed)
							forged[i] ^= 1
							w.a.Handle(now, forged)
						}
					}
					if w.a.State() != StateConnected || len(w.sentAt) > 0 {
						t.Fatalf("forgeries: state %v, %d answers", w.a.State(), len(w.sentAt))
					}
					before := w.counters.Dropped(tt.dropped)
					now = now.Add(time.Second) // the gate's limit on Finished has room again
					w.a.Handle(now, bytes.Clone(sealed))
					if n := w.counters.Dropped(tt.dropped) - before; tt.dropped != passed && n != 1 {
						t.Errorf("%d dropped as %v", n, tt.dropped)
					}
					if closed := w.a.State() == StateClosed; closed != tt.closes || closed != slices.Contains(w.events, "closed") {
						t.Errorf("state %v, events %v", w.a.State(), w.events)
					}
					if len(w.sentAt) != tt.answers {
						t.Errorf("%d answers, want %d", len(w.sentAt), tt.answers)
					}
					if w.a.Handle(now, bytes.Clone(sealed)); tt.closes && (w.counters.Dropped(DropOver) != 1 || len(w.events) != 3) {
						t.Errorf("said twice: events %v", w.events)
					}
				})
			})
		})
	}
}

// Close has said goodbye when it returns: the path to the peer may be gone right after.
func TestRemnantClosesAtOnce(t *testing.T) {
	eachRemnant(t, func(t *testing.T, w *world, role Role, pc peerConfig) {
		p := w.join(role, pc)
		w.do(func(now time.Time) {
			w.sentAt = nil
			w.a.Close(now)
			w.toPeer = func([]byte) [][]byte { return nil }
			w.a.Close(now)
			if len(w.sentAt) != 1 || w.a.current != nil {
				t.Errorf("%d datagrams", len(w.sentAt))
			}
		})
		if _, err := p.read(); !errors.Is(err, io.EOF) {
			t.Errorf("the peer read %v", err)
		}
	})
}

// What keeps our end from waiting for the library must not keep the peer from getting through, whatever is lost.
func TestRemnantOnALossyPath(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		for seed := range uint64(40) {
			t.Run(fmt.Sprint(role, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := rand.New(rand.NewPCG(seed, 2))
					w := newWorld(t)
					defer w.close()
					w.toUs, w.toPeer = lossy(r, 0.3), lossy(r, 0.3)
					p := w.join(role, peerConfig{gcm: seed%2 == 1})
					w.do(func(time.Time) { w.toUs, w.toPeer = nil, nil })
					_ = p.conn.Close()
					synctest.Wait()
					w.expectEvents("connecting", "connected", "closed")
				})
			})
		}
	}
}

// OpenSSL hears our goodbye, and we hear its own, though our library has left.
func TestGoodbyesWithOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Log("openssl is not installed: the tests against the library stand alone")
		return
	}
	for _, cipher := range []string{"ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"} {
		for _, weClose := range []bool{false, true} {
			t.Run(fmt.Sprint(cipher, " we close: ", weClose), func(t *testing.T) {
				certsOnce.Do(testCertificates)
				var deliver func(*world)
				var p *opensslPeer
				w := newWorld(t, func(c *Config) {
					var local string
					deliver, local = overUDP(t, nil, c)
					p = startOpenSSL(t, "s_client", "-connect", local, "-dtls1_2", "-cipher", cipher, "-use_srtp", "SRTP_AEAD_AES_128_GCM")
				})
				t.Cleanup(func() { w.do(func(now time.Time) { w.a.Close(now) }); w.loop.close() })
				deliver(w)
				w.start(Server)
				p.expect(t, "Verify return code")
				await(t, "connected", func() (connected bool) {
					w.do(func(time.Time) { connected = w.a.State() == StateConnected })
					return connected
				})
				if weClose {
					w.do(func(now time.Time) { w.a.Close(now) })
					p.expect(t, "closed")
					return
				}
				_, _ = io.WriteString(p.stdin, "Q\n")
				await(t, "close_notify", func() (closed bool) {
					w.do(func(time.Time) { closed = w.a.State() == StateClosed })
					return closed
				})
				w.expectEvents("connecting", "connected", "closed")
			})
		}
	}
}
