package worker_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// bodyStage is a worker in which one of everything lives, under the same ids whenever it is built anew.
type bodyStage struct {
	*simtest.Worker
	t     testing.TB
	lives map[string][]string // ids by the kind of object
	state map[thing]string    // what their dumps say
}

// newBodyStage starts a worker and builds it.
func newBodyStage(t testing.TB) *bodyStage {
	s := &bodyStage{Worker: simtest.StartWorker(t), t: t}
	s.build()
	return s
}

// make creates an object and remembers its kind.
func (s *bodyStage) make(kind, id, method, on string, body any) {
	s.t.Helper()
	if _, err := simtest.TryRequest[any](s.Worker, method, on, body); err != nil {
		s.t.Fatalf("%s of %s: %v", method, id, err)
	}
	s.lives[kind] = append(s.lives[kind], id)
}

func (s *bodyStage) build() {
	s.t.Helper()
	s.lives = map[string][]string{"worker": {""}}
	loopback := []proto.ListenInfo{{Protocol: "udp", IP: "127.0.0.1"}, {Protocol: "tcp", IP: "127.0.0.1"}}
	s.make("webRtcServer", "server", proto.WorkerCreateWebRTCServer, "", proto.CreateWebRTCServer{WebRTCServerID: "server", ListenInfos: loopback})
	s.make("router", "router", proto.WorkerCreateRouter, "", proto.CreateRouter{RouterID: "router"})
	s.make("router", "other", proto.WorkerCreateRouter, "", proto.CreateRouter{RouterID: "other"})
	for _, id := range []string{"web", "web2"} {
		s.make("transport", id, proto.RouterCreateWebRTCTransportWithServer, "router", proto.WebRTCTransportOptions{
			TransportID: id, WebRTCServerID: "server", SCTPOptions: proto.SCTPOptions{EnableSCTP: true},
		})
	}
	s.make("transport", "plain", proto.RouterCreatePlainTransport, "router", proto.PlainTransportOptions{TransportID: "plain", ListenInfo: loopback[0]})
	s.make("transport", "secure", proto.RouterCreatePlainTransport, "router", proto.PlainTransportOptions{
		TransportID: "secure", ListenInfo: loopback[0], EnableSRTP: true, Comedia: true,
	})
	for _, srtp := range []bool{false, true} {
		id := fmt.Sprintf("pipe-%v", srtp)
		s.make("transport", id, proto.RouterCreatePipeTransport, "router", proto.PipeTransportOptions{TransportID: id, ListenInfo: loopback[0], EnableSRTP: srtp})
	}
	s.make("transport", "direct", proto.RouterCreateDirectTransport, "router", proto.DirectTransportOptions{TransportID: "direct"})
	s.make("producer", "audio", proto.TransportProduce, "web", s.produce("audio", proto.Audio, 1, ""))
	s.make("producer", "video", proto.TransportProduce, "web", s.produce("video", proto.Video, 3, ""))
	s.make("producer", "scalable", proto.TransportProduce, "plain", s.produce("scalable", proto.Video, 1, "L3T3"))
	s.make("consumer", "hears", proto.TransportConsume, "web2", s.consume("hears", "audio", proto.Audio, proto.Simple, 1))
	s.make("consumer", "sees", proto.TransportConsume, "web2", s.consume("sees", "video", proto.Video, proto.Simulcast, 3))
	s.make("consumer", "watches", proto.TransportConsume, "secure", s.consume("watches", "scalable", proto.Video, proto.SVC, 1))
	s.make("dataProducer", "says", proto.TransportProduceData, "web", proto.ProduceData{
		DataProducerID: "says", Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: 1},
	})
	s.make("dataConsumer", "reads", proto.TransportConsumeData, "web2", proto.ConsumeData{
		DataConsumerID: "reads", DataProducerID: "says", Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: 1},
	})
	s.make("rtpObserver", "levels", proto.RouterCreateAudioLevelObserver, "router", proto.CreateAudioLevelObserver{RTPObserverID: "levels"})
	s.make("rtpObserver", "speaker", proto.RouterCreateActiveSpeakerObserver, "router", proto.CreateActiveSpeakerObserver{RTPObserverID: "speaker"})
	s.Do(proto.RTPObserverAddProducer, "levels", proto.ObserverProducer{ProducerID: "audio"})
	s.state = map[thing]string{}
	for _, o := range s.things() {
		s.state[o] = s.dump(o)
	}
}

