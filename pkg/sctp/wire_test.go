package sctp

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	pion "github.com/pion/sctp"
)

// packet makes a packet of chunks; ports, tag and checksum mean nothing to what looks at it.
func packet(chunks ...[]byte) []byte {
	b := make([]byte, commonHeader)
	for _, c := range chunks {
		b = append(b, c...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	return b
}

func chunkOf(kind uint8, value ...byte) []byte {
	b := []byte{kind, 0, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(tlvHeader+len(value)))
	return append(b, value...)
}

func TestChunks(t *testing.T) {
	b := packet(
		chunkOf(chunkData, 0, 0, 0, 9, 0x12, 0x34, 0, 1, 0, 0, 0, 51, 'h', 'i', '!'),
		chunkOf(chunkInit, 0, 0, 0, 1, 0, 1, 0, 0, 0x04, 0x00, 0x08, 0x00, 0, 0, 0, 9),
		chunkOf(chunkReconfig, 0, 13, 0, 22, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 5, 0, 7, 0, 9, 0, 0, 0, 16, 0, 8, 0, 0, 0, 1),
	)[commonHeader:]
	data, b, ok := nextChunk(b)
	if id, fine := data.stream(); !ok || data.kind != chunkData || !fine || id != 0x1234 {
		t.Errorf("DATA %+v", data)
	}
	hello, b, ok := nextChunk(b)
	if outbound, inbound, fine := hello.streams(); !ok || hello.kind != chunkInit || !fine || outbound != 1024 || inbound != 2048 {
		t.Errorf("INIT %+v", hello)
	}
	reset, b, ok := nextChunk(b)
	var ids []uint16
	reset.eachReset(func(id uint16) { ids = append(ids, id) })
	if !ok || !slices.Equal(ids, []uint16{5, 7, 9}) || len(b) != 0 {
		t.Errorf("RE-CONFIG of %v, %d bytes left", ids, len(b))
	}
	for _, bad := range [][]byte{nil, {0}, {0, 0, 0, 3}, {0, 0, 0, 5}, {0, 0, 255, 255, 1}} {
		if c, _, ok := nextChunk(bad); ok {
			t.Errorf("%x is %+v", bad, c)
		}
	}
	if _, ok := (chunk{value: []byte{1, 2, 3, 4, 5}}).stream(); ok {
		t.Error("a short DATA has a stream")
	}
	if _, _, ok := (chunk{value: make([]byte, 11)}).streams(); ok {
		t.Error("a short INIT has streams")
	}
}

// Whatever comes, every byte is looked at once at most, and nothing beyond it.
func FuzzChunks(f *testing.F) {
	f.Add(packet(chunkOf(chunkData, 0, 0, 0, 9, 0x12, 0x34, 0, 1, 0, 0, 0, 51)))
	f.Add(packet(chunkOf(chunkReconfig, 0, 13, 0, 20, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 5, 0, 7)))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		total := len(b)
		for n := 0; ; n++ {
			c, rest, ok := nextChunk(b)
			if !ok {
				return
			}
			if len(rest) > len(b)-tlvHeader || len(c.value) > len(b) || n > total/tlvHeader {
				t.Fatalf("%d bytes and a rest of %d out of %d", len(c.value), len(rest), len(b))
			}
			c.stream()
			c.streams()
			resets := 0
			c.eachReset(func(uint16) { resets++ })
			if resets > len(c.value)/2 {
				t.Fatalf("%d resets in %d bytes", resets, len(c.value))
			}
			b = rest
		}
	})
}

// A peer cannot make us keep more streams than it was allowed, or than a few.
func TestStrangers(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		for id := range uint16(200) {
			w.open(Stream{ID: 1000 + id})
		}
		synctest.Wait()
		for id := range uint16(200) {
			w.write(w.stream(id), "stranger")
			w.write(w.stream(1000+id), "friend")
		}
		synctest.Wait()
		kinds := map[string]int{}
		w.do(func(time.Time) {
			for _, m := range w.messages {
				kinds[string(m.Payload)]++
			}
		})
		if kinds["stranger"] != maxStrangers || kinds["friend"] == 0 || w.counters.UnknownStreams.Load() == 0 {
			t.Errorf("got %v, %d refused", kinds, w.counters.UnknownStreams.Load())
		}
		// A stranger that leaves makes room for another.
		if err := w.stream(0).Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestStrangersLeave(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		for round := range 3 * maxStrangers {
			s := w.stream(uint16(round))
			w.write(s, "x")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			w.until("heard", func() bool { return len(w.messages) == round+1 })
			synctest.Wait()
		}
		if n := w.counters.UnknownStreams.Load(); n != 0 {
			t.Errorf("%d packets refused", n)
		}
		w.do(func(time.Time) {
			if len(w.a.island.wire.streams) != 0 || w.a.island.wire.strangers != 0 || len(w.a.island.writer.streams) != 0 {
				t.Errorf("left: %d streams, %d strangers", len(w.a.island.wire.streams), w.a.island.wire.strangers)
			}
		})
	})
}

