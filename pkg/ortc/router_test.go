package ortc

import (
	"slices"
	"testing"

	"gazpacho/proto"
)

func TestRouterPayloadTypes(t *testing.T) {
	video := func(pt *uint8) proto.RTPCodecCapability {
		return proto.RTPCodecCapability{MimeType: "video/VP8", ClockRate: 90000, PreferredPayloadType: pt}
	}
	audio := func(mimeType string, pt *uint8) proto.RTPCodecCapability {
		return proto.RTPCodecCapability{MimeType: mimeType, ClockRate: 8000, PreferredPayloadType: pt}
	}
	for _, c := range []struct {
		name   string
		codecs []proto.RTPCodecCapability
		want   []uint8
	}{
		{"none", nil, []uint8{}},
		{"video and its retransmissions", []proto.RTPCodecCapability{video(nil)}, []uint8{100, 101}},
		{"static ones take no dynamic one", []proto.RTPCodecCapability{audio("audio/PCMU", nil), audio("audio/PCMA", nil), audio("audio/G722", nil), audio("audio/CN", nil), video(nil)}, []uint8{0, 8, 9, 13, 100, 101}},
		{"one given beats the static one", []proto.RTPCodecCapability{audio("audio/PCMU", payloadType(100)), video(nil)}, []uint8{100, 101, 102}},
		{"zero is one given", []proto.RTPCodecCapability{audio("audio/iLBC", payloadType(0))}, []uint8{0}},
		{"one given is not given again", []proto.RTPCodecCapability{video(payloadType(101)), video(nil)}, []uint8{101, 100, 102, 103}},
		{"one given beyond the dynamic ones", []proto.RTPCodecCapability{video(payloadType(35))}, []uint8{35, 100}},
	} {
		caps, err := GenerateRouterRTPCapabilities(c.codecs)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := pts(caps.Codecs); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		name   string
		codecs []proto.RTPCodecCapability
		path   string
	}{
		{"the same twice", []proto.RTPCodecCapability{video(payloadType(96)), video(payloadType(96))}, "mediaCodecs[1].preferredPayloadType"},
		{"static ones twice", []proto.RTPCodecCapability{audio("audio/CN", nil), audio("audio/CN", nil)}, "mediaCodecs[1].preferredPayloadType"},
		{"one that was handed out", []proto.RTPCodecCapability{video(nil), video(payloadType(101))}, "mediaCodecs[1].preferredPayloadType"},
		{"one over 127", []proto.RTPCodecCapability{video(payloadType(128))}, "mediaCodecs[0].preferredPayloadType"},
		{"no MIME type", []proto.RTPCodecCapability{{ClockRate: 8000}}, "mediaCodecs[0].mimeType"},
	} {
		_, err := GenerateRouterRTPCapabilities(c.codecs)
		if err == nil {
			t.Errorf("%s is let pass", c.name)
			continue
		}
		wantBadField(t, err, c.path)
	}
}

// 100 to 127 come first, then 96 to 99, then nothing.
func TestPayloadTypesInOrder(t *testing.T) {
	pool := newPayloadTypes()
	pool.take(102)
	pool.take(99)
	pool.take(5) // not one of them
	want := []uint8{}
	for pt := uint8(100); pt < 128; pt++ {
		if pt != 102 {
			want = append(want, pt)
		}
	}
	want = append(want, 96, 97, 98)
	for _, w := range want {
		if pt, ok := pool.next(); !ok || pt != w {
			t.Errorf("got %d %t, want %d", pt, ok, w)
		}
	}
	if pt, ok := pool.next(); ok {
		t.Errorf("got %d from an empty pool", pt)
	}
}

// Parameters given override the supported codec's, numbers by number; its spelling and feedback stay.
func TestRouterMergesParameters(t *testing.T) {
	caps, err := GenerateRouterRTPCapabilities([]proto.RTPCodecCapability{{
		MimeType: "VIDEO/h264", ClockRate: 90000, Channels: 9,
		Parameters: params(levelAsymmetryAllowed, 0, "x", "y"), RTCPFeedback: []proto.RTCPFeedback{{Type: "foo"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, caps.Codecs[0], `{"kind":"video","mimeType":"video/H264","preferredPayloadType":100,"clockRate":90000,
		"parameters":{"level-asymmetry-allowed":0,"x":"y"},"rtcpFeedback":[{"type":"nack","parameter":""},{"type":"nack","parameter":"pli"},
		{"type":"ccm","parameter":"fir"},{"type":"goog-remb","parameter":""},{"type":"transport-cc","parameter":""}]}`)
}

// RFC 8843 lets audio and video share a transport: one id must not mean two things, nor one thing have two ids.
func TestExtensionIDsAreOneToOne(t *testing.T) {
	uris, ids := map[int]string{}, map[string]int{}
	for _, e := range SupportedRTPCapabilities().HeaderExtensions {
		if uri, ok := uris[e.PreferredID]; ok && uri != e.URI {
			t.Errorf("id %d is %s and %s", e.PreferredID, uri, e.URI)
		}
		if id, ok := ids[e.URI]; ok && id != e.PreferredID {
			t.Errorf("%s is %d and %d", e.URI, id, e.PreferredID)
		}
		uris[e.PreferredID], ids[e.URI] = e.URI, e.PreferredID
		// RFC 8285 section 4.2: ids of one-byte headers are 1 to 14.
		if e.PreferredID < 1 || e.PreferredID > 14 {
			t.Errorf("id %d of %s does not fit a one-byte header", e.PreferredID, e.URI)
		}
	}
	if ids[dependencyDescriptorURI] != dependencyDescriptorID {
		t.Errorf("pipe consumers name the dependency descriptor %d, producers %d", dependencyDescriptorID, ids[dependencyDescriptorURI])
	}
}

// Every supported codec makes a router by itself.
func TestRouterOfEachSupportedCodec(t *testing.T) {
	for _, c := range SupportedRTPCapabilities().Codecs {
		caps, err := GenerateRouterRTPCapabilities([]proto.RTPCodecCapability{c})
		if err != nil {
			t.Errorf("%s: %v", c.MimeType, err)
			continue
		}
		want := 1
		if c.Kind == proto.Video {
			want = 2
		}
		if got := caps.Codecs; len(got) != want || got[0].MimeType != c.MimeType || got[0].ClockRate != c.ClockRate || got[0].Channels != c.Channels {
			t.Errorf("%s becomes %s", text(c), text(got))
		}
	}
}
