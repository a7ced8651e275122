package dtls

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// peersAlert is an error as the library makes it of an alert.
type peersAlert struct{}

func (peersAlert) Error() string              { return "alert: Alert LevelFatal: DecryptError" }
func (peersAlert) IsFatalOrCloseNotify() bool { return true }

func TestFailureOf(t *testing.T) {
	late := func(cause error) error { return fmt.Errorf("%w: %w", ErrTimeout, cause) }
	refused := func(d Drop) error { return late(fmt.Errorf("ClientHello refused: %w", d)) }
	tests := []struct {
		reason error
		want   Failure
	}{
		{ErrTimeout, FailedTimeout},
		{ErrFingerprint, FailedFingerprint},
		{fmt.Errorf("handshake: %w", ErrFingerprint), FailedFingerprint},
		{refused(DropHelloMalformed), FailedMalformed},
		{refused(DropHelloVersion), FailedVersion},
		{refused(DropHelloSuite), FailedSuite},
		{refused(DropHelloGroup), FailedGroup},
		{refused(DropHelloSRTP), FailedSRTP},
		{late(peersAlert{}), FailedAlert},
		{late(errors.New("signature mismatch")), FailedProtocol},
		{late(context.DeadlineExceeded), FailedProtocol},
	}
	names := map[string]bool{}
	for f := range NumFailures {
		names[f.String()] = true
	}
	if len(names) != int(NumFailures) || names[""] {
		t.Errorf("names %v", names)
	}
	for _, tt := range tests {
		if got := FailureOf(tt.reason); got != tt.want {
			t.Errorf("%v is %v, want %v", tt.reason, got, tt.want)
		}
	}
}

// Of every handshake that is begun, exactly one end is counted.
func TestHandshakesAreCounted(t *testing.T) {
	hello := func(change func(h *helloSpec)) func(w *world) {
		h := goodHello()
		change(&h)
		return func(w *world) {
			w.start(Server)
			w.receive(h.datagram())
			time.Sleep(handshakeBudget + time.Second)
		}
	}
	tests := []struct {
		name string
		do   func(w *world)
		want Failure
	}{
		{"silence", func(w *world) { w.start(Server); time.Sleep(handshakeBudget + time.Second) }, FailedTimeout},
		{"no version", hello(func(h *helloSpec) { h.version = 0xfeff }), FailedVersion},
		{"no suite", hello(func(h *helloSpec) { h.suites = []uint16{0xc02f} }), FailedSuite},
		{"no group", hello(func(h *helloSpec) { h.groups = []uint16{0x11ec} }), FailedGroup},
		{"no SRTP profile", hello(func(h *helloSpec) { h.profiles = []uint16{5} }), FailedSRTP},
		{"another's certificate", func(w *world) {
			p := w.newPeer(Server, peerConfig{})
			w.peer = p
			go p.run()
			w.start(Server, strangersCert.Fingerprints()[2])
			<-p.done
			synctest.Wait()
		}, FailedFingerprint},
		{"closed", func(w *world) {
			w.start(Server)
			w.do(func(now time.Time) { w.a.Close(now); w.a.Close(now) })
		}, FailedClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.close()
				tt.do(w)
				w.do(func(time.Time) {
					h := w.counters.Handshakes
					want := Handshakes{Started: 1}
					want.Failed[tt.want] = 1
					if h != want {
						t.Errorf("counted %+v, want %+v", h, want)
					}
				})
			})
		})
	}
}

func TestHandshakeThatSucceedsIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		w.do(func(time.Time) {
			if w.counters.Handshakes != (Handshakes{}) {
				t.Errorf("before: %+v", w.counters.Handshakes)
			}
		})
		p := w.newPeer(Client, peerConfig{})
		w.peer = p
		first := true
		w.toUs = func(b []byte) [][]byte {
			if first {
				return spoil(b)
			}
			return [][]byte{b}
		}
		w.toPeer = func(b []byte) [][]byte {
			if b[0] == contentHandshake && b[recordHeader] == typeClientHello && w.counters.Handshakes.Restarted == 1 {
				first = false
				w.peer.close()
				w.peer = w.newPeer(Client, peerConfig{})
				p = w.peer
				go w.peer.run()
			}
			return [][]byte{b}
		}
		go p.run()
		w.start(Client)
		w.do(func(time.Time) {
			if h := w.counters.Handshakes; h.Running != 1 || h.Started != 1 {
				t.Errorf("meanwhile: %+v", h)
			}
		})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		w.do(func(now time.Time) {
			if h := w.counters.Handshakes; h != (Handshakes{Started: 1, Completed: 1, Restarted: 1}) {
				t.Errorf("after: %+v, events %v", h, w.events)
			}
			w.a.Close(now)
			if h := w.counters.Handshakes; h.Running != 0 || h.Failed[FailedClosed] != 0 {
				t.Errorf("closed when it was over: %+v", h)
			}
		})
	})
}
