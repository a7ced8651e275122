package ortc

import (
	"math"
	"testing"

	"gazpacho/proto"
)

// router makes capabilities of MIME types, all video.
func router(t testing.TB, mimeTypes ...string) proto.RTPCapabilities {
	t.Helper()
	codecs := []proto.RTPCodecCapability{}
	for _, m := range mimeTypes {
		codecs = append(codecs, proto.RTPCodecCapability{MimeType: m, ClockRate: 90000})
	}
	caps, err := GenerateRouterRTPCapabilities(codecs)
	if err != nil {
		t.Fatal(err)
	}
	return caps
}

func rtxParameters(pt uint8, apt any) proto.RTPCodecParameters {
	return proto.RTPCodecParameters{MimeType: "video/rtx", PayloadType: pt, ClockRate: 90000, Parameters: params("apt", apt)}
}

func TestMappingOfCodecs(t *testing.T) {
	caps := router(t, "video/VP8", "video/VP9", "video/AV1") // 100 and 101, 102 and 103, 104 and 105
	p := proto.RTPParameters{Codecs: []proto.RTPCodecParameters{
		rtxParameters(98, 97), // before its codec, as some put it
		{MimeType: "VIDEO/vp9", PayloadType: 97, ClockRate: 90000},
		{MimeType: "video/AV1", PayloadType: 35, ClockRate: 90000},
		rtxParameters(36, 35.0),
	}}
	mapping, err := ProducerRTPParametersMapping(&p, caps, counting())
	if err != nil {
		t.Fatal(err)
	}
	// Media codecs come first, then those for retransmissions.
	sameJSON(t, mapping, `{"codecs":[{"payloadType":97,"mappedPayloadType":102},{"payloadType":35,"mappedPayloadType":104},
		{"payloadType":98,"mappedPayloadType":103},{"payloadType":36,"mappedPayloadType":105}],"encodings":[]}`)
}

func TestMappingOfBadCodecs(t *testing.T) {
	withoutRTX := router(t, "video/VP8")
	withoutRTX.Codecs = withoutRTX.Codecs[:1]
	for _, c := range []struct {
		name   string
		codecs []proto.RTPCodecParameters
		caps   proto.RTPCapabilities
		class  string
		path   string
	}{
		{"unknown codec", []proto.RTPCodecParameters{vp8Parameters()}, router(t, "video/VP9"), proto.UnsupportedErrorName, "codecs[0]"},
		{"no codecs", []proto.RTPCodecParameters{vp8Parameters()}, proto.RTPCapabilities{}, proto.UnsupportedErrorName, "codecs[0]"},
		{"orphan", []proto.RTPCodecParameters{vp8Parameters(), rtxParameters(97, 95)}, router(t, "video/VP8"), proto.TypeErrorName, "codecs[1].parameters.apt"},
		{"without apt", []proto.RTPCodecParameters{vp8Parameters(), {MimeType: "video/rtx", PayloadType: 97, ClockRate: 90000}}, router(t, "video/VP8"), proto.TypeErrorName, "codecs[1].parameters.apt"},
		{"of itself", []proto.RTPCodecParameters{vp8Parameters(), rtxParameters(97, 97)}, router(t, "video/VP8"), proto.TypeErrorName, "codecs[1].parameters.apt"},
		{"not in the router", []proto.RTPCodecParameters{vp8Parameters(), rtxParameters(97, 96)}, withoutRTX, proto.UnsupportedErrorName, "codecs[1]"},
	} {
		p := proto.RTPParameters{Codecs: c.codecs}
		_, err := ProducerRTPParametersMapping(&p, c.caps, counting())
		if err == nil || err.Name != c.class || err.Path != c.path {
			t.Errorf("%s: %+v, want %s about %s", c.name, err, c.class, c.path)
		}
	}
}

// The level of H264 is written into the producer's parameters, without touching maps that others may hold.
func TestMappingNegotiatesLevel(t *testing.T) {
	caps, err := GenerateRouterRTPCapabilities([]proto.RTPCodecCapability{{
		MimeType: "video/H264", ClockRate: 90000,
		Parameters: params(profileLevelID, "42e01f", "packetization-mode", 1, levelAsymmetryAllowed, 0),
	}})
	if err != nil {
		t.Fatal(err)
	}
	theirs := params(profileLevelID, "42e034", "packetization-mode", 1)
	p := proto.RTPParameters{Codecs: []proto.RTPCodecParameters{{MimeType: "video/H264", PayloadType: 96, ClockRate: 90000, Parameters: theirs}}}
	if _, err := ProducerRTPParametersMapping(&p, caps, counting()); err != nil {
		t.Fatal(err)
	}
	if got := p.Codecs[0].Parameters[profileLevelID]; got != "42e01f" {
		t.Errorf("level %v", got)
	}
	if theirs[profileLevelID] != "42e034" {
		t.Errorf("the map given became %v", theirs)
	}
}

func TestMappedSSRCs(t *testing.T) {
	for _, random := range []uint32{0, 1, 899_999_998, 899_999_999, math.MaxUint32} {
		p := proto.RTPParameters{Encodings: []proto.RTPEncodingParameters{{RID: "a"}, {SSRC: 7}, {}}}
		mapping, err := ProducerRTPParametersMapping(&p, proto.RTPCapabilities{}, func() uint32 { return random })
		if err != nil {
			t.Fatal(err)
		}
		first := mapping.Encodings[0].MappedSSRC
		if first < 100_000_000 || first > 999_999_998 {
			t.Errorf("random number %d becomes SSRC %d", random, first)
		}
		want := []proto.EncodingMapping{{RID: "a", MappedSSRC: first}, {SSRC: 7, MappedSSRC: first + 1}, {MappedSSRC: first + 2}}
		for i := range want {
			if mapping.Encodings[i] != want[i] {
				t.Errorf("encoding %d is mapped to %+v, want %+v", i, mapping.Encodings[i], want[i])
			}
		}
	}
}

// RFC 3550 section 8: SSRCs within an RTP session are unique; so must be those of one consumer.
func TestSSRCRunsDoNotTouch(t *testing.T) {
	for _, apart := range []uint32{0, 1, 2, 3, 4, 899_999_996, 899_999_997, 899_999_998} {
		for n := range 5 {
			for _, draws := range [][]uint32{{0, apart}, {apart, 0}} {
				a, b := randomSSRCs(func() uint32 {
					v := draws[0]
					draws = draws[1:]
					return v
				}, n)
				used := map[uint32]bool{}
				for i := range uint32(n) {
					used[a+i], used[b+i] = true, true
				}
				if len(used) != 2*n {
					t.Errorf("runs of %d from %d and %d overlap", n, a, b)
				}
			}
		}
	}
}
