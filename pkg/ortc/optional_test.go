package ortc

import (
	"strings"
	"testing"

	"gazpacho/proto"
)

// audioRouter is one with Opus and, behind or before it, RED.
func audioRouter(t *testing.T, mimeTypes ...string) proto.RTPCapabilities {
	t.Helper()
	var codecs []proto.RTPCodecCapability
	for _, m := range mimeTypes {
		codecs = append(codecs, proto.RTPCodecCapability{MimeType: m, ClockRate: 48000, Channels: 2})
	}
	caps, err := GenerateRouterRTPCapabilities(codecs)
	if err != nil {
		t.Fatal(err)
	}
	return caps
}

// What mediasoup does not know is forwarded by routers that are asked to, and offered to nobody who asks what is supported: they get mediasoup's list.
func TestOptionalCodecsAreNotOffered(t *testing.T) {
	optional := map[string]bool{}
	for _, c := range optionalCodecs() {
		optional[strings.ToLower(c.MimeType)] = true
		if len(optional) == 0 || c.Kind == "" {
			t.Errorf("%+v", c)
		}
	}
	for _, c := range SupportedRTPCapabilities().Codecs {
		if optional[strings.ToLower(c.MimeType)] {
			t.Errorf("%s is offered", c.MimeType)
		}
	}
	if !optional["video/h265"] || !optional["audio/red"] {
		t.Errorf("optional are %v", optional)
	}
}

func TestRouterWithRED(t *testing.T) {
	for _, order := range [][]string{{"audio/opus", "audio/red"}, {"audio/red", "AUDIO/OPUS"}} {
		caps := audioRouter(t, order...)
		for _, c := range caps.Codecs {
			// The blocks are of the router's Opus: RFC 2198 section 5 has their payload types in the format's parameters.
			opus := *caps.Codecs[0].PreferredPayloadType
			if order[0] != "audio/opus" {
				opus = *caps.Codecs[1].PreferredPayloadType
			}
			if isRED(c.MimeType) != isREDOf(c.MimeType, c.Parameters, opus) {
				t.Errorf("%v: %+v", order, c)
			}
		}
	}
	_, err := GenerateRouterRTPCapabilities([]proto.RTPCodecCapability{{MimeType: "audio/red", ClockRate: 48000, Channels: 2}})
	if err == nil || err.Name != proto.UnsupportedErrorName {
		t.Errorf("RED of nothing: %v", err)
	}
}

// redProducer is Opus 111 and RED 63 of it, as browsers offer them.
func redProducer() proto.RTPParameters {
	return proto.RTPParameters{
		Codecs: []proto.RTPCodecParameters{
			{MimeType: "audio/red", PayloadType: 63, ClockRate: 48000, Channels: 2, Parameters: params("111/111", "")},
			{MimeType: "audio/opus", PayloadType: 111, ClockRate: 48000, Channels: 2, Parameters: params("useinbandfec", 1)},
		},
		Encodings: []proto.RTPEncodingParameters{{SSRC: 5}},
	}
}

