package loop

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gazpacho/pkg/socket"
)

// started runs a loop for the length of a benchmark.
func started(b *testing.B) *Loop {
	b.Helper()
	l := New(Config{})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	return l
}

// BenchmarkPost is what a posted function costs when many come at once, on both sides.
func BenchmarkPost(b *testing.B) {
	l := started(b)
	f := func(time.Time) {}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		l.Post(f)
	}
	on(l, f)
}

// BenchmarkPostRoundTrip is a request to a sleeping loop and the answer.
func BenchmarkPostRoundTrip(b *testing.B) {
	l := started(b)
	done := make(chan struct{})
	f := func(time.Time) { done <- struct{}{} }
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		l.Post(f)
		<-done
	}
}

// BenchmarkBatch is the hand-over from a reader to a handler, per packet, for a loop that is busy
// (full batches) and one that is not (a packet in each).
func BenchmarkBatch(b *testing.B) {
	for _, size := range []int{1, socket.BatchSize} {
		b.Run(fmt.Sprintf("packets=%d", size), func(b *testing.B) {
			l := started(b)
			handled := 0
			sink := l.Sink(func(_ time.Time, batch *socket.Batch) {
				for _, _, ok := batch.Next(); ok; _, _, ok = batch.Next() {
					handled++
				}
			})
			packet := make([]byte, 1)
			b.ReportAllocs()
			b.ResetTimer()
			for sent := 0; sent < b.N; sent += size {
				batch := l.Pool().Take(nil)
				batch.At = time.Now()
				for range size {
					batch.Append(packet, peerAddr)
				}
				sink(batch)
			}
			done := false
			for !done {
				on(l, func(time.Time) { done = handled >= b.N })
			}
		})
	}
}

// BenchmarkDirect is the same without a hand-over.
func BenchmarkDirect(b *testing.B) {
	l := started(b)
	on(l, func(time.Time) {})
	sink := l.Direct(func(_ time.Time, batch *socket.Batch) {
		for _, _, ok := batch.Next(); ok; _, _, ok = batch.Next() {
		}
	})
	packet := make([]byte, 1)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		batch := l.Pool().Take(nil)
		batch.At = time.Now()
		batch.Append(packet, peerAddr)
		sink(batch)
	}
}

// BenchmarkTurn is an empty turn: what a wake-up costs beside the waking.
func BenchmarkTurn(b *testing.B) {
	l := New(Config{})
	b.ReportAllocs()
	for range b.N {
		if err := l.turn(delivery{}, turnPosts); err != nil {
			b.Fatal(err)
		}
	}
}
