package ortc

import (
	"reflect"
	"testing"

	"gazpacho/proto"
)

// sameJSON fails the test unless a value says what the JSON text says, field for field.
func sameJSON(t *testing.T, got any, want string) {
	t.Helper()
	if g, w := tree(t, got), tree(t, jsonText(want)); !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s\nwant %s", text(g), text(w))
	}
}

// jsonText is text that is JSON already.
type jsonText string

func (s jsonText) MarshalJSON() ([]byte, error) { return []byte(s), nil }

func pts(codecs []proto.RTPCodecCapability) []uint8 {
	list := []uint8{}
	for _, c := range codecs {
		list = append(list, *c.PreferredPayloadType)
	}
	return list
}

// A router of Opus, VP8 with a payload type of its own and H264: dynamic payload types are given in order, parameters
// merged, feedback is the router's.
func TestRouterOfThreeCodecs(t *testing.T) {
	caps, err := GenerateRouterRTPCapabilities([]proto.RTPCodecCapability{
		{Kind: "audio", MimeType: "audio/opus", ClockRate: 48000, Channels: 2, Parameters: params("useinbandfec", 1, "foo", "bar")},
		{Kind: "video", MimeType: "video/VP8", PreferredPayloadType: payloadType(125), ClockRate: 90000},
		{Kind: "video", MimeType: "video/H264", ClockRate: 90000, RTCPFeedback: []proto.RTCPFeedback{}, // is ignored
			Parameters: params("level-asymmetry-allowed", 1, "profile-level-id", "42e01f", "foo", "bar")},
	})
	if err != nil {
		t.Fatal(err)
	}
	feedback := `[{"type":"nack","parameter":""},{"type":"nack","parameter":"pli"},{"type":"ccm","parameter":"fir"},
		{"type":"goog-remb","parameter":""},{"type":"transport-cc","parameter":""}]`
	sameJSON(t, caps.Codecs, `[
		{"kind":"audio","mimeType":"audio/opus","preferredPayloadType":100,"clockRate":48000,"channels":2,
		 "parameters":{"useinbandfec":1,"foo":"bar"},
		 "rtcpFeedback":[{"type":"nack","parameter":""},{"type":"transport-cc","parameter":""}]},
		{"kind":"video","mimeType":"video/VP8","preferredPayloadType":125,"clockRate":90000,"parameters":{},"rtcpFeedback":`+feedback+`},
		{"kind":"video","mimeType":"video/rtx","preferredPayloadType":101,"clockRate":90000,"parameters":{"apt":125},"rtcpFeedback":[]},
		{"kind":"video","mimeType":"video/H264","preferredPayloadType":102,"clockRate":90000,
		 "parameters":{"level-asymmetry-allowed":1,"profile-level-id":"42e01f","foo":"bar"},"rtcpFeedback":`+feedback+`},
		{"kind":"video","mimeType":"video/rtx","preferredPayloadType":103,"clockRate":90000,"parameters":{"apt":102},"rtcpFeedback":[]}]`)
}

func TestRouterOfUnsupportedCodecs(t *testing.T) {
	for _, c := range []proto.RTPCodecCapability{
		{Kind: "audio", MimeType: "audio/chicken", ClockRate: 8000, Channels: 4},
		{Kind: "audio", MimeType: "audio/opus", ClockRate: 48000, Channels: 1},
	} {
		_, err := GenerateRouterRTPCapabilities([]proto.RTPCodecCapability{c})
		if err == nil || err.Name != proto.UnsupportedErrorName || err.Path != "mediaCodecs[0]" {
			t.Errorf("%s: %v", c.MimeType, err)
		}
	}
}

func TestRouterOfTooManyCodecs(t *testing.T) {
	codecs := []proto.RTPCodecCapability{}
	for range 100 {
		codecs = append(codecs, proto.RTPCodecCapability{MimeType: "audio/opus", ClockRate: 48000, Channels: 2})
	}
	if _, err := GenerateRouterRTPCapabilities(codecs[:32]); err != nil {
		t.Errorf("32 codecs: %v", err)
	}
	_, err := GenerateRouterRTPCapabilities(codecs)
	if err == nil || err.Name != proto.ErrorName || err.Code != proto.CodeLimit || err.Path != "mediaCodecs[32]" {
		t.Errorf("100 codecs: %v", err)
	}
	// A video codec takes two.
	codecs[31] = proto.RTPCodecCapability{MimeType: "video/VP8", ClockRate: 90000}
	_, err = GenerateRouterRTPCapabilities(codecs[:32])
	if err == nil || err.Code != proto.CodeLimit || err.Path != "mediaCodecs[31]" {
		t.Errorf("31 audio codecs and a video codec: %v", err)
	}
}

