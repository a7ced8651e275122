package channel

import (
	"context"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"gazpacho/proto"
)

// startEcho serves handle on a socket and returns a client that is attached to it.
func startEcho(tb testing.TB, handle func(Request)) *Client {
	tb.Helper()
	address := "unix:" + filepath.Join(tb.TempDir(), "w.sock")
	s, err := Listen(address, Config{Request: func(r Request) {
		if r.Method == proto.WorkerAttach {
			r.Respond(proto.AttachResult{}, nil)
			return
		}
		handle(r)
	}})
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	c, err := Dial(context.Background(), address, Options{Epoch: 1})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		c.Close()
		s.Close()
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	return c
}

func dump() proto.WebRTCTransportDump {
	candidate := proto.ICECandidate{
		Foundation: "udpcandidate", Priority: 1076302079, IP: "192.0.2.1", Address: "192.0.2.1", Protocol: "udp", Port: 40000, Type: "host",
	}
	return proto.WebRTCTransportDump{
		TransportDump: proto.TransportDump{
			ID: "0f0b3e5a-8a3e-4c57-9d4c-6c3a2a7d3a10", ProducerIDs: []string{}, ConsumerIDs: []string{},
			MapSSRCConsumerID: []proto.SSRCValue{}, MapRTXSSRCConsumerID: []proto.SSRCValue{}, DataProducerIDs: []string{},
			DataConsumerIDs: []string{}, TraceEventTypes: []string{},
		},
		ICERole:       "controlled",
		ICEParameters: proto.ICEParameters{UsernameFragment: "abcdefghijklmnopqrstuvwx", Password: "abcdefghijklmnopqrstuvwxyzabcdef", ICELite: true},
		ICECandidates: []proto.ICECandidate{candidate, candidate},
		ICEState:      proto.ICENew,
		DTLSParameters: proto.DTLSParameters{Role: "auto", Fingerprints: []proto.DTLSFingerprint{
			{Algorithm: "sha-1", Value: "5D:5C:E2:9B:2A:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B"},
			{Algorithm: "sha-256", Value: "5D:5C:E2:9B:2A:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B:5D:5C:E2:9B:2A:2B:6D:2B:6D:2B:6D:2B"},
			{Algorithm: "sha-512", Value: "5D:5C:E2:9B:2A:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B:5D:5C:E2:9B:2A:2B:6D:2B:6D:2B:6D:2B:5D:5C:E2:9B:2A:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B:6D:2B:5D:5C:E2:9B:2A:2B:6D:2B:6D:2B:6D:2B"},
		}},
		DTLSState: proto.DTLSNew,
	}
}

func options() proto.WebRTCTransportOptions {
	return proto.WebRTCTransportOptions{
		TransportID: "0f0b3e5a-8a3e-4c57-9d4c-6c3a2a7d3a10", WebRTCServerID: "9f0b3e5a-8a3e-4c57-9d4c-6c3a2a7d3a10",
	}
}

// BenchmarkPipelined is createWebRtcTransport without the transport: bodies are decoded and dumps encoded by one goroutine
// on the worker's side, as its loop does.
func BenchmarkPipelined(b *testing.B) {
	result := dump()
	c := startEcho(b, func(r Request) {
		var o proto.WebRTCTransportOptions
		if err := Decode(r.Body, &o); err != nil {
			b.Error(err)
		}
		r.Respond(&result, nil)
	})
	const lanes = 64
	b.ReportAllocs()
	var wg sync.WaitGroup
	work := make(chan struct{}, lanes)
	for range lanes {
		wg.Go(func() {
			body := options()
			for range work {
				var d proto.WebRTCTransportDump
				if err := c.Request(context.Background(), proto.RouterCreateWebRTCTransport, body.TransportID, &body, &d); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ResetTimer()
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

// BenchmarkRoundTrip is one small request at a time.
func BenchmarkRoundTrip(b *testing.B) {
	c := startEcho(b, func(r Request) { r.Respond(nil, nil) })
	b.ReportAllocs()
	for range b.N {
		if err := c.Request(context.Background(), proto.ConsumerPause, "0f0b3e5a-8a3e-4c57-9d4c-6c3a2a7d3a10", nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFloor is what the sockets alone take for a small round trip between two goroutines.
func BenchmarkFloor(b *testing.B) {
	ours, theirs, err := Pair()
	if err != nil {
		b.Fatal(err)
	}
	defer ours.Close()
	peer, err := net.FileConn(theirs)
	if err != nil {
		b.Fatal(err)
	}
	theirs.Close()
	defer peer.Close()
	go func() {
		buf := make([]byte, 256)
		for {
			n, err := peer.Read(buf)
			if err != nil {
				return
			}
			peer.Write(buf[:n])
		}
	}()
	buf := make([]byte, 64)
	for range b.N {
		ours.Write(buf)
		ours.Read(buf)
	}
}

func BenchmarkEncodeDump(b *testing.B) {
	d := dump()
	var buf []byte
	b.ReportAllocs()
	for range b.N {
		buf, _ = appendValue(buf[:0], &d)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkDecodeDump(b *testing.B) {
	d := dump()
	raw, _ := Encode(&d)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for range b.N {
		var into proto.WebRTCTransportDump
		if err := Decode(raw, &into); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNotify is what an event costs the loop while the controller reads.
func BenchmarkNotify(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			q := newQueue()
			l := &link{out: q}
			body := proto.ProducerScore{{SSRC: 1111, Score: 10}}
			targets := make([]string, n)
			for i := range targets {
				targets[i] = strconv.Itoa(i)
			}
			b.ReportAllocs()
			for i := range b.N {
				l.notify(proto.Coalesce, targets[i%n], proto.EventProducerScore, &body, nil)
			}
		})
	}
}