// RFC 8832 section 5.2: a DATA_CHANNEL_OPEN is answered with DATA_CHANNEL_ACK, and is no message.
func TestChannelOpenIsAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		s := w.stream(9)
		if _, err := s.WriteSCTP([]byte{dcepOpen, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, pion.PayloadTypeWebRTCDCEP); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		n, ppid, err := s.ReadSCTP(b)
		if err != nil || n != 1 || b[0] != dcepAck || ppid != pion.PayloadTypeWebRTCDCEP {
			t.Errorf("answer %x, %v, %v", b[:n], ppid, err)
		}
		if _, err := s.WriteSCTP([]byte{dcepAck}, pion.PayloadTypeWebRTCDCEP); err != nil {
			t.Fatal(err)
		}
		w.write(s, "and now")
		w.until("heard", func() bool { return len(w.messages) == 1 })
		w.send(9, "yes")
		if got := w.read(s); got != "yes" {
			t.Errorf("the peer got %q", got)
		}
		w.until("released", func() bool { return w.released[9].Messages == 1 })
	})
}

// Messages that come while the library has not told us that it is connected are not lost.
func TestEarlyMessages(t *testing.T) {
	for range 20 {
		bubble(t, func(t *testing.T, w *world) {
			peer, err := pion.ClientWithOptions(pion.WithNetConn(w.theirs), pion.WithLoggerFactory(silence{}))
			if err != nil {
				t.Fatal(err)
			}
			w.peer = peer
			for id := range uint16(5) {
				w.write(w.stream(id), "early")
			}
			w.until("heard", func() bool { return len(w.messages) == 5 })
		})
	}
}

// When the loop does not keep up, the peer has to wait: what is on its way is bounded, and nothing is lost.
func TestBusyLoop(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		s := w.stream(1)
		const size, count = 32 << 10, 400 // 12.5 MiB
		busy, free := make(chan struct{}), make(chan struct{})
		w.loop.post(func(time.Time) { close(busy); <-free })
		<-busy
		done := make(chan error, 1)
		go func() {
			for range count {
				if _, err := s.WriteSCTP(make([]byte, size), pion.PayloadTypeWebRTCBinary); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		time.Sleep(time.Minute)
		if n := w.a.island.backlog.Load(); n < maxBacklog || n > maxBacklog+size {
			t.Errorf("%d bytes on their way to the loop", n)
		}
		close(free)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		w.until("heard", func() bool { return w.bytes == size*count })
	}, func(c *Config) { c.ReceiveWindow = 1 << 20 })
}

// A loop that catches up in the moment when the reader stops for it does not leave behind what the reader had not taken yet.
func TestLoopCatchesUp(t *testing.T) {
	const before, size = maxBacklog - 1000, 900 // each in a packet of its own, all within the first congestion window
	var island *island
	var full atomic.Bool
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		island = w.a.island
		w.open(Stream{ID: 1})
		peer := w.stream(1)
		island.backlog.Add(before)
		full.Store(true)
		// The first packet gets lost, so that all messages are there when it comes again; and it is the last that comes.
		var first []byte
		over := false
		w.filter(nil, func(b []byte) bool {
			if len(b) < size || over {
				return !over
			}
			tsn := b[commonHeader+tlvHeader:][:4]
			if first == nil {
				first = bytes.Clone(tsn)
				return false
			}
			over = bytes.Equal(first, tsn)
			return true
		})
		for range 4 {
			w.write(peer, string(make([]byte, size)))
		}
		w.until("heard", func() bool { return len(w.messages) > 0 })
		synctest.Wait()
		w.do(func(time.Time) {
			if len(w.messages) != 4 || full.Load() {
				t.Errorf("%d messages of 4 came, and no packet is to come", len(w.messages))
			}
		})
	}, func(c *Config) {
		post := c.Post
		c.Post = func(f func(now time.Time)) {
			if island != nil && island.backlog.Load() >= maxBacklog && full.CompareAndSwap(true, false) {
				island.backlog.Add(-before) // what was posted earlier has just been handled
			}
			post(f)
		}
	})
}

// Streams take turns: a long one does not make a short one wait for its end.
func TestStreamsTakeTurns(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		const size, count = 100_000, 100
		var order []string
		var mu sync.Mutex
		var readers sync.WaitGroup
		for _, name := range []string{"bulk", "chat"} {
			s, n := w.stream(1), count
			if name == "chat" {
				s, n = w.stream(2), 1
			}
			readers.Go(func() {
				for range n {
					w.read(s)
					mu.Lock()
					order = append(order, name)
					mu.Unlock()
				}
			})
		}
		w.open(Stream{ID: 1})
		w.open(Stream{ID: 2})
		w.do(func(now time.Time) {
			for range count {
				w.a.Send(now, 1, 53, make([]byte, size))
			}
			w.a.Send(now, 2, 51, []byte("hello"))
		})
		readers.Wait()
		// What the library was given before may be ahead, and what is on its way.
		if n := slices.Index(order, "chat"); n > 2*feed/size {
			t.Errorf("%d long messages came before the short one", n)
		}
	})
}

// Forged or broken packets on the wire end at the library's checks.
func TestGarbage(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.connect()
		w.open(Stream{ID: 1})
		for n := range 100 {
			w.ours.Put(bytes.Repeat([]byte{byte(n)}, n*10+1))
			w.ours.Put(packet(chunkOf(chunkReconfig, bytes.Repeat([]byte{0, 13, 0, 255}, n)...)))
			w.ours.Put(packet(chunkOf(chunkForwardTSN, 0, 0, 0, byte(n)), chunkOf(chunkData, make([]byte, n)...)))
			time.Sleep(time.Millisecond)
		}
		s := w.stream(1)
		w.write(s, "still here")
		w.until("heard", func() bool { return len(w.messages) == 1 })
		w.send(1, "me too")
		if got := w.read(s); got != "me too" {
			t.Errorf("the peer got %q", got)
		}
	})
}