// rebuild closes whatever there is and builds the stage anew.
func (s *bodyStage) rebuild() {
	s.t.Helper()
	d := simtest.Request[proto.WorkerDump](s.Worker, proto.WorkerDumpMethod, "", nil)
	for _, id := range d.RouterIDs {
		s.Do(proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: id})
	}
	for _, id := range d.WebRTCServerIDs {
		s.Do(proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: id})
	}
	d = simtest.Request[proto.WorkerDump](s.Worker, proto.WorkerDumpMethod, "", nil)
	if left := d.ChannelMessageHandlers.ChannelRequestHandlers; len(left) != 0 {
		s.t.Fatalf("left when all routers and servers are closed: %v", left)
	}
	s.build()
}

// thing is an object of the stage.
type thing struct{ kind, id string }

// things is everything that has a dump. An observer is in its router's.
func (s *bodyStage) things() (list []thing) {
	for _, kind := range slices.Sorted(maps.Keys(s.lives)) {
		if kind != "rtpObserver" {
			for _, id := range s.lives[kind] {
				list = append(list, thing{kind, id})
			}
		}
	}
	return list
}

// changed tells which of some objects have another dump than when the stage was built.
func (s *bodyStage) changed(list []thing) (changes []string) {
	for _, o := range list {
		if now := s.dump(o); now != s.state[o] {
			changes = append(changes, fmt.Sprintf("%s %s was\n%s and is\n%s", o.kind, o.id, s.state[o], now))
		}
	}
	return changes
}

func (s *bodyStage) dump(o thing) string {
	dump, err := simtest.TryRequest[any](s.Worker, o.kind+".dump", o.id, nil)
	return fmt.Sprint(dump, err)
}

// everyone is an id of each kind of object, and one of nobody.
func (s *bodyStage) everyone() []string {
	all := []string{"nobody"}
	for _, kind := range slices.Sorted(maps.Keys(s.lives)) {
		if id := s.lives[kind][0]; id != "" {
			all = append(all, id)
		}
	}
	return all
}

// mediaCodecs are a codec with all that can be said about one, and its RTX.
func mediaCodecs(kind, mode string) []proto.RTPCodecParameters {
	media := proto.RTPCodecParameters{
		MimeType: "audio/opus", PayloadType: 100, ClockRate: 48000, Channels: 2, Parameters: proto.CodecParameters{"useinbandfec": 1},
		RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}, {Type: "transport-cc"}},
	}
	if kind == proto.Audio {
		return []proto.RTPCodecParameters{media}
	}
	media.MimeType, media.ClockRate, media.Channels, media.Parameters = "video/VP8", 90000, 0, proto.CodecParameters{"x-google-start-bitrate": 1000}
	if mode != "" {
		media.MimeType, media.Parameters = "video/VP9", proto.CodecParameters{"profile-id": 0}
	}
	media.RTCPFeedback = append(media.RTCPFeedback, proto.RTCPFeedback{Type: "nack", Parameter: "pli"}, proto.RTCPFeedback{Type: "ccm", Parameter: "fir"})
	return []proto.RTPCodecParameters{media, {
		MimeType: "video/rtx", PayloadType: 101, ClockRate: 90000, Parameters: proto.CodecParameters{"apt": 100}, RTCPFeedback: []proto.RTCPFeedback{},
	}}
}

// numberOf gives every id SSRCs of its own.
func numberOf(id string) (n uint32) {
	for _, c := range []byte(id) {
		n = n*31 + uint32(c)
	}
	return n&0xffffff<<8 | 0x10
}

