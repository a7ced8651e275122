package sctp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pion "github.com/pion/sctp"
)

func TestConnectAndTalk(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		if w.capabilities.Outbound != 65535 || w.capabilities.Inbound != 65535 {
			t.Errorf("capabilities %+v", w.capabilities)
		}
		s := w.stream(7)
		w.open(Stream{ID: 7})
		w.write(s, "hello")
		w.until("heard", func() bool { return len(w.messages) == 1 })
		if m := w.messages[0]; m.Stream != 7 || m.PPID != 51 || string(m.Payload) != "hello" {
			t.Errorf("got %+v", m)
		}
		w.send(7, "hi")
		if got := w.read(s); got != "hi" {
			t.Errorf("the peer got %q", got)
		}
		w.until("released", func() bool { return w.released[7] == Release{7, 2, 1} })
	})
}

// A peer that comes late, or before us, is met all the same: INITs are repeated, and collide.
func TestPeerComesLate(t *testing.T) {
	for _, late := range []time.Duration{0, 500 * time.Millisecond, 40 * time.Second} {
		bubble(t, func(t *testing.T, w *world) {
			drop := func([]byte) bool { return false }
			w.filter(drop, nil)
			time.Sleep(late)
			w.filter(nil, nil)
			w.connect()
		})
	}
}

func TestNobodyThere(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		w.do(func(time.Time) {
			if !slices.Equal(w.events, []string{"failed"}) || !errors.Is(w.reason, pion.ErrHandshakeInitAck) || w.a.State() != StateFailed {
				t.Errorf("events %q, reason %v, state %v", w.events, w.reason, w.a.State())
			}
		})
	})
}

// After a failure the connection is free for another association.
func TestAnotherTry(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		time.Sleep(10 * time.Minute)
		w.do(func(time.Time) {
			cfg := w.a.cfg
			w.events = nil
			w.a = New(cfg)
		})
		w.connect()
		s := w.stream(1)
		w.write(s, "still there")
		w.until("heard", func() bool { return len(w.messages) == 1 })
	})
}

func TestSizes(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		s := w.stream(1)
		w.open(Stream{ID: 1})
		sizes := []int{1, 1000, 1191, 5000, 65_536, 262_144}
		for _, n := range sizes {
			text := strings.Repeat("x", n-1) + "!"
			w.write(s, text)
			w.send(1, text)
			if got := w.read(s); got != text {
				t.Fatalf("the peer got %d bytes of %d", len(got), n)
			}
		}
		w.until("heard", func() bool { return len(w.messages) == len(sizes) })
		for i, m := range w.messages {
			if len(m.Payload) != sizes[i] || m.Payload[len(m.Payload)-1] != '!' {
				t.Errorf("message %d has %d bytes, want %d", i, len(m.Payload), sizes[i])
			}
		}
	})
}

// R-SCTP-1: "messages ≤ 256 KiB by default".
func TestTooLargeMessages(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		s := w.stream(1)
		w.write(s, strings.Repeat("x", 1001))
		w.write(s, strings.Repeat("x", 1000))
		w.until("heard", func() bool { return len(w.messages) == 1 })
		if len(w.messages[0].Payload) != 1000 || w.counters.TooLarge.Load() != 1 {
			t.Errorf("%d bytes, %d dropped", len(w.messages[0].Payload), w.counters.TooLarge.Load())
		}
		w.open(Stream{ID: 1})
		w.send(1, strings.Repeat("y", 2001))
		w.send(1, "small")
		if got := w.read(s); got != "small" {
			t.Errorf("the peer got %d bytes", len(got))
		}
		w.until("released", func() bool { return w.released[1] == Release{1, 2006, 2} })
		if n := w.counters.Unsent.Load(); n != 1 {
			t.Errorf("%d messages were not sent", n)
		}
	}, func(c *Config) { c.MaxReceiveMessage, c.MaxSendMessage = 1000, 2000 })
}

