package worker

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gazpacho/proto"
)

// BenchmarkData measures what messages cost from one transport to the other of a connected pair, in processor time: SCTP at both ends, the loop
// between, and UDP over loopback. The floor is two associations of the library back to back in memory. The two take turns, so that what else the
// machine does strikes both.
func BenchmarkData(b *testing.B) { benchmarkData(b, (*pipes).pair) }

// BenchmarkDataWebRTC is the same of two WebRTC transports: with DTLS under SCTP, which the floor has not.
func BenchmarkDataWebRTC(b *testing.B) { benchmarkData(b, (*pipes).webPair) }

func benchmarkData(b *testing.B, pair func(*pipes, time.Time)) {
	for _, size := range []int{1 << 10, 16 << 10, 64 << 10, 256 << 10} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			p, f := newPipes(b, size, pair), newFloor(b, size)
			p.run(b, 4<<20/size) // the congestion window opens
			f.run(b, 4<<20/size)
			b.ReportAllocs()
			b.ResetTimer()
			var ours, floor, elapsed time.Duration
			for left, turn := b.N, 0; left > 0; left -= turn {
				turn = min(left, max(1, 2<<20/size))
				start, began := processorTime(b), time.Now()
				p.run(b, turn)
				middle := processorTime(b)
				elapsed += time.Since(began)
				f.run(b, turn)
				ours += middle - start
				floor += processorTime(b) - middle
			}
			b.StopTimer()
			bytes := float64(size) * float64(b.N) / 1e6
			b.ReportMetric(0, "ns/op") // of both together: says nothing
			b.ReportMetric(bytes/ours.Seconds(), "MB/cpu-s")
			b.ReportMetric(bytes/floor.Seconds(), "floor-MB/cpu-s")
			b.ReportMetric(float64(ours)/float64(floor), "ratio")
			b.ReportMetric(bytes/elapsed.Seconds(), "MB/s")
			if p.full > 0 {
				b.Errorf("the buffer was full %d times", p.full)
			}
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// pipes is two transports of a router, connected to one another over loopback: what a direct data producer is given goes out on one, comes in
// on the other and reaches a direct data consumer.
type pipes struct {
	*inside
	payload   []byte
	connected chan struct{}
	done      chan struct{}

	// Of the loop.
	sent, limit, arrived int
	full                 int
}

func newPipes(b *testing.B, size int, pair func(*pipes, time.Time)) *pipes {
	b.Helper()
	p := &pipes{payload: make([]byte, size), connected: make(chan struct{}, 2), done: make(chan struct{}, 1)}
	p.inside = newInside(b, p.note)
	p.do(func(now time.Time) {
		pair(p, now)
		p.build(now)
	})
	await(b, p.connected)
	await(b, p.connected)
	return p
}

// options have messages sent before the buffer is empty.
func options() proto.SCTPOptions {
	low := 512 << 10
	return proto.SCTPOptions{EnableSCTP: true, SCTPDefaultStreamBufferedAmountLowThreshold: &low}
}

// pair makes two pipe transports.
func (p *pipes) pair(now time.Time) {
	var ports [2]uint16
	for i := range ports {
		d := p.ask(now, proto.RouterCreatePipeTransport, "router", proto.PipeTransportOptions{
			TransportID: fmt.Sprint(i), ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}, SCTPOptions: options(),
		})
		ports[i] = d.(proto.PipeTransportDump).Tuple.LocalPort
	}
	for i := range ports {
		p.ask(now, proto.PipeTransportConnect, fmt.Sprint(i), proto.ConnectPipeTransport{IP: "127.0.0.1", Port: ports[1-i]})
	}
}

// build makes what goes over them.
func (p *pipes) build(now time.Time) {
	p.ask(now, proto.RouterCreateDirectTransport, "router", proto.DirectTransportOptions{TransportID: "direct"})
	stream := &proto.SCTPStreamParameters{StreamID: 1}
	p.ask(now, proto.TransportProduceData, "direct", proto.ProduceData{DataProducerID: "source", Type: proto.DataDirect})
	p.ask(now, proto.TransportConsumeData, "0", proto.ConsumeData{DataConsumerID: "out", DataProducerID: "source", Type: proto.DataSCTP, SCTPStreamParameters: stream})
	p.ask(now, proto.TransportProduceData, "1", proto.ProduceData{DataProducerID: "in", Type: proto.DataSCTP, SCTPStreamParameters: stream})
	p.ask(now, proto.TransportConsumeData, "direct", proto.ConsumeData{DataConsumerID: "sink", DataProducerID: "in", Type: proto.DataDirect})
}

// note takes the events.
func (p *pipes) note(_ string, e proto.Event) {
	switch e.Name {
	case proto.EventSCTPStateChange:
		if e.Body.(proto.SCTPStateChange).SCTPState == proto.SCTPConnected {
			p.connected <- struct{}{}
		}
	case proto.EventDataConsumerAmountLow:
		p.loop.Post(p.pump)
	case proto.EventDataConsumerBufferFull:
		p.full++
	case proto.EventDataConsumerMessage:
		if p.arrived++; p.arrived == p.limit {
			p.done <- struct{}{}
		}
	}
}

// pump sends what may wait.
func (p *pipes) pump(now time.Time) {
	for p.sent < p.limit {
		waiting := p.ask(now, proto.DataConsumerDumpMethod, "out", nil).(proto.DataConsumerDump).BufferedAmount
		if waiting+len(p.payload) > 768<<10 {
			return
		}
		p.sent++
		p.say(now, "source", p.payload)
	}
}

// run sends n messages and waits for them at the other side.
func (p *pipes) run(b *testing.B, n int) {
	b.Helper()
	p.loop.Post(func(now time.Time) {
		p.limit += n
		p.pump(now)
	})
	await(b, p.done)
}
