package control

import (
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkPipeData measures messages of 16 KB from a controller through two workers and back: SCTP over UDP between them. The worker's data
// consumer is reliable, so it is fed no faster than it empties.
func BenchmarkPipeData(b *testing.B) {
	one, two := newWorker(b), newWorker(b)
	here, source := stage(b, one)
	there, sink := stage(b, two)
	p, err := source.ProduceData(b.Context(), DataProducerOptions{})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := here.PipeToRouter(b.Context(), PipeToRouterOptions{DataProducerID: p.ID(), Router: there}); err != nil {
		b.Fatal(err)
	}
	var got atomic.Int64
	arrived := make(chan struct{}, 1)
	_, err = sink.ConsumeData(b.Context(), DataConsumerOptions{DataProducerID: p.ID(), Message: func(uint32, []byte) {
		got.Add(1)
		select {
		case arrived <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		b.Fatal(err)
	}
	m := DataMessage{Payload: make([]byte, 16<<10)}
	m.PPID = 53
	wait := func(sent, behind int64) {
		for sent-got.Load() > behind {
			select {
			case <-arrived:
			case <-time.After(20 * time.Second):
				b.Fatalf("%d of %d messages arrived", got.Load(), sent)
			}
		}
	}
	for got.Load() == 0 { // until SCTP is connected
		if err := p.Send(m); err != nil {
			b.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(10 * time.Millisecond)
	got.Store(0)
	b.SetBytes(16 << 10)
	sent := int64(0)
	for b.Loop() {
		if err := p.Send(m); err != nil {
			b.Fatal(err)
		}
		sent++
		wait(sent, 32)
	}
	wait(sent, 0)
}