func TestLoss(t *testing.T) {
	for _, s := range []Stream{{ID: 1}, {ID: 1, Unordered: true}} {
		bubble(t, func(t *testing.T, w *world) {
			w.connect()
			n := 0
			lossy := func([]byte) bool { n++; return n%10 != 0 }
			w.filter(lossy, lossy)
			peer := w.stream(1)
			peer.SetReliabilityParams(s.Unordered, pion.ReliabilityTypeReliable, 0)
			w.open(s)
			const count = 500
			got := map[string]bool{}
			for i := range count {
				text := fmt.Sprint(i, strings.Repeat("-", 100))
				w.write(peer, text)
				w.send(1, text)
			}
			for i := range count {
				text := w.read(peer)
				got[text] = true
				if !s.Unordered && !strings.HasPrefix(text, fmt.Sprint(i, "-")) {
					t.Fatalf("message %d is %.10s", i, text)
				}
			}
			w.until("heard", func() bool { return len(w.messages) == count })
			if len(got) != count {
				t.Errorf("the peer got %d different messages", len(got))
			}
			for i, m := range w.messages {
				if !s.Unordered && !strings.HasPrefix(string(m.Payload), fmt.Sprint(i, "-")) {
					t.Fatalf("message %d is %.10s", i, m.Payload)
				}
			}
		})
	}
}

// RFC 3758 section 3.5: what a stream has given up is skipped, and released.
func TestPartialReliability(t *testing.T) {
	none, short := uint16(0), uint16(50)
	for _, s := range []Stream{
		{ID: 1, Unordered: true, MaxRetransmits: &none},
		{ID: 1, Unordered: true, MaxPacketLifeTime: &short},
	} {
		bubble(t, func(t *testing.T, w *world) {
			w.connect()
			peer := w.stream(1)
			peer.SetReliabilityParams(true, pion.ReliabilityTypeRexmit, 0)
			w.open(s)
			w.send(1, "first")
			if got := w.read(peer); got != "first" {
				t.Fatal(got)
			}
			w.filter(func(b []byte) bool { return len(b) < 100 }, nil) // data packets of more than that get lost
			for range 20 {
				w.send(1, strings.Repeat("lost", 50))
			}
			time.Sleep(5 * time.Second)
			w.filter(nil, nil)
			w.send(1, "last")
			missing := 20 // what had not been sent even once may still come
			for w.read(peer) != "last" {
				missing--
			}
			if missing < 4 {
				t.Errorf("only %d messages are missing", missing)
			}
			w.until("released", func() bool { return w.released[1] == Release{1, 9 + 20*200, 22} })
		})
	}
}

// RFC 8831 section 6.7: "if one side decides to close the data channel, it resets the corresponding outgoing stream. When the peer
// sees that an incoming stream was reset, it also resets its corresponding outgoing stream."
func TestPeerClosesStream(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		w.open(Stream{ID: 3})
		s := w.stream(3)
		w.write(s, "bye")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		w.until("closed", func() bool { return slices.Contains(w.events, "stream closed") })
		if len(w.messages) != 1 || string(w.messages[0].Payload) != "bye" {
			t.Errorf("got %+v", w.messages)
		}
		if _, err := s.Read(make([]byte, 10)); !isEOF(err) {
			t.Errorf("the peer's stream is not reset: %v", err)
		}
		// We are late to close it, too, and the number can be used again.
		w.do(func(time.Time) { w.a.CloseStream(3) })
		w.open(Stream{ID: 3})
		again := w.stream(3)
		w.write(again, "hello again")
		w.send(3, "and you")
		if got := w.read(again); got != "and you" {
			t.Errorf("the peer got %q", got)
		}
		w.until("heard", func() bool { return len(w.messages) == 2 })
	})
}

func TestWeCloseStream(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		for round := range 3 {
			s := w.stream(3)
			w.open(Stream{ID: 3})
			text := fmt.Sprint("round ", round)
			w.send(3, text)
			if got := w.read(s); got != text {
				t.Fatalf("the peer got %q", got)
			}
			w.do(func(time.Time) {
				w.a.CloseStream(3)
				w.a.Open(Stream{ID: 3}) // waits for the peer to let go of it
			})
			if _, err := s.Read(make([]byte, 10)); !isEOF(err) {
				t.Fatalf("the peer's stream is not reset: %v", err)
			}
			if err := s.Close(); err != nil { // what data channels do then
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if slices.Contains(w.events, "stream closed") {
			t.Error("told of what we did ourselves")
		}
	})
}