// produce is a producer of n encodings.
func (s *bodyStage) produce(id, kind string, n int, mode string) proto.Produce {
	first, media := numberOf(id), uint8(100)
	o := proto.Produce{
		ProducerID: id, Kind: kind,
		RTPParameters: proto.RTPParameters{
			MID: id, MSID: "stream track", Codecs: mediaCodecs(kind, mode), RTCP: proto.RTCPParameters{CNAME: "c", ReducedSize: true},
			HeaderExtensions: []proto.RTPHeaderExtensionParameters{
				{URI: "urn:ietf:params:rtp-hdrext:sdes:mid", ID: 1, Parameters: proto.CodecParameters{"a": "b"}},
				{URI: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", ID: 4},
			},
		},
	}
	for _, c := range o.RTPParameters.Codecs {
		o.RTPMapping.Codecs = append(o.RTPMapping.Codecs, proto.CodecMapping{PayloadType: c.PayloadType, MappedPayloadType: c.PayloadType})
	}
	for i := range uint32(n) {
		e := proto.RTPEncodingParameters{SSRC: first + i, CodecPayloadType: &media, ScalabilityMode: mode, MaxBitrate: 500_000}
		if kind == proto.Video {
			e.RTX = &proto.RTXEncoding{SSRC: first + 0x10 + i}
		}
		if n > 1 {
			e.RID, e.ScalabilityMode = fmt.Sprint("r", i), "L1T3"
		}
		o.RTPParameters.Encodings = append(o.RTPParameters.Encodings, e)
		o.RTPMapping.Encodings = append(o.RTPMapping.Encodings, proto.EncodingMapping{RID: e.RID, SSRC: e.SSRC, MappedSSRC: first + 0x20 + i})
	}
	return o
}

// consume is a consumer of a producer that produce made.
func (s *bodyStage) consume(id, producer, kind, typ string, n int) proto.Consume {
	mode := map[string]string{proto.SVC: "L3T3", proto.Simulcast: "L1T3"}[typ]
	codecMode := ""
	if typ == proto.SVC {
		codecMode = mode
	}
	source := s.produce(producer, kind, n, codecMode)
	e := proto.RTPEncodingParameters{SSRC: numberOf(id), ScalabilityMode: mode, MaxBitrate: 900_000}
	if kind == proto.Video {
		e.RTX = &proto.RTXEncoding{SSRC: numberOf(id) + 1}
	}
	o := proto.Consume{
		ConsumerID: id, ProducerID: producer, Kind: kind, Type: typ, RTPParameters: source.RTPParameters,
		ConsumableRTPEncodings: source.RTPParameters.Encodings,
	}
	o.RTPParameters.MID, o.RTPParameters.Encodings = id, []proto.RTPEncodingParameters{e}
	for i := range uint32(n - 1) {
		if typ == proto.Pipe { // forwards them all
			o.RTPParameters.Encodings = append(o.RTPParameters.Encodings, proto.RTPEncodingParameters{SSRC: e.SSRC + 2 + 2*i, RTX: &proto.RTXEncoding{SSRC: e.SSRC + 3 + 2*i}})
		}
	}
	for i := range o.ConsumableRTPEncodings {
		o.ConsumableRTPEncodings[i].SSRC = source.RTPMapping.Encodings[i].MappedSSRC
	}
	return o
}

// asked is a request that succeeds on the stage, or is refused with the code since that is how things stand there.
type asked struct {
	id   string
	body any
	code string
}

func pointer[T any](v T) *T { return &v }

// sensible are bodies of requests with everything said that can be, which succeed.
func (s *bodyStage) sensible() map[string][]asked {
	udp := proto.ListenInfo{
		Protocol: "udp", IP: "127.0.0.1", AnnouncedAddress: "203.0.113.5", ExposeInternalIP: true, PortRange: &proto.PortRange{Min: 20_000, Max: 59_000},
		Flags: &proto.SocketFlags{UDPReusePort: true}, SendBufferSize: 100_000, RecvBufferSize: 100_000,
	}
	tcp := udp
	tcp.Protocol, tcp.Flags = "tcp", nil
	sctp := proto.SCTPOptions{
		EnableSCTP: true, MaxSendMessageSize: 100_000, MaxReceiveMessageSize: 100_000, SCTPSendBufferSize: 200_000, SCTPPerStreamSendQueueLimit: 200_000,
		SCTPMaxReceiverWindowBufferSize: 300_000, SCTPDefaultStreamBufferedAmountLowThreshold: pointer(100),
	}
	web := proto.WebRTCTransportOptions{
		TransportID: "new", ListenInfos: []proto.ListenInfo{udp, tcp}, EnableUDP: pointer(true), EnableTCP: pointer(true), PreferUDP: true,
		ICEConsentTimeout: pointer(20), InitialAvailableOutgoingBitrate: pointer(1_000_000), SCTPOptions: sctp,
	}
	onServer := web
	onServer.ListenInfos, onServer.WebRTCServerID = nil, "server"
	unreliable := &proto.SCTPStreamParameters{StreamID: 7, Ordered: pointer(false), MaxRetransmits: pointer(uint16(3))}
	layers := proto.ConsumerLayers{SpatialLayer: 1, TemporalLayer: pointer(1)}
	sees := s.consume("new", "video", proto.Video, proto.Simulcast, 3)
	sees.Paused, sees.PreferredLayers, sees.IgnoreDTX = true, &layers, true
	says := s.produce("new", proto.Video, 3, "")
	says.Paused, says.KeyFrameRequestDelay = true, 1000
	piped := s.consume("new", "video", proto.Video, proto.Pipe, 3)
	direct := s.consume("new", "scalable", proto.Video, proto.SVC, 1)
	traces := proto.EnableTraceEvent{Types: []string{"rtp", "keyframe", "bwe"}}
	return map[string][]asked{
		proto.WorkerAttach:         {{body: proto.Attach{Protocol: proto.Current, Epoch: 1, Software: "test"}, code: proto.CodeInvalidState}},
		proto.WorkerGetProfile:     {{id: "", body: proto.GetProfile{Kind: proto.ProfileGoroutine}}},
		proto.WorkerUpdateSettings: {{id: "", body: proto.UpdateSettings{LogLevel: "warn", LogTags: []string{"ice"}}}},
		proto.WorkerUpdateTURN: {{id: "", body: proto.TURNSettings{
			Listen: []string{"udp:127.0.0.1:0"}, Realm: "example.org", Users: map[string]string{"alice": "secret"}, Secrets: []string{"of the controller's"},
			RelayAddresses: []string{"127.0.0.1"}, MinPort: 50_000, MaxPort: 50_100, MaxLifetime: 600, NonceLifetime: 300,
			AllowPeers: []string{"10.0.0.0/8"}, DenyPeers: []string{"10.1.0.0/16"}, Quotas: proto.TURNQuotas{PerUser: 5, Total: 100},
		}}},
		proto.WorkerCreateWebRTCServer: {{id: "", body: proto.CreateWebRTCServer{WebRTCServerID: "new", ListenInfos: []proto.ListenInfo{udp, tcp}}}},
		proto.WorkerCloseWebRTCServer:  {{id: "", body: proto.CloseWebRTCServer{WebRTCServerID: "server"}}},
		proto.WorkerCreateRouter:       {{id: "", body: proto.CreateRouter{RouterID: "new"}}},
		proto.WorkerCloseRouter:        {{id: "", body: proto.CloseRouter{RouterID: "router"}}},

		proto.RouterCreateWebRTCTransport:           {{id: "router", body: web}},
		proto.RouterCreateWebRTCTransportWithServer: {{id: "router", body: onServer}},
		proto.RouterCreatePlainTransport: {{id: "router", body: proto.PlainTransportOptions{
			TransportID: "new", ListenInfo: udp, RTCPListenInfo: &udp, RTCPMux: pointer(false), Comedia: true, EnableSRTP: true,
			SRTPCryptoSuite: "AEAD_AES_256_GCM", SCTPOptions: sctp,
		}}},
		proto.RouterCreatePipeTransport: {{id: "router", body: proto.PipeTransportOptions{
			TransportID: "new", ListenInfo: udp, EnableRTX: true, EnableSRTP: true, SCTPOptions: sctp,
		}}},
		proto.RouterCreateDirectTransport: {{id: "router", body: proto.DirectTransportOptions{
			TransportID: "new", MaxSendMessageSize: 100_000, MaxReceiveMessageSize: 100_000,
		}}},
		proto.RouterCloseTransport: {{id: "router", body: proto.CloseTransport{TransportID: "web"}}},
		proto.RouterCreateAudioLevelObserver: {{id: "router", body: proto.CreateAudioLevelObserver{
			RTPObserverID: "new", MaxEntries: pointer(3), Threshold: pointer(-60), Interval: pointer(500),
		}}},
		proto.RouterCreateActiveSpeakerObserver: {{id: "router", body: proto.CreateActiveSpeakerObserver{RTPObserverID: "new", Interval: pointer(500)}}},
		proto.RouterCloseRTPObserver:            {{id: "router", body: proto.CloseRTPObserver{RTPObserverID: "levels"}}},

		proto.TransportSetMaxIncomingBitrate: {{id: "web", body: proto.SetMaxIncomingBitrate{MaxIncomingBitrate: 1_000_000}}},
		proto.TransportSetMaxOutgoingBitrate: {{id: "web", body: proto.SetMaxOutgoingBitrate{MaxOutgoingBitrate: 1_000_000}}},
		proto.TransportSetMinOutgoingBitrate: {{id: "web", body: proto.SetMinOutgoingBitrate{MinOutgoingBitrate: 100_000}}},
		proto.TransportProduce:               {{id: "web2", body: says}},
		proto.TransportConsume:               {{id: "plain", body: sees}, {id: "pipe-false", body: piped}, {id: "direct", body: direct}},
		proto.TransportEnableTraceEvent:      {{id: "web", body: traces}},
		proto.TransportCloseProducer:         {{id: "web", body: proto.CloseProducer{ProducerID: "video"}}},
		proto.TransportCloseConsumer:         {{id: "web2", body: proto.CloseConsumer{ConsumerID: "sees"}}},
		proto.TransportProduceData: {{id: "web2", body: proto.ProduceData{
			DataProducerID: "new", Type: proto.DataSCTP, SCTPStreamParameters: unreliable, Label: "label", Protocol: "protocol", Paused: true,
		}}, {id: "direct", body: proto.ProduceData{DataProducerID: "new", Type: proto.DataDirect}}},
		proto.TransportConsumeData: {{id: "web", body: proto.ConsumeData{
			DataConsumerID: "new", DataProducerID: "says", Type: proto.DataSCTP, SCTPStreamParameters: unreliable, Label: "label",
			Protocol: "protocol", Paused: true, Subchannels: []uint16{1, 2},
		}}, {id: "direct", body: proto.ConsumeData{DataConsumerID: "new", DataProducerID: "says", Type: proto.DataDirect}}},
		proto.TransportCloseDataProducer: {{id: "web", body: proto.CloseDataProducer{DataProducerID: "says"}}},
		proto.TransportCloseDataConsumer: {{id: "web2", body: proto.CloseDataConsumer{DataConsumerID: "reads"}}},
		proto.WebRTCTransportConnect: {{id: "web", body: proto.ConnectWebRTCTransport{DTLSParameters: proto.DTLSParameters{
			Role: "server", Fingerprints: []proto.DTLSFingerprint{{Algorithm: "sha-256", Value: strings.Repeat("AB:", 31) + "AB"}},
		}}}},
		proto.PlainTransportConnect: {
			{id: "plain", body: proto.ConnectPlainTransport{IP: "127.0.0.1", Port: 9}},
			{id: "secure", body: proto.ConnectPlainTransport{SRTPParameters: &proto.SRTPParameters{
				CryptoSuite: "AES_CM_128_HMAC_SHA1_80", KeyBase64: strings.Repeat("A", 40),
			}}},
		},

		proto.PipeTransportConnect: {
			{id: "pipe-false", body: proto.ConnectPipeTransport{IP: "127.0.0.1", Port: 9}},
			{id: "pipe-true", body: proto.ConnectPipeTransport{IP: "127.0.0.1", Port: 9, SRTPParameters: &proto.SRTPParameters{
				CryptoSuite: "AEAD_AES_256_GCM", KeyBase64: strings.Repeat("A", 58) + "A=",
			}}},
		},

		proto.ProducerEnableTraceEvent:   {{id: "video", body: traces}},
		proto.ConsumerSetPreferredLayers: {{id: "sees", body: proto.SetPreferredLayers{PreferredLayers: layers}}, {id: "watches", body: proto.SetPreferredLayers{PreferredLayers: layers}}},
		proto.ConsumerSetPriority:        {{id: "sees", body: proto.SetPriority{Priority: 7}}},
		proto.ConsumerEnableTraceEvent:   {{id: "sees", body: traces}},

		proto.DataConsumerSetBufferedAmountLowThreshold: {{id: "reads", body: proto.SetBufferedAmountLowThreshold{Threshold: 1000}}},
		proto.DataConsumerSend:                          {{id: "reads", body: proto.SendData{PPID: 51, Data: proto.Blob("hello")}, code: proto.CodeInvalidState}},
		proto.DataConsumerSetSubchannels:                {{id: "reads", body: proto.SetSubchannels{Subchannels: []uint16{1, 2}}}},
		proto.DataConsumerAddSubchannel:                 {{id: "reads", body: proto.Subchannel{Subchannel: 3}}},
		proto.DataConsumerRemoveSubchannel:              {{id: "reads", body: proto.Subchannel{Subchannel: 3}}},
		proto.RTPObserverAddProducer:                    {{id: "speaker", body: proto.ObserverProducer{ProducerID: "audio"}}},
		proto.RTPObserverRemoveProducer:                 {{id: "levels", body: proto.ObserverProducer{ProducerID: "audio"}}},
	}
}

// requestsOf are the sensible requests of a method. A method without a body has one for each object of its kind; one that is not among the
// sensible ones gets a body of zeros, which need not succeed.
func (s *bodyStage) requestsOf(m proto.Method) (list []asked) {
	if list = s.sensible()[m.Name]; list != nil {
		return list
	}
	var body any
	if m.Request != nil {
		body = reflect.Zero(reflect.TypeOf(m.Request)).Interface()
	}
	for _, id := range s.lives[m.Target] {
		list = append(list, asked{id: id, body: body})
	}
	return list
}

// refusal is the worker's, or nil. Anything but an answer fails the test.
func (s *bodyStage) refusal(what string, err error) *proto.Error {
	s.t.Helper()
	var refused *proto.Error
	if err != nil && (!errors.As(err, &refused) || refused.Code == proto.CodeClosed) {
		s.t.Fatalf("%s: no answer: %v", what, err)
	}
	return refused
}
