package transport

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/bwe"
	"gazpacho/pkg/srtp"
	"gazpacho/pkg/tuple"
)

// BenchmarkEstimating measures what noting each packet for the estimator adds to forwarding it to a hundred peers, without the system calls: the same
// packets go to consumers with and without an estimator in turn, of which the median counts. Nobody reports, so that the ring is as large as it gets.
func BenchmarkEstimating(b *testing.B) {
	const count = 4000
	var turns [2]func()
	var spent [2][]time.Duration
	for i := range turns {
		f := newForwarder(b, srtp.AES128GCM, &discard{}, func(i int) tuple.Tuple {
			return tuple.Of(tuple.UDP, 100, netip.MustParseAddrPort("10.0.0.1:4000"), netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 5000))
		})
		for _, w := range f.consumers {
			if i == 1 {
				w.outgoing.cc, w.outgoing.sender = true, bwe.NewSender(bwe.SenderConfig{Start: 600_000, Feedback: true})
			}
		}
		packets := f.publisher.packets(1000, b.N+count)
		now, next := f.now, 0
		turns[i] = func() {
			now = now.Add(5 * time.Millisecond)
			f.server.Handle(now, packets[next], f.from)
			next++
		}
		for range count { // caches and rings grow to their size
			turns[i]()
		}
	}
	b.ResetTimer()
	for range b.N {
		for i, turn := range turns {
			start := time.Now()
			turn()
			spent[i] = append(spent[i], time.Since(start))
		}
	}
	b.StopTimer()
	slices.Sort(spent[0])
	slices.Sort(spent[1])
	without, with := float64(spent[0][b.N/2])/fan, float64(spent[1][b.N/2])/fan
	b.ReportMetric(0, "ns/op") // of both together: says nothing
	b.ReportMetric(without, "ns/packet")
	b.ReportMetric(with-without, "estimator-ns/packet")
}

// BenchmarkAllocate shares a bandwidth among a thousand consumers of a simulcast, as one transport does each second.
func BenchmarkAllocate(b *testing.B) {
	bench := newBench(b)
	s := bench.server()
	from, to := bench.client(s, "from"), bench.client(s, "to")
	f := newFilm(from, "p", 150_000, 500_000, 1_500_000)
	for range 60 {
		bench.pass(30 * time.Millisecond)
		f.show()
	}
	const consumers = 1000
	for i := range consumers {
		to.consume(videoConsumer(fmt.Sprint("c", i), "p", uint32(10_000+2*i), 9000, 9001, 9002), from)
	}
	to.w.outgoing.sender.SetLimits(500_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		to.w.outgoing.allocate(bench.now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/consumers, "ns/consumer")
}