// simulcastScene is an H264 producer of three encodings in a router of Opus and two H264s, up to its consumable form.
func simulcastScene(t *testing.T) produced {
	t.Helper()
	router := []proto.RTPCodecCapability{
		{Kind: "audio", MimeType: "audio/opus", ClockRate: 48000, Channels: 2},
		{
			Kind: "video", MimeType: "video/H264", ClockRate: 90000,
			Parameters: params("level-asymmetry-allowed", 1, "packetization-mode", 1, "profile-level-id", "4d0032", "bar", "lalala"),
		},
	}
	p, err := produce(proto.Video, router, proto.RTPParameters{
		Codecs: []proto.RTPCodecParameters{
			{
				MimeType: "video/H264", PayloadType: 111, ClockRate: 90000, RTCPFeedback: []proto.RTCPFeedback{nack, nackPLI, ccmFIR, googREMB},
				Parameters: params("foo", 1234, "packetization-mode", 1, "profile-level-id", "4d0032"),
			},
			{MimeType: "video/rtx", PayloadType: 112, ClockRate: 90000, Parameters: params("apt", 111)},
		},
		HeaderExtensions: []proto.RTPHeaderExtensionParameters{{URI: midURI, ID: 1}, {URI: videoOrientationURI, ID: 12}},
		Encodings: []proto.RTPEncodingParameters{
			{SSRC: 11111111, RTX: &proto.RTXEncoding{SSRC: 11111112}, ScalabilityMode: "L1T3", MaxBitrate: 111111},
			{SSRC: 21111111, RTX: &proto.RTXEncoding{SSRC: 21111112}, ScalabilityMode: "L1T3", MaxBitrate: 222222},
			{RID: "high", ScalabilityMode: "L1T3", MaxBitrate: 333333},
		},
		RTCP: proto.RTCPParameters{CNAME: "qwerty1234"},
		MSID: "aaaa bbbb",
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProducerOfThreeEncodings(t *testing.T) {
	p := simulcastScene(t)
	sameJSON(t, p.Mapping, `{"codecs":[{"payloadType":111,"mappedPayloadType":101},{"payloadType":112,"mappedPayloadType":102}],
		"encodings":[{"ssrc":11111111,"mappedSsrc":100000000},{"ssrc":21111111,"mappedSsrc":100000001},{"rid":"high","mappedSsrc":100000002}]}`)
	sameJSON(t, p.Consumable, `{
		"codecs":[
		 {"mimeType":"video/H264","payloadType":101,"clockRate":90000,
		  "parameters":{"foo":1234,"packetization-mode":1,"profile-level-id":"4d0032"},
		  "rtcpFeedback":[{"type":"nack","parameter":""},{"type":"nack","parameter":"pli"},{"type":"ccm","parameter":"fir"},
		   {"type":"goog-remb","parameter":""},{"type":"transport-cc","parameter":""}]},
		 {"mimeType":"video/rtx","payloadType":102,"clockRate":90000,"parameters":{"apt":101},"rtcpFeedback":[]}],
		"headerExtensions":[
		 {"uri":"urn:ietf:params:rtp-hdrext:sdes:mid","id":1,"encrypt":false,"parameters":{}},
		 {"uri":"http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time","id":4,"encrypt":false,"parameters":{}},
		 {"uri":"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01","id":5,"encrypt":false,"parameters":{}},
		 {"uri":"urn:3gpp:video-orientation","id":8,"encrypt":false,"parameters":{}},
		 {"uri":"urn:ietf:params:rtp-hdrext:toffset","id":9,"encrypt":false,"parameters":{}},
		 {"uri":"http://www.webrtc.org/experiments/rtp-hdrext/playout-delay","id":11,"encrypt":false,"parameters":{}},
		 {"uri":"urn:mediasoup:params:rtp-hdrext:packet-id","id":12,"encrypt":false,"parameters":{}}],
		"encodings":[
		 {"ssrc":100000000,"dtx":false,"scalabilityMode":"L1T3","maxBitrate":111111},
		 {"ssrc":100000001,"dtx":false,"scalabilityMode":"L1T3","maxBitrate":222222},
		 {"ssrc":100000002,"dtx":false,"scalabilityMode":"L1T3","maxBitrate":333333}],
		"rtcp":{"cname":"qwerty1234","reducedSize":true},
		"msid":"aaaa bbbb"}`)
}

func TestConsumerOfThreeEncodings(t *testing.T) {
	p := simulcastScene(t)
	foo := proto.RTCPFeedback{Type: "foo", Parameter: "FOO"}
	remote := proto.RTPCapabilities{
		Codecs: []proto.RTPCodecCapability{
			{MimeType: "audio/opus", PreferredPayloadType: payloadType(100), ClockRate: 48000, Channels: 2},
			{
				MimeType: "video/H264", PreferredPayloadType: payloadType(101), ClockRate: 90000,
				Parameters:   params("packetization-mode", 1, "profile-level-id", "4d0032", "baz", "LOLOLO"),
				RTCPFeedback: []proto.RTCPFeedback{nack, nackPLI, foo, transportCC},
			},
			{MimeType: "video/rtx", PreferredPayloadType: payloadType(102), ClockRate: 90000, Parameters: params("apt", 101)},
		},
		HeaderExtensions: []proto.RTPHeaderExtension{
			extension("audio", midURI, 1, ""), extension("video", midURI, 1, ""), extension("video", ridURI, 2, ""),
			extension("audio", audioLevelURI, 6, ""), extension("video", videoOrientationURI, 8, ""), extension("video", timeOffsetURI, 9, ""),
		},
	}
	if ok, err := CanConsume(p.Consumable, remote); !ok || err != nil {
		t.Errorf("CanConsume: %t %v", ok, err)
	}
	consumer, err := ConsumerRTPParameters(ConsumerOptions{Consumable: p.Consumable, Remote: remote, EnableRTX: true, Random: counting()})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, consumer, `{
		"codecs":[
		 {"mimeType":"video/H264","payloadType":101,"clockRate":90000,
		  "parameters":{"foo":1234,"packetization-mode":1,"profile-level-id":"4d0032"},
		  "rtcpFeedback":[{"type":"nack","parameter":""},{"type":"nack","parameter":"pli"},{"type":"foo","parameter":"FOO"}]},
		 {"mimeType":"video/rtx","payloadType":102,"clockRate":90000,"parameters":{"apt":101},"rtcpFeedback":[]}],
		"headerExtensions":[
		 {"uri":"urn:ietf:params:rtp-hdrext:sdes:mid","id":1,"encrypt":false,"parameters":{}},
		 {"uri":"urn:3gpp:video-orientation","id":8,"encrypt":false,"parameters":{}},
		 {"uri":"urn:ietf:params:rtp-hdrext:toffset","id":9,"encrypt":false,"parameters":{}}],
		"encodings":[{"ssrc":100000000,"rtx":{"ssrc":100000001},"scalabilityMode":"L3T3","maxBitrate":333333}],
		"rtcp":{"cname":"qwerty1234","reducedSize":true},
		"msid":"aaaa bbbb"}`)

	sameJSON(t, PipeConsumerRTPParameters(p.Consumable, false, counting()), `{
		"codecs":[{"mimeType":"video/H264","payloadType":101,"clockRate":90000,
		 "parameters":{"foo":1234,"packetization-mode":1,"profile-level-id":"4d0032"},
		 "rtcpFeedback":[{"type":"nack","parameter":"pli"},{"type":"ccm","parameter":"fir"}]}],
		"headerExtensions":[
		 {"uri":"https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension","id":7,"encrypt":false,"parameters":{}},
		 {"uri":"urn:3gpp:video-orientation","id":8,"encrypt":false,"parameters":{}},
		 {"uri":"urn:ietf:params:rtp-hdrext:toffset","id":9,"encrypt":false,"parameters":{}},
		 {"uri":"http://www.webrtc.org/experiments/rtp-hdrext/playout-delay","id":11,"encrypt":false,"parameters":{}},
		 {"uri":"urn:mediasoup:params:rtp-hdrext:packet-id","id":12,"encrypt":false,"parameters":{}}],
		"encodings":[
		 {"ssrc":100000000,"dtx":false,"scalabilityMode":"L1T3","maxBitrate":111111},
		 {"ssrc":100000001,"dtx":false,"scalabilityMode":"L1T3","maxBitrate":222222},
		 {"ssrc":100000002,"dtx":false,"scalabilityMode":"L1T3","maxBitrate":333333}],
		"rtcp":{"cname":"qwerty1234","reducedSize":true},
		"msid":"aaaa bbbb"}`)
}

// A producer of another H264 profile than the router's is refused.
func TestProducerOfAnotherProfile(t *testing.T) {
	router := []proto.RTPCodecCapability{
		{MimeType: "audio/opus", ClockRate: 48000, Channels: 2},
		{MimeType: "video/H264", ClockRate: 90000, Parameters: params("packetization-mode", 1, "profile-level-id", "640032")},
	}
	_, err := produce(proto.Video, router, proto.RTPParameters{
		Codecs: []proto.RTPCodecParameters{
			{MimeType: "video/VP8", PayloadType: 120, ClockRate: 90000, RTCPFeedback: []proto.RTCPFeedback{nack, {Type: "nack", Parameter: "fir"}}},
		},
		Encodings: []proto.RTPEncodingParameters{{SSRC: 11111111}},
		RTCP:      proto.RTCPParameters{CNAME: "qwerty1234"},
	})
	if err == nil || err.Name != proto.UnsupportedErrorName || err.Path != "codecs[0]" {
		t.Errorf("VP8: %v", err)
	}
	_, err = produce(proto.Video, router, proto.RTPParameters{
		Codecs: []proto.RTPCodecParameters{
			{MimeType: "video/H264", PayloadType: 111, ClockRate: 90000, Parameters: params("packetization-mode", 1, "profile-level-id", "42e01f")},
		},
	})
	if err == nil || err.Name != proto.UnsupportedErrorName || err.Message != "codec video/H264/90000 with payload type 111 is not supported" {
		t.Errorf("H264: %v", err)
	}
}
