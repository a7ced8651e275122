package ortc

import (
	"math"
	"slices"
	"testing"

	"gazpacho/proto"
)

// opus and vp8 are small valid codecs to spoil.
func opus() proto.RTPCodecCapability {
	return proto.RTPCodecCapability{MimeType: "audio/opus", ClockRate: 48000, Channels: 2}
}

func vp8Parameters() proto.RTPCodecParameters {
	return proto.RTPCodecParameters{MimeType: "video/VP8", PayloadType: 96, ClockRate: 90000}
}

// wantBadField fails the test unless err is a TypeError about the field.
func wantBadField(t *testing.T, err *proto.Error, path string) {
	t.Helper()
	if err == nil || err.Name != proto.TypeErrorName || err.Code != proto.CodeBadField || err.Path != path || err.Message == "" {
		t.Errorf("got %+v, want a TypeError about %s", err, path)
	}
}

func TestCapabilitiesDefaults(t *testing.T) {
	caps := proto.RTPCapabilities{}
	if err := ValidateRTPCapabilities(&caps); err != nil || caps.Codecs == nil || caps.HeaderExtensions == nil {
		t.Errorf("nothing becomes %+v, %v", caps, err)
	}
	caps = proto.RTPCapabilities{
		Codecs: []proto.RTPCodecCapability{
			{Kind: "video", MimeType: "Audio/PCMU", ClockRate: 8000},
			{MimeType: "VIDEO/vp8", ClockRate: 90000, Channels: 3, RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}}},
		},
		HeaderExtensions: []proto.RTPHeaderExtension{{Kind: "audio", URI: "u", PreferredID: 255}},
	}
	if err := ValidateRTPCapabilities(&caps); err != nil {
		t.Fatal(err)
	}
	sameJSON(t, caps, `{
		"codecs":[
		 {"kind":"audio","mimeType":"Audio/PCMU","clockRate":8000,"channels":1,"parameters":{},"rtcpFeedback":[]},
		 {"kind":"video","mimeType":"VIDEO/vp8","clockRate":90000,"parameters":{},"rtcpFeedback":[{"type":"nack","parameter":""}]}],
		"headerExtensions":[{"kind":"audio","uri":"u","preferredId":255,"preferredEncrypt":false,"direction":"sendrecv"}]}`)
}

// As many as there can be are let pass.
func TestLongLists(t *testing.T) {
	feedback := slices.Repeat([]proto.RTCPFeedback{nack}, 64)
	caps := proto.RTPCapabilities{Codecs: slices.Repeat([]proto.RTPCodecCapability{{MimeType: "audio/opus", ClockRate: 48000, RTCPFeedback: feedback}}, 128)}
	if err := ValidateRTPCapabilities(&caps); err != nil {
		t.Error(err)
	}
	params := proto.RTPParameters{Codecs: slices.Repeat([]proto.RTPCodecParameters{{MimeType: "video/VP8", ClockRate: 90000, RTCPFeedback: feedback}}, 128)}
	if err := ValidateRTPParameters(&params); err != nil {
		t.Error(err)
	}
}

func TestParametersDefaults(t *testing.T) {
	params := proto.RTPParameters{
		Codecs:           []proto.RTPCodecParameters{{MimeType: "audio/PCMU", ClockRate: 8000}},
		HeaderExtensions: []proto.RTPHeaderExtensionParameters{{URI: "u", ID: 1}},
		Encodings:        []proto.RTPEncodingParameters{{}},
	}
	if err := ValidateRTPParameters(&params); err != nil {
		t.Fatal(err)
	}
	sameJSON(t, params, `{
		"codecs":[{"mimeType":"audio/PCMU","payloadType":0,"clockRate":8000,"channels":1,"parameters":{},"rtcpFeedback":[]}],
		"headerExtensions":[{"uri":"u","id":1,"encrypt":false,"parameters":{}}],
		"encodings":[{"dtx":false}],
		"rtcp":{"reducedSize":true}}`)

	empty := proto.RTPParameters{Codecs: []proto.RTPCodecParameters{}}
	if err := ValidateRTPParameters(&empty); err != nil || empty.HeaderExtensions == nil || empty.Encodings == nil {
		t.Errorf("no codecs become %+v, %v", empty, err)
	}
}