// What waits on a stream that is closed is not sent any more.
func TestCloseDiscards(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		w.filter(func(b []byte) bool { return len(b) < 200 }, nil)
		w.open(Stream{ID: 3})
		for range 100 {
			w.send(3, strings.Repeat("x", 100_000))
		}
		w.do(func(time.Time) { w.a.CloseStream(3) })
		synctest.Wait()
		w.do(func(time.Time) {
			if w.a.waiting != 0 || len(w.released) != 0 {
				t.Errorf("%d bytes wait, released %v", w.a.waiting, w.released)
			}
			o := w.a.island.writer.streams[3]
			if len(o.pending) != 0 || len(w.a.island.writer.ready) != 0 {
				t.Errorf("%d messages wait", len(o.pending))
			}
		})
		if n := w.a.island.library.Load().BufferedAmount(); n > feed+100_000 {
			t.Errorf("the library holds %d bytes", n)
		}
	})
}

func TestPeerEndsAssociation(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		w.peer.Abort("enough")
		w.until("closed", func() bool { return slices.Contains(w.events, "closed") })
		w.do(func(now time.Time) {
			w.a.Send(now, 1, 51, []byte("x")) // goes nowhere, and harms nobody
			if w.a.State() != StateClosed {
				t.Errorf("state %v", w.a.State())
			}
		})
	})
}

func TestConnectionEnds(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		_ = w.ours.Close()
		w.until("closed", func() bool { return slices.Contains(w.events, "closed") })
	})
}

// Close is prompt in every state, and no event follows.
func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) { // while connecting
		w.do(func(time.Time) { w.a.Close(); w.a.Close() })
		time.Sleep(time.Hour)
		if len(w.events) != 0 {
			t.Errorf("events %q", w.events)
		}
	})
	bubble(t, func(t *testing.T, w *world) { // in the middle of things
		w.connect()
		w.open(Stream{ID: 1})
		s := w.stream(1)
		for range 10 {
			w.write(s, strings.Repeat("x", 10_000))
			w.send(1, strings.Repeat("x", 10_000))
		}
		w.do(func(time.Time) { w.a.Close() })
		events := len(w.events)
		var heard int
		w.do(func(time.Time) { heard = len(w.messages) })
		time.Sleep(time.Hour)
		if len(w.events) != events || len(w.messages) != heard {
			t.Errorf("events %q", w.events)
		}
	})
}

// R-SCTP-3: "A peer that goes silent or advertises a zero window for ever harms nobody else."
func TestSilentPeer(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		w.open(Stream{ID: 1})
		time.Sleep(time.Hour) // silence is no failure while nothing waits
		w.filter(func([]byte) bool { return false }, func([]byte) bool { return false })
		w.send(1, "hello?")
		start := time.Now()
		w.until("failed", func() bool { return slices.Contains(w.events, "failed") })
		if !errors.Is(w.reason, ErrSilent) {
			t.Errorf("reason %v", w.reason)
		}
		if d := time.Since(start); d < 25*time.Second || d > 45*time.Second {
			t.Errorf("failed after %v", d)
		}
	})
}

func TestPeerThatDoesNotRead(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		w.open(Stream{ID: 1})
		s := w.stream(1)
		const size, count = 64 << 10, 64 // 4 MiB, to a window of 1
		for range count {
			w.send(1, strings.Repeat("x", size))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		w.do(func(time.Time) {
			if slices.Contains(w.events, "failed") {
				t.Error("failed, though the peer answers")
			}
			if r := w.released[1]; r.Bytes > 2<<20 || r.Messages == 0 {
				t.Errorf("released %+v", r)
			}
		})
		if n := w.a.island.library.Load().BufferedAmount(); n > feed+size {
			t.Errorf("the library holds %d bytes", n)
		}
		for range count { // and then it does
			if got := w.read(s); len(got) != size {
				t.Fatalf("%d bytes", len(got))
			}
		}
		w.until("released", func() bool { return w.released[1] == Release{1, size * count, count} })
	})
}
