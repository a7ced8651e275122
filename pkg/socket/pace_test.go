package socket

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"gazpacho/pkg/tuple"
)

func newPace(bitrate int64) *Pace {
	var rate atomic.Int64
	rate.Store(bitrate)
	return NewPace(&rate)
}

func TestPace(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	p := newPace(80_000) // 10 bytes/ms, so that the burst is 1000 bytes
	for i, step := range []struct {
		after time.Duration
		bytes int
		wait  time.Duration
	}{
		{0, 1000, 0}, // what was not used before
		{0, 100, 10 * time.Millisecond},
		{5 * time.Millisecond, 100, 15 * time.Millisecond},
		{15 * time.Millisecond, 0, 0},
		{time.Hour, 2000, 100 * time.Millisecond}, // no more than the burst is kept
		{100 * time.Millisecond, 10, time.Millisecond},
	} {
		start = start.Add(step.after)
		if got := p.pay(start, step.bytes); got != step.wait {
			t.Errorf("step %d: waits %v, want %v", i, got, step.wait)
		}
	}
	for _, test := range []struct {
		pace *Pace
		want int
	}{{nil, spliceBuffer}, {newPace(0), spliceBuffer}, {newPace(1), 512}, {newPace(80_000), 1000}, {newPace(1 << 40), spliceBuffer}} {
		if got := test.pace.chunk(); got != test.want {
			t.Errorf("reads %d bytes at once, want %d", got, test.want)
		}
	}
	if wait := newPace(0).pay(start, 1<<30); wait != 0 {
		t.Errorf("without a bound it waits %v", wait)
	}
}

// splicePaced makes a client's connection one with a peer's.
func splicePaced(t *testing.T, up, down *Pace) (stream *Stream, client, theirs net.Conn) {
	t.Helper()
	ours, theirs := peers(t)
	stream = NewStream(ours, func() {})
	stream.Bound(up, down)
	s, packets := spliceWorld(t, Options{}, func(links *Links, _ *Egress, from tuple.Tuple) { links.Splice(from.Link, stream) })
	client = dial(t, s)
	write(t, client, []byte(bindRequest))
	next(t, packets)
	return stream, client, theirs
}

// R-TURN-6: the rate holds for all streams together that share a pace, each way for itself, and a stream that waits for its turn ends at once when its
// owner closes it.
func TestStreamsShareAPace(t *testing.T) {
	const chunk = 512
	pace := newPace(8) // a chunk is nine minutes
	var ends [2]net.Conn
	var streams [2]*Stream
	for i := range streams {
		stream, client, theirs := splicePaced(t, pace, nil)
		streams[i], ends[i] = stream, theirs
		write(t, client, make([]byte, 10*chunk))
		if got := readBytes(t, theirs, chunk); len(got) != chunk {
			t.Fatalf("%d bytes came", len(got))
		}
		// The way back is not bounded.
		write(t, theirs, make([]byte, 4*spliceBuffer))
		readBytes(t, client, 4*spliceBuffer)
	}
	if wait := pace.pay(time.Now(), 0); wait < 2*chunk*time.Second-2*time.Minute {
		t.Errorf("what both carried is paid for in %v", wait)
	}
	for i, s := range streams {
		s.Close()
		_ = ends[i].SetReadDeadline(time.Now().Add(patience))
		if rest, _ := io.ReadAll(ends[i]); len(rest) != 0 {
			t.Errorf("%d bytes more came", len(rest))
		}
		if up, down := s.Carried(); up != chunk || down != 4*spliceBuffer {
			t.Errorf("counted %d and %d", up, down)
		}
	}
}

// What is over the rate is late, not lost.
func TestStreamKeepsItsPace(t *testing.T) {
	const bitrate, size = 16_000_000, 600_000
	_, client, theirs := splicePaced(t, nil, newPace(bitrate))
	start := time.Now()
	want := filler(size, 3)
	go func() { _, _ = theirs.Write([]byte(want)) }()
	if got := readBytes(t, client, size); got != want {
		t.Error("other bytes came")
	}
	// The burst comes at once, and what is written last is paid for afterwards.
	least := time.Duration(size-spliceBuffer)*8*time.Second/bitrate - paceBurst
	if took := time.Since(start); took < least {
		t.Errorf("it took %v, want %v at least", took, least)
	}
}
