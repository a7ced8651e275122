package main

import (
	"fmt"
	"testing"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// burst is how many consumers come at once: a room of 32 in which everybody sees everybody.
const burst = 1000

// BenchmarkConsumeBurst measures what a room costs when it fills: transport.consume of video with RTX, pipelined over the channel to a worker in a
// process of its own, on 32 transports of 32 producers. ns/op is a burst of 1,000, from the first request to the last answer.
func BenchmarkConsumeBurst(b *testing.B) {
	w, _ := external(b)
	const peers = 32
	router, server := w.Router(), w.Server()
	for i := range peers {
		simtest.Request[proto.WebRTCTransportDump](w, proto.RouterCreateWebRTCTransportWithServer, router, proto.WebRTCTransportOptions{
			TransportID: fmt.Sprint("t", i), WebRTCServerID: server,
		})
		w.Do(proto.TransportProduce, fmt.Sprint("t", i), produced(i))
	}
	type asked struct {
		on   string
		body channel.Raw
	}
	var list []asked
	for i := range burst {
		from, to := i%peers, i/peers
		raw, err := channel.Encode(consumed(fmt.Sprint("c", i), from, uint32(10_000+2*i)))
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, asked{fmt.Sprint("t", to), raw})
	}
	for b.Loop() {
		errs := make(chan error, burst)
		lanes := make(chan asked, burst)
		for _, q := range list {
			lanes <- q
		}
		close(lanes)
		for range 64 {
			go func() {
				for q := range lanes {
					var r proto.ConsumeResult
					errs <- w.Client().Request(b.Context(), proto.TransportConsume, q.on, q.body, &r)
				}
			}()
		}
		for range burst {
			if err := <-errs; err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		for i, q := range list {
			w.Do(proto.TransportCloseConsumer, q.on, proto.CloseConsumer{ConsumerID: fmt.Sprint("c", i)})
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N)*burst/b.Elapsed().Seconds(), "consumers/s")
}

var video = []proto.RTPCodecParameters{
	{
		MimeType: "video/VP8", PayloadType: 101, ClockRate: 90000, Parameters: proto.CodecParameters{},
		RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}, {Type: "transport-cc"}},
	},
	{MimeType: "video/rtx", PayloadType: 102, ClockRate: 90000, Parameters: proto.CodecParameters{"apt": 101}, RTCPFeedback: []proto.RTCPFeedback{}},
}

// produced is the video of a peer.
func produced(i int) proto.Produce {
	ssrc := uint32(1000 + 4*i)
	return proto.Produce{
		ProducerID: fmt.Sprint("p", i), Kind: proto.Video,
		RTPParameters: proto.RTPParameters{
			MID: "0", Codecs: video, Encodings: []proto.RTPEncodingParameters{{SSRC: ssrc, RTX: &proto.RTXEncoding{SSRC: ssrc + 1}}},
		},
		RTPMapping: proto.RTPMapping{
			Codecs:    []proto.CodecMapping{{PayloadType: 101, MappedPayloadType: 101}, {PayloadType: 102, MappedPayloadType: 102}},
			Encodings: []proto.EncodingMapping{{MappedSSRC: ssrc + 2}},
		},
	}
}

// consumed is what a peer gets of it.
func consumed(id string, from int, ssrc uint32) proto.Consume {
	return proto.Consume{
		ConsumerID: id, ProducerID: fmt.Sprint("p", from), Kind: proto.Video, Type: proto.Simple, Paused: true,
		RTPParameters: proto.RTPParameters{
			MID: id, Codecs: video, Encodings: []proto.RTPEncodingParameters{{SSRC: ssrc, RTX: &proto.RTXEncoding{SSRC: ssrc + 1}}},
			HeaderExtensions: []proto.RTPHeaderExtensionParameters{
				{URI: "urn:ietf:params:rtp-hdrext:sdes:mid", ID: 1},
				{URI: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", ID: 5},
			},
		},
		ConsumableRTPEncodings: []proto.RTPEncodingParameters{{SSRC: uint32(1000 + 4*from + 2)}},
	}
}
