package ortc

import (
	"testing"

	"gazpacho/proto"
)

// source is a consumable VP8 producer with retransmissions, by its router's capabilities.
func source(t testing.TB, encodings ...proto.RTPEncodingParameters) (proto.RTPParameters, proto.RTPCapabilities) {
	t.Helper()
	caps := router(t, "video/VP8")
	p := proto.RTPParameters{Codecs: []proto.RTPCodecParameters{vp8Parameters(), rtxParameters(97, 96)}, Encodings: encodings}
	if err := ValidateRTPParameters(&p); err != nil {
		t.Fatal(err)
	}
	mapping, err := ProducerRTPParametersMapping(&p, caps, counting())
	if err != nil {
		t.Fatal(err)
	}
	consumable, err := ConsumableRTPParameters(proto.Video, p, caps, mapping)
	if err != nil {
		t.Fatal(err)
	}
	return consumable, caps
}

func consume(t testing.TB, opts ConsumerOptions) proto.RTPParameters {
	t.Helper()
	opts.Random = counting()
	p, err := ConsumerRTPParameters(opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConsumableNeedsItsMapping(t *testing.T) {
	caps := router(t, "video/VP8")
	p := proto.RTPParameters{Codecs: []proto.RTPCodecParameters{vp8Parameters()}, Encodings: []proto.RTPEncodingParameters{{}}}
	codecs := []proto.CodecMapping{{PayloadType: 96, MappedPayloadType: 100}}
	for path, mapping := range map[string]proto.RTPMapping{
		"codecs[0].payloadType": {Codecs: []proto.CodecMapping{{PayloadType: 97, MappedPayloadType: 100}}},
		"encodings[0]":          {Codecs: codecs},
	} {
		_, err := ConsumableRTPParameters(proto.Video, p, caps, mapping)
		wantBadField(t, err, path)
	}
	_, err := ConsumableRTPParameters(proto.Video, p, router(t), proto.RTPMapping{Codecs: codecs})
	wantBadField(t, err, "codecs[0].payloadType")
}

// Extensions are those that the router sends for that kind; a capture time only if the producer has one.
func TestConsumableExtensions(t *testing.T) {
	uris := func(kind string, producers ...proto.RTPHeaderExtensionParameters) map[string]int {
		consumable, err := ConsumableRTPParameters(kind, proto.RTPParameters{HeaderExtensions: producers}, router(t), proto.RTPMapping{})
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]int{}
		for _, e := range consumable.HeaderExtensions {
			found[e.URI] = e.ID
		}
		return found
	}
	audio, video := uris(proto.Audio), uris(proto.Video)
	for uri, want := range map[string][2]int{
		midURI: {1, 1}, ridURI: {}, repairedRIDURI: {}, absSendTimeURI: {4, 4}, transportCCURI: {0, 5}, audioLevelURI: {6, 0},
		dependencyDescriptorURI: {}, videoOrientationURI: {0, 8}, timeOffsetURI: {0, 9}, absCaptureTimeURI: {}, playoutDelayURI: {11, 11}, packetIDURI: {12, 12},
	} {
		if got := [2]int{audio[uri], video[uri]}; got != want {
			t.Errorf("%s: ids %v, want %v", uri, got, want)
		}
	}
	if got := uris(proto.Audio, proto.RTPHeaderExtensionParameters{URI: absCaptureTimeURI, ID: 3}); got[absCaptureTimeURI] != 10 {
		t.Errorf("the producer's capture time is lost: %v", got)
	}
	sendOnlyCaps := proto.RTPCapabilities{HeaderExtensions: []proto.RTPHeaderExtension{
		extension(proto.Video, midURI, 3, sendOnly), extension(proto.Video, timeOffsetURI, 4, "inactive"),
	}}
	consumable, _ := ConsumableRTPParameters(proto.Video, proto.RTPParameters{}, sendOnlyCaps, proto.RTPMapping{})
	sameJSON(t, consumable.HeaderExtensions, `[{"uri":"urn:ietf:params:rtp-hdrext:sdes:mid","id":3,"encrypt":false,"parameters":{}}]`)
}

// How the producer labels its streams is not told to consumers; what the streams are, is.
func TestConsumableEncodings(t *testing.T) {
	consumable, _ := source(t,
		proto.RTPEncodingParameters{RID: "a", CodecPayloadType: payloadType(96), DTX: new(true), ScalabilityMode: "L1T2", MaxBitrate: 5},
		proto.RTPEncodingParameters{SSRC: 7, RTX: &proto.RTXEncoding{SSRC: 8}})
	sameJSON(t, consumable.Encodings, `[{"ssrc":100000000,"dtx":true,"scalabilityMode":"L1T2","maxBitrate":5},{"ssrc":100000001,"dtx":false}]`)
}

// Feedback about bandwidth is of the one kind that the header extensions make possible.
func TestConsumerCongestionControl(t *testing.T) {
	consumable, caps := source(t, proto.RTPEncodingParameters{})
	for _, c := range []struct {
		name       string
		extensions []proto.RTPHeaderExtension
		want       string
	}{
		{"both", caps.HeaderExtensions, "transport-cc"},
		{"transport-cc", []proto.RTPHeaderExtension{extension("video", transportCCURI, 5, "")}, "transport-cc"},
		{"send time", []proto.RTPHeaderExtension{extension("video", absSendTimeURI, 4, "")}, "goog-remb"},
		{"none", nil, ""},
		{"another id", []proto.RTPHeaderExtension{extension("video", transportCCURI, 6, "")}, ""},
	} {
		remote := proto.RTPCapabilities{Codecs: caps.Codecs, HeaderExtensions: c.extensions}
		consumer := consume(t, ConsumerOptions{Consumable: consumable, Remote: remote, EnableRTX: true})
		want := []proto.RTCPFeedback{nack, nackPLI, ccmFIR}
		if c.want != "" {
			want = append(want, proto.RTCPFeedback{Type: c.want})
		}
		if got := consumer.Codecs[0].RTCPFeedback; text(got) != text(want) {
			t.Errorf("%s: %s, want %s", c.name, text(got), text(want))
		}
	}
}

// Retransmissions need both sides: a codec for them at the endpoint, and the wish for them here.
func TestConsumerRetransmissions(t *testing.T) {
	consumable, caps := source(t, proto.RTPEncodingParameters{}, proto.RTPEncodingParameters{})
	noRTX := proto.RTPCapabilities{Codecs: caps.Codecs[:1]}
	for _, c := range []struct {
		name    string
		opts    ConsumerOptions
		want    string
		codecs  int
		hasNACK bool
	}{
		{"both", ConsumerOptions{Remote: caps, EnableRTX: true}, `[{"ssrc":100000000,"rtx":{"ssrc":100000001},"scalabilityMode":"L2T1"}]`, 2, true},
		{"not wished", ConsumerOptions{Remote: caps}, `[{"ssrc":100000000,"scalabilityMode":"L2T1"}]`, 1, false},
		{"not known", ConsumerOptions{Remote: noRTX, EnableRTX: true}, `[{"ssrc":100000000,"scalabilityMode":"L2T1"}]`, 1, true},
		{"pipe", ConsumerOptions{Remote: caps, EnableRTX: true, Pipe: true}, `[{"ssrc":100000000,"rtx":{"ssrc":100001000},"dtx":false},{"ssrc":100000001,"rtx":{"ssrc":100001001},"dtx":false}]`, 2, true},
		{"pipe, not wished", ConsumerOptions{Remote: caps, Pipe: true}, `[{"ssrc":100000000,"dtx":false},{"ssrc":100000001,"dtx":false}]`, 1, false},
	} {
		c.opts.Consumable = consumable
		consumer := consume(t, c.opts)
		sameJSON(t, consumer.Encodings, c.want)
		if len(consumer.Codecs) != c.codecs {
			t.Errorf("%s: %d codecs", c.name, len(consumer.Codecs))
		}
		if got := consumer.Codecs[0].RTCPFeedback[0] == nack; got != c.hasNACK {
			t.Errorf("%s: NACK is %t", c.name, got)
		}
	}
}

func TestConsumerSingleEncoding(t *testing.T) {
	for _, c := range []struct {
		encodings []proto.RTPEncodingParameters
		mode      string
		bitrate   int
	}{
		{[]proto.RTPEncodingParameters{}, "", 0},
		{[]proto.RTPEncodingParameters{{}}, "", 0},
		{[]proto.RTPEncodingParameters{{ScalabilityMode: "L3T3_KEY", MaxBitrate: 9}}, "L3T3_KEY", 9},
		{[]proto.RTPEncodingParameters{{ScalabilityMode: "anything"}}, "anything", 0},
		{[]proto.RTPEncodingParameters{{}, {}}, "L2T1", 0},
		{[]proto.RTPEncodingParameters{{MaxBitrate: 3}, {ScalabilityMode: "L1T3", MaxBitrate: 7}, {ScalabilityMode: "L1T2"}}, "L3T3", 7},
		{[]proto.RTPEncodingParameters{{MaxBitrate: -3}, {ScalabilityMode: "L3T2_KEY"}}, "L2T2", 0},
	} {
		consumable, caps := source(t, c.encodings...)
		got := consume(t, ConsumerOptions{Consumable: consumable, Remote: caps}).Encodings
		if len(got) != 1 || got[0].ScalabilityMode != c.mode || got[0].MaxBitrate != c.bitrate {
			t.Errorf("%s becomes %s", text(c.encodings), text(got))
		}
	}
}

// A producer that offers what nobody there knows cannot be consumed, and the error says what it offers.
func TestConsumerWithoutCodec(t *testing.T) {
	consumable, caps := source(t, proto.RTPEncodingParameters{})
	for name, codecs := range map[string][]proto.RTPCodecCapability{
		"none":                 {},
		"another":              router(t, "video/VP9").Codecs[:1],
		"retransmissions only": caps.Codecs[1:],
	} {
		remote := proto.RTPCapabilities{Codecs: codecs}
		if ok, err := CanConsume(consumable, remote); ok || err != nil {
			t.Errorf("%s: CanConsume says %t %v", name, ok, err)
		}
		_, err := ConsumerRTPParameters(ConsumerOptions{Consumable: consumable, Remote: remote, EnableRTX: true, Random: counting()})
		if err == nil || err.Name != proto.UnsupportedErrorName || err.Message != "no compatible media codecs: the producer has video/VP8/90000" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := codecNames([]proto.RTPCodecParameters{vp8Parameters(), rtxParameters(97, 96), {MimeType: "audio/opus", ClockRate: 48000, Channels: 2}}); got != "video/VP8/90000, audio/opus/48000/2" {
		t.Errorf("codecs are named %q", got)
	}
	if got := codecNames(nil); got != "none" {
		t.Errorf("no codecs are named %q", got)
	}
}

func TestPipeConsumer(t *testing.T) {
	consumable, _ := source(t, proto.RTPEncodingParameters{ScalabilityMode: "L1T3", MaxBitrate: 5, DTX: new(true)}, proto.RTPEncodingParameters{})
	sameJSON(t, PipeConsumerRTPParameters(consumable, true, counting()), `{
		"codecs":[
		 {"mimeType":"video/VP8","payloadType":100,"clockRate":90000,"parameters":{},
		  "rtcpFeedback":[{"type":"nack","parameter":""},{"type":"nack","parameter":"pli"},{"type":"ccm","parameter":"fir"}]},
		 {"mimeType":"video/rtx","payloadType":101,"clockRate":90000,"parameters":{"apt":100},"rtcpFeedback":[]}],
		"headerExtensions":[
		 {"uri":"https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension","id":7,"encrypt":false,"parameters":{}},
		 {"uri":"urn:3gpp:video-orientation","id":8,"encrypt":false,"parameters":{}},
		 {"uri":"urn:ietf:params:rtp-hdrext:toffset","id":9,"encrypt":false,"parameters":{}},
		 {"uri":"http://www.webrtc.org/experiments/rtp-hdrext/playout-delay","id":11,"encrypt":false,"parameters":{}},
		 {"uri":"urn:mediasoup:params:rtp-hdrext:packet-id","id":12,"encrypt":false,"parameters":{}}],
		"encodings":[
		 {"ssrc":100000000,"rtx":{"ssrc":100001000},"dtx":true,"scalabilityMode":"L1T3","maxBitrate":5},
		 {"ssrc":100000001,"rtx":{"ssrc":100001001},"dtx":false}],
		"rtcp":{"reducedSize":true}}`)
}
