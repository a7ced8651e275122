package socket

import (
	"encoding/binary"
	"testing"

	"gazpacho/pkg/tuple"
)

// slowPeer is a connection whose kernel buffers are small and whose peer does not read.
func slowPeer(t *testing.T) (links *Links, s *TCPServer, packets <-chan got, to tuple.Tuple, read func(n int)) {
	t.Helper()
	links = NewLinks()
	s, err := ListenTCP(links, loopback4, Options{SendBuffer: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	packets = serve(t, s)
	nc, to := introduce(t, s, packets)
	links.Authenticated(to.Link)
	if err := nc.SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	serial := uint32(0)
	return links, s, packets, to, func(n int) {
		t.Helper()
		for range n {
			p := readFrame(t, nc)
			if got := binary.BigEndian.Uint32([]byte(p)); got != serial || len(p) != 1200 {
				t.Fatalf("frame %d is %d bytes of number %d", serial, len(p), got)
			}
			serial++
		}
	}
}

// numbered commits n packets that count up from first.
func numbered(e *Egress, to tuple.Tuple, first, n int) {
	for i := range n {
		binary.BigEndian.PutUint32(e.Next(), uint32(first+i))
		e.Commit(1200, to)
	}
}

// What a peer does not take at once waits, up to 256 KiB, and comes whole and in order.
func TestTCPSlowReaderCatchesUp(t *testing.T) {
	links, s, packets, to, read := slowPeer(t)
	e := NewEgress(links)
	c := links.find(to.Link).tcp
	queued := func() (bytes int, writer bool) {
		c.queue.mu.Lock()
		defer c.queue.mu.Unlock()
		return c.queue.writing + len(c.queue.waiting), c.queue.running
	}
	sent, seen := 0, 0
	for range 2 {
		for n, _ := queued(); n < maxQueue/2; n, _ = queued() {
			numbered(e, to, sent, 5)
			sent += 5
			e.Flush()
		}
		read(sent - seen)
		eventually(t, "the writer is done", func() bool { _, writer := queued(); return !writer })
		numbered(e, to, sent, 1) // goes straight out again
		sent++
		e.Flush()
		if n, writer := queued(); n != 0 || writer {
			t.Errorf("%d bytes queued for a peer that reads", n)
		}
		read(1)
		seen = sent
	}
	if st := e.Stats(); st.Dropped() != 0 || s.Stats().Behind != 0 {
		t.Errorf("%+v %+v", st, s.Stats())
	}
	noMore(t, packets)
}

// SECURITY.md R-ICE-8: write queue ≤ 256 KiB. A peer that does not read is given up, and nobody else
// notices.
func TestTCPStuckReaderIsDisconnected(t *testing.T) {
	links, s, packets, to, _ := slowPeer(t)
	good, goodTo := introduce(t, s, packets)
	e := NewEgress(links)
	committed := uint64(0)
	for s.Stats().Behind == 0 {
		numbered(e, to, 0, 50)
		commit(e, goodTo, "hello")
		e.Flush()
		committed += 51
		if p := readFrame(t, good); p != "hello" {
			t.Fatalf("the other got %q", p)
		}
		if committed > 100_000 {
			t.Fatal("the queue has no bound")
		}
	}
	closedNext(t, packets, to.Link)
	st := e.Stats()
	if st.Full == 0 || st.Sent+st.Dropped() != committed {
		t.Errorf("%d committed, %+v", committed, st)
	}
	numbered(e, to, 0, 3)
	e.Flush()
	if got := e.Stats(); got.Closed != 3 {
		t.Errorf("after the end: %+v", got)
	}
}

// A connection that broke is found out by writing, and ends.
func TestTCPWriteToBrokenConnection(t *testing.T) {
	links, s, packets, to, _ := slowPeer(t)
	c := links.find(to.Link).tcp
	c.nc.Close() // as if the peer had reset it, and the reader not yet noticed
	e := NewEgress(links)
	numbered(e, to, 0, 3)
	e.Flush()
	if st := e.Stats(); st.Closed != 3 || st.Sent != 0 {
		t.Errorf("%+v", st)
	}
	closedNext(t, packets, to.Link)
	if n := s.Stats().Open; n != 0 {
		t.Errorf("%d open", n)
	}
}