func TestBadCapabilities(t *testing.T) {
	for _, c := range []struct {
		path  string
		spoil func(*proto.RTPCapabilities)
	}{
		{"codecs[1].mimeType", func(c *proto.RTPCapabilities) { c.Codecs[1].MimeType = "" }},
		{"codecs[1].mimeType", func(c *proto.RTPCapabilities) { c.Codecs[1].MimeType = "audio" }},
		{"codecs[1].mimeType", func(c *proto.RTPCapabilities) { c.Codecs[1].MimeType = "audio/" }},
		{"codecs[1].mimeType", func(c *proto.RTPCapabilities) { c.Codecs[1].MimeType = "text/plain" }},
		{"codecs[1].mimeType", func(c *proto.RTPCapabilities) { c.Codecs[1].MimeType = " audio/opus" }},
		{"codecs[1].clockRate", func(c *proto.RTPCapabilities) { c.Codecs[1].ClockRate = 0 }},
		{"codecs[1].clockRate", func(c *proto.RTPCapabilities) { c.Codecs[1].ClockRate = -8000 }},
		{"codecs[1].channels", func(c *proto.RTPCapabilities) { c.Codecs[1].Channels = -1 }},
		{"codecs[1].preferredPayloadType", func(c *proto.RTPCapabilities) { c.Codecs[1].PreferredPayloadType = payloadType(128) }},
		{"codecs", func(c *proto.RTPCapabilities) { c.Codecs = slices.Repeat(c.Codecs[:1], 129) }},
		{"codecs[1].rtcpFeedback", func(c *proto.RTPCapabilities) {
			c.Codecs[1].RTCPFeedback = slices.Repeat([]proto.RTCPFeedback{nack}, 65)
		}},
		{"codecs[1].parameters.apt", func(c *proto.RTPCapabilities) { c.Codecs[1].Parameters = params("apt", "96") }},
		{"codecs[1].parameters.x", func(c *proto.RTPCapabilities) { c.Codecs[1].Parameters = params("x", nil) }},
		{"codecs[1].parameters.x", func(c *proto.RTPCapabilities) { c.Codecs[1].Parameters = params("x", true) }},
		{"codecs[1].parameters.x", func(c *proto.RTPCapabilities) { c.Codecs[1].Parameters = params("x", []any{}) }},
		{"codecs[1].parameters.x", func(c *proto.RTPCapabilities) { c.Codecs[1].Parameters = params("x", math.NaN()) }},
		{"codecs[1].parameters.x", func(c *proto.RTPCapabilities) { c.Codecs[1].Parameters = params("x", math.Inf(1), "y", nil) }},
		{"codecs[1].rtcpFeedback[0].type", func(c *proto.RTPCapabilities) { c.Codecs[1].RTCPFeedback = []proto.RTCPFeedback{{Parameter: "pli"}} }},
		{"headerExtensions[0].kind", func(c *proto.RTPCapabilities) { c.HeaderExtensions[0].Kind = "" }},
		{"headerExtensions[0].kind", func(c *proto.RTPCapabilities) { c.HeaderExtensions[0].Kind = "text" }},
		{"headerExtensions[0].uri", func(c *proto.RTPCapabilities) { c.HeaderExtensions[0].URI = "" }},
		{"headerExtensions[0].preferredId", func(c *proto.RTPCapabilities) { c.HeaderExtensions[0].PreferredID = 0 }},
		{"headerExtensions[0].preferredId", func(c *proto.RTPCapabilities) { c.HeaderExtensions[0].PreferredID = 256 }},
		{"headerExtensions[0].preferredId", func(c *proto.RTPCapabilities) { c.HeaderExtensions[0].PreferredID = -1 }},
	} {
		caps := proto.RTPCapabilities{
			Codecs:           []proto.RTPCodecCapability{opus(), opus()},
			HeaderExtensions: []proto.RTPHeaderExtension{{Kind: "audio", URI: "u", PreferredID: 1}},
		}
		if err := ValidateRTPCapabilities(&caps); err != nil {
			t.Fatal(err)
		}
		c.spoil(&caps)
		wantBadField(t, ValidateRTPCapabilities(&caps), c.path)

		// Those who take capabilities check them as well.
		_, err := CanConsume(proto.RTPParameters{}, caps)
		wantBadField(t, err, c.path)
		_, err = ConsumerRTPParameters(ConsumerOptions{Remote: caps, Random: counting()})
		wantBadField(t, err, c.path)
	}
}

