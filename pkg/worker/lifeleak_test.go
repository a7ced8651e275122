package worker_test

import (
	"fmt"
	"testing"

	"gazpacho/proto"
)

// mostLeft is how much more the heap may hold after 100,000 objects were created and closed than before, and fewLeft after fewer: what the runtime
// keeps for itself, and not even an id for each.
const (
	mostLeft = 64 << 10
	fewLeft  = 24 << 10
)

// Whatever is created and closed, however often, leaves nothing: goroutines, descriptors and heap are as before.
func TestCreatedAndClosed(t *testing.T) {
	const inUse = "x"
	listen := proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}
	const rounds = 2000
	for _, tt := range []struct {
		name          string
		times         int // how much dearer it is than others
		create, close request
	}{
		{"WebRtcServer", 10, request{proto.WorkerCreateWebRTCServer, "", proto.CreateWebRTCServer{
			WebRTCServerID: inUse, ListenInfos: []proto.ListenInfo{listen, {Protocol: "tcp", IP: "127.0.0.1"}},
		}}, request{proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: inUse}}},
		{"Router", 1, request{proto.WorkerCreateRouter, "", proto.CreateRouter{RouterID: inUse}}, request{proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: inUse}}},
		{"WebRtcTransport", 1, request{proto.RouterCreateWebRTCTransportWithServer, "router", proto.WebRTCTransportOptions{
			TransportID: inUse, WebRTCServerID: "server", SCTPOptions: proto.SCTPOptions{EnableSCTP: true},
		}}, closing(inUse)},
		{"WebRtcTransport with sockets of its own", 8, request{proto.RouterCreateWebRTCTransport, "router", proto.WebRTCTransportOptions{
			TransportID: inUse, ListenInfos: []proto.ListenInfo{listen, {Protocol: "tcp", IP: "127.0.0.1"}}, EnableTCP: new(true),
		}}, closing(inUse)},
		{"PlainTransport", 4, request{proto.RouterCreatePlainTransport, "router", proto.PlainTransportOptions{TransportID: inUse, ListenInfo: listen}}, closing(inUse)},
		{"PipeTransport", 4, request{proto.RouterCreatePipeTransport, "router", proto.PipeTransportOptions{TransportID: inUse, ListenInfo: listen}}, closing(inUse)},
		{"DirectTransport", 1, request{proto.RouterCreateDirectTransport, "router", proto.DirectTransportOptions{TransportID: inUse}}, closing(inUse)},
		{"Producer", 1, request{proto.TransportProduce, "web", lifeProduce(inUse, proto.Video, 7000)}, request{proto.TransportCloseProducer, "web", proto.CloseProducer{ProducerID: inUse}}},
		{"Simulcast consumer", 1, request{proto.TransportConsume, "web", lifeConsume(inUse, "video", proto.Video, false, 1000, 8000)}, closingConsumer(inUse)},
		{"SVC consumer", 1, request{proto.TransportConsume, "web", lifeConsume(inUse, "layered", layered, false, 3000, 8000)}, closingConsumer(inUse)},
		{"Simple consumer", 1, request{proto.TransportConsume, "web", lifeConsume(inUse, "audio", proto.Audio, false, 2000, 8000)}, closingConsumer(inUse)},
		{"Pipe consumer", 1, request{proto.TransportConsume, "web", lifeConsume(inUse, "video", proto.Video, true, 1000, 8000)}, closingConsumer(inUse)},
		{"DataProducer", 1, request{proto.TransportProduceData, "web", proto.ProduceData{
			DataProducerID: inUse, Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: 9},
		}}, request{proto.TransportCloseDataProducer, "web", proto.CloseDataProducer{DataProducerID: inUse}}},
		{"DataConsumer", 1, request{proto.TransportConsumeData, "web", proto.ConsumeData{
			DataConsumerID: inUse, DataProducerID: "data", Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: 9},
		}}, request{proto.TransportCloseDataConsumer, "web", proto.CloseDataConsumer{DataConsumerID: inUse}}},
		{"AudioLevelObserver", 1, request{proto.RouterCreateAudioLevelObserver, "router", proto.CreateAudioLevelObserver{RTPObserverID: inUse}}, request{proto.RouterCloseRTPObserver, "router", proto.CloseRTPObserver{RTPObserverID: inUse}}},
		{"ActiveSpeakerObserver", 1, request{proto.RouterCreateActiveSpeakerObserver, "router", proto.CreateActiveSpeakerObserver{RTPObserverID: inUse}}, request{proto.RouterCloseRTPObserver, "router", proto.CloseRTPObserver{RTPObserverID: inUse}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLifeWorld(t)
			do := func(q request) {
				if err := l.request(q, nil); err != nil {
					t.Fatalf("%s: %v", q.method, err)
				}
			}
			do(request{proto.WorkerCreateRouter, "", proto.CreateRouter{RouterID: "router"}})
			do(request{proto.WorkerCreateWebRTCServer, "", proto.CreateWebRTCServer{WebRTCServerID: "server", ListenInfos: []proto.ListenInfo{listen}}})
			do(request{proto.RouterCreateWebRTCTransportWithServer, "router", proto.WebRTCTransportOptions{
				TransportID: "web", WebRTCServerID: "server", SCTPOptions: proto.SCTPOptions{EnableSCTP: true},
			}})
			do(request{proto.TransportProduce, "web", lifeProduce("video", proto.Video, 1000)})
			do(request{proto.TransportProduce, "web", lifeProduce("audio", proto.Audio, 2000)})
			do(request{proto.TransportProduce, "web", lifeProduce("layered", layered, 3000)})
			do(request{proto.TransportProduceData, "web", proto.ProduceData{
				DataProducerID: "data", Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: 1},
			}})
			turn := func(n int) {
				for range n {
					do(tt.create)
					do(tt.close)
				}
			}
			n, limit := rounds/tt.times, int64(fewLeft)
			if soak() > 1 {
				n, limit = 100_000, mostLeft
			}
			turn(n/4 + 10) // pools, maps and buffers find their size
			before := held(t, nil)
			turn(n)
			after := held(t, &before)
			left := after.heap - before.heap
			t.Logf("%d times: heap %+d bytes, %d goroutines, %d descriptors", n, left, after.goroutines, after.descriptors)
			if left > limit {
				t.Errorf("%d bytes are left after %d, want at most %d", left, n, limit)
			}
		})
	}
}

