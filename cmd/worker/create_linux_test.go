package main

import (
	"fmt"
	"sync"
	"testing"

	"gazpacho/proto"
)

// BenchmarkCreateWebRTCTransport measures router.createWebRtcTransportWithServer, pipelined over the channel to a worker in a process of its own:
// ns/op is from the first request to the last answer.
func BenchmarkCreateWebRTCTransport(b *testing.B) {
	w, _ := external(b)
	router, server := w.Router(), w.Server()
	client := w.Client()
	const lanes = 64 // requests on the way
	ids := make(chan string, b.N)
	for i := range b.N {
		ids <- fmt.Sprint("t", i)
	}
	close(ids)
	b.ResetTimer()
	var wg sync.WaitGroup
	for range lanes {
		wg.Go(func() {
			for id := range ids {
				var d proto.WebRTCTransportDump
				o := proto.WebRTCTransportOptions{TransportID: id, WebRTCServerID: server}
				if err := client.Request(b.Context(), proto.RouterCreateWebRTCTransportWithServer, router, o, &d); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "transports/s")
	w.Do(proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: router})
}
