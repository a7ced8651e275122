package api

import (
	"testing"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// BenchmarkConsume makes consumers of one producer, a thousand per router, one after the other: over a worker's channel, and by a controller.
func BenchmarkConsume(b *testing.B) {
	for _, over := range []string{"worker", "controller"} {
		b.Run(over, func(b *testing.B) {
			var m maker = attachWorker(b)
			if over == "controller" {
				m = newWorld(b, 1).dial(false)
			}
			var sink *control.DirectTransport
			var r *control.Router
			fill := func() {
				if r != nil {
					r.Close()
				}
				r = must(m.CreateRouter(b.Context(), control.RouterOptions{MediaCodecs: codecs}))
				source := must(r.CreateDirectTransport(b.Context(), control.DirectTransportOptions{}))
				sink = must(r.CreateDirectTransport(b.Context(), control.DirectTransportOptions{}))
				must(source.Produce(b.Context(), control.ProducerOptions{ID: "p", Kind: proto.Audio, RTPParameters: opus(1)}))
			}
			n := 0
			for b.Loop() {
				if n%1000 == 0 {
					b.StopTimer()
					fill()
					b.StartTimer()
				}
				n++
				must(sink.Consume(b.Context(), control.ConsumerOptions{ProducerID: "p", RTPCapabilities: r.RTPCapabilities()}))
			}
		})
	}
}