func TestBadParameters(t *testing.T) {
	for _, c := range []struct {
		path  string
		spoil func(*proto.RTPParameters)
	}{
		{"codecs", func(p *proto.RTPParameters) { p.Codecs = nil }},
		{"codecs", func(p *proto.RTPParameters) { p.Codecs = slices.Repeat(p.Codecs, 129) }},
		{"codecs[0].mimeType", func(p *proto.RTPParameters) { p.Codecs[0].MimeType = "" }},
		{"codecs[0].mimeType", func(p *proto.RTPParameters) { p.Codecs[0].MimeType = "VP8" }},
		{"codecs[0].payloadType", func(p *proto.RTPParameters) { p.Codecs[0].PayloadType = 200 }},
		{"codecs[0].clockRate", func(p *proto.RTPParameters) { p.Codecs[0].ClockRate = 0 }},
		{"codecs[0].parameters.apt", func(p *proto.RTPParameters) { p.Codecs[0].Parameters["apt"] = "" }},
		{"codecs[0].parameters.x", func(p *proto.RTPParameters) { p.Codecs[0].Parameters["x"] = map[string]any{} }},
		{"codecs[0].rtcpFeedback[1].type", func(p *proto.RTPParameters) { p.Codecs[0].RTCPFeedback = []proto.RTCPFeedback{nack, {}} }},
		{"headerExtensions[0].uri", func(p *proto.RTPParameters) { p.HeaderExtensions[0].URI = "" }},
		{"headerExtensions[0].id", func(p *proto.RTPParameters) { p.HeaderExtensions[0].ID = 0 }},
		{"headerExtensions[0].id", func(p *proto.RTPParameters) { p.HeaderExtensions[0].ID = 1000 }},
		{"headerExtensions[0].parameters.x", func(p *proto.RTPParameters) { p.HeaderExtensions[0].Parameters = params("x", nil) }},
		{"encodings[0].rtx.ssrc", func(p *proto.RTPParameters) { p.Encodings[0].RTX = &proto.RTXEncoding{} }},
		{"encodings[0].codecPayloadType", func(p *proto.RTPParameters) { p.Encodings[0].CodecPayloadType = payloadType(128) }},
	} {
		params := proto.RTPParameters{
			Codecs:           []proto.RTPCodecParameters{vp8Parameters()},
			HeaderExtensions: []proto.RTPHeaderExtensionParameters{{URI: "u", ID: 1}},
			Encodings:        []proto.RTPEncodingParameters{{SSRC: 1}},
		}
		if err := ValidateRTPParameters(&params); err != nil {
			t.Fatal(err)
		}
		c.spoil(&params)
		wantBadField(t, ValidateRTPParameters(&params), c.path)
	}
}

// Whatever wire format brought a number, it is a number.
func TestNumbersOfAllTypes(t *testing.T) {
	for _, v := range []any{
		float64(7), float32(7), 7, int8(7), int16(7), int32(7), int64(7), uint(7), uint8(7), uint16(7), uint32(7), uint64(7),
	} {
		if !finite(v) || !sameValue(v, 7) || !sameValue(uint8(7), v) || sameValue(v, 8) || sameValue(v, "7") || sameValue("7", v) || sameValue(v, nil) {
			t.Errorf("%T is not a number", v)
		}
	}
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{nil, nil, true},
		{nil, "", false},
		{nil, 0, false},
		{"", 0, false},
		{"a", "a", true},
		{"a", "A", false},
		{true, true, false},
		{math.NaN(), math.NaN(), false},
		{[]any{}, []any{}, false},
	} {
		if sameValue(c.a, c.b) != c.want || sameValue(c.b, c.a) != c.want {
			t.Errorf("%v and %v: want %t", c.a, c.b, c.want)
		}
	}
}