func closing(id string) request {
	return request{proto.RouterCloseTransport, "router", proto.CloseTransport{TransportID: id}}
}

func closingConsumer(id string) request {
	return request{proto.TransportCloseConsumer, "web", proto.CloseConsumer{ConsumerID: id}}
}

// layered is video of one stream with temporal layers; other video is a simulcast.
const layered = "layered"

func mediaKind(kind string) string {
	if kind == layered {
		return proto.Video
	}
	return kind
}

// lifeCodecs are one codec of a kind. The extension ids are the same for all.
func lifeCodecs(kind string) []proto.RTPCodecParameters {
	if kind == proto.Audio {
		return []proto.RTPCodecParameters{{MimeType: "audio/opus", PayloadType: 100, ClockRate: 48000, Channels: 2}}
	}
	return []proto.RTPCodecParameters{{
		MimeType: "video/VP8", PayloadType: 101, ClockRate: 90000, RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}},
	}}
}

// lifeProduce is a producer: an audio or layered one has one encoding, a video one two, whose SSRCs follow each other and are mapped to themselves.
func lifeProduce(id, kind string, ssrc uint32) proto.Produce {
	codecs := lifeCodecs(kind)
	o := proto.Produce{
		ProducerID: id, Kind: mediaKind(kind), RTPParameters: proto.RTPParameters{Codecs: codecs, Encodings: lifeEncodings(kind, ssrc)},
		RTPMapping: proto.RTPMapping{Codecs: []proto.CodecMapping{{PayloadType: codecs[0].PayloadType, MappedPayloadType: codecs[0].PayloadType}}},
	}
	for _, e := range o.RTPParameters.Encodings {
		o.RTPMapping.Encodings = append(o.RTPMapping.Encodings, proto.EncodingMapping{MappedSSRC: e.SSRC})
	}
	return o
}

func lifeEncodings(kind string, ssrc uint32) []proto.RTPEncodingParameters {
	list := []proto.RTPEncodingParameters{{SSRC: ssrc}}
	switch kind {
	case proto.Video:
		list = append(list, proto.RTPEncodingParameters{SSRC: ssrc + 1})
	case layered:
		list[0].ScalabilityMode = "L1T3"
	}
	return list
}

// lifeConsume is a consumer of it. A pipe sends all its encodings.
func lifeConsume(id, producerID, kind string, pipe bool, mapped, ssrc uint32) proto.Consume {
	o := proto.Consume{
		ConsumerID: id, ProducerID: producerID, Kind: mediaKind(kind), Type: proto.Simple,
		RTPParameters:          proto.RTPParameters{MID: fmt.Sprint(ssrc), Codecs: lifeCodecs(kind), Encodings: []proto.RTPEncodingParameters{{SSRC: ssrc}}},
		ConsumableRTPEncodings: lifeEncodings(kind, mapped),
	}
	switch kind {
	case proto.Video:
		o.Type = proto.Simulcast
	case layered:
		o.Type, o.RTPParameters.Encodings[0].ScalabilityMode = proto.SVC, "L1T3"
	}
	if pipe {
		o.Type, o.RTPParameters.Encodings = proto.Pipe, lifeEncodings(kind, ssrc)
	}
	return o
}
