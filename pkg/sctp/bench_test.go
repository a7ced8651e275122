package sctp

import (
	"fmt"
	"testing"
	"time"

	pion "github.com/pion/sctp"
)

// BenchmarkReceive and BenchmarkSend move messages between a peer and an association over a path in memory. It loses what does not
// fit a mailbox, which is avoided here. The peer, in the same process, is about half of the cost.
func BenchmarkReceive(b *testing.B) {
	for _, size := range []int{100, 1000, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w := newWorld(b)
			defer w.close()
			w.connect()
			s := w.stream(1)
			w.open(Stream{ID: 1})
			arrived := make(chan int, 1<<16)
			w.do(func(time.Time) { w.onMessages = func(list []Message) { arrived <- len(list); w.messages = nil } })
			payload := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			for sent, got := 0, 0; got < b.N; {
				for sent < b.N && (sent-got)*size < 32<<10 && sent-got < 200 {
					if _, err := s.WriteSCTP(payload, pion.PayloadTypeWebRTCBinary); err != nil {
						b.Fatal(err)
					}
					sent++
				}
				got += <-arrived
			}
		})
	}
}

func BenchmarkSend(b *testing.B) {
	for _, size := range []int{100, 1000, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w := newWorld(b)
			defer w.close()
			w.connect()
			s := w.stream(1)
			w.open(Stream{ID: 1})
			arrived := make(chan struct{}, 1<<16)
			go func() {
				buffer := make([]byte, size)
				for {
					if _, _, err := s.ReadSCTP(buffer); err != nil {
						return
					}
					arrived <- struct{}{}
				}
			}()
			payload := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			for sent, got := 0, 0; got < b.N; got++ {
				for sent < b.N && (sent-got)*size < 32<<10 && sent-got < 200 {
					w.loop.post(func(now time.Time) { w.a.Send(now, 1, 53, payload) })
					sent++
				}
				<-arrived
			}
		})
	}
}