func TestREDFromProducerToConsumer(t *testing.T) {
	caps := audioRouter(t, "audio/opus", "audio/red")
	p := redProducer()
	if err := ValidateRTPParameters(&p); err != nil {
		t.Fatal(err)
	}
	mapping, err := ProducerRTPParametersMapping(&p, caps, counting())
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, mapping.Codecs, `[{"payloadType":63,"mappedPayloadType":101},{"payloadType":111,"mappedPayloadType":100}]`)
	consumable, err := ConsumableRTPParameters(proto.Audio, p, caps, mapping)
	if err != nil {
		t.Fatal(err)
	}
	only := func(mimeType string) proto.RTPCapabilities {
		remote := cloneCapabilities(caps)
		for i, c := range remote.Codecs {
			if c.MimeType != mimeType {
				remote.Codecs = append(remote.Codecs[:i], remote.Codecs[i+1:]...)
				break
			}
		}
		return remote
	}
	for _, tt := range []struct {
		name   string
		remote proto.RTPCapabilities
		want   string
	}{
		{"both", caps, `[["audio/red",101,{"100/100":""}],["audio/opus",100,{"useinbandfec":1}]]`},
		{"Opus alone", only("audio/opus"), `[["audio/opus",100,{"useinbandfec":1}]]`},
		{"RED alone, which is nothing", only("audio/red"), ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			can, err := CanConsume(consumable, tt.remote)
			if err != nil || can != (tt.want != "") {
				t.Errorf("CanConsume says %v, %v", can, err)
			}
			c, err := ConsumerRTPParameters(ConsumerOptions{Consumable: consumable, Remote: tt.remote, Random: counting()})
			if tt.want == "" {
				if err == nil || err.Name != proto.UnsupportedErrorName {
					t.Errorf("%v, %+v", err, c.Codecs)
				}
				return
			}
			got := []any{}
			for _, c := range c.Codecs {
				got = append(got, []any{c.MimeType, c.PayloadType, c.Parameters})
			}
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, got, tt.want)
		})
	}
	piped := PipeConsumerRTPParameters(consumable, false, counting())
	if len(piped.Codecs) != 2 || !isREDOf(piped.Codecs[0].MimeType, piped.Codecs[0].Parameters, 100) {
		t.Errorf("piped: %+v", piped.Codecs)
	}
	// The other router has its own numbers for them.
	other := audioRouter(t, "audio/red", "audio/opus")
	mapping, err = ProducerRTPParametersMapping(&piped, other, counting())
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, mapping.Codecs, `[{"payloadType":101,"mappedPayloadType":100},{"payloadType":100,"mappedPayloadType":101}]`)
}

func TestREDWithoutItsOpus(t *testing.T) {
	p := redProducer()
	p.Codecs = p.Codecs[:1]
	_, err := ProducerRTPParametersMapping(&p, audioRouter(t, "audio/opus", "audio/red"), counting())
	wantBadField(t, err, "codecs[0]")
}

// RFC 7798 section 7.1: "profile-id ... is inferred to be 1", "tier-flag ... 0" when absent. Another profile or tier is another decoder.
func TestH265Matches(t *testing.T) {
	for _, tt := range []struct {
		ours, theirs proto.CodecParameters
		want         bool
	}{
		{nil, nil, true},
		{nil, params("profile-id", 1, "tier-flag", 0), true},
		{params("profile-id", 1), params("profile-id", 2), false},
		{params("tier-flag", 1), nil, false},
		{params("level-id", 93), params("level-id", 186), true},
		{params("tx-mode", "SRST"), nil, true},
	} {
		caps, err := GenerateRouterRTPCapabilities([]proto.RTPCodecCapability{{MimeType: "video/h265", ClockRate: 90000, Parameters: tt.ours}})
		if err != nil {
			t.Fatal(err)
		}
		if caps.Codecs[0].MimeType != "video/H265" || len(caps.Codecs) != 2 || len(caps.Codecs[0].RTCPFeedback) != 5 {
			t.Errorf("%+v", caps.Codecs)
		}
		p := proto.RTPParameters{Codecs: []proto.RTPCodecParameters{{MimeType: "video/H265", PayloadType: 98, ClockRate: 90000, Parameters: tt.theirs}}}
		if _, err := ProducerRTPParametersMapping(&p, caps, counting()); (err == nil) != tt.want {
			t.Errorf("%v and %v: %v", tt.ours, tt.theirs, err)
		}
	}
}

// Should mediasoup come to know one of them, it belongs into the list of the supported.
func TestMediasoupKnowsNoOptionalCodec(t *testing.T) {
	o := newOracle(t)
	for _, c := range optionalCodecs() {
		if a := o.ask(t, "router", object{"mediaCodecs": []any{tree(t, c)}}); a.Error != proto.UnsupportedErrorName {
			t.Errorf("%s: %+v", c.MimeType, a)
		}
	}
}
