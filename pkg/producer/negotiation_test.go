package producer

import (
	"strings"
	"testing"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name string
		make func() *proto.Produce
		err  string // error name, then what message or path must have
		has  string
	}{
		{"kind", func() *proto.Produce { o := produceAudio(); o.Kind = "chicken"; return o }, proto.TypeErrorName, "chicken"},
		{"no codecs", func() *proto.Produce { o := produceAudio(); o.RTPParameters.Codecs = nil; return o }, proto.TypeErrorName, "codecs"},
		{"only RTX", func() *proto.Produce {
			o := produceVideo(single())
			o.RTPParameters.Codecs = o.RTPParameters.Codecs[1:]
			return o
		}, proto.TypeErrorName, "RTX"},
		{"codecs that cannot be forwarded", func() *proto.Produce {
			o := produceVideo(single())
			o.RTPParameters.Codecs[0].MimeType = "video/H266"
			o.RTPParameters.Codecs = append(o.RTPParameters.Codecs, proto.RTPCodecParameters{MimeType: "video/chicken", PayloadType: 99, ClockRate: 90000})
			return o
		}, proto.UnsupportedErrorName, "video/H266, video/chicken"},
		{"audio in video", func() *proto.Produce { o := produceAudio(); o.Kind = proto.Video; return o }, proto.UnsupportedErrorName, "audio/opus"},
		{"payload type twice", func() *proto.Produce {
			o := produceVideo(single())
			o.RTPParameters.Codecs[1].PayloadType = vp8Type
			return o
		}, proto.TypeErrorName, "codecs[1].payloadType"},
		{"payload type too high", func() *proto.Produce {
			o := produceVideo(single())
			o.RTPParameters.Codecs[0].PayloadType = 128
			return o
		}, proto.TypeErrorName, "codecs[0].payloadType"},
		{"clock rate", func() *proto.Produce { o := produceAudio(); o.RTPParameters.Codecs[0].ClockRate = 0; return o }, proto.TypeErrorName, "clockRate"},
		{"RTX without apt", func() *proto.Produce {
			o := produceVideo(single())
			o.RTPParameters.Codecs[1].Parameters = nil
			return o
		}, proto.TypeErrorName, "codecs[1].parameters.apt"},
		{"RTX of itself", func() *proto.Produce {
			o := produceVideo(single())
			o.RTPParameters.Codecs[1].Parameters = proto.CodecParameters{"apt": rtxType}
			return o
		}, proto.TypeErrorName, "apt"},
		{"RTX of what is no payload type", func() *proto.Produce {
			o := produceVideo(single())
			o.RTPParameters.Codecs[1].Parameters = proto.CodecParameters{"apt": 300.0}
			return o
		}, proto.TypeErrorName, "apt"},
		{"RTX of nothing", func() *proto.Produce {
			o := produceVideo(single())
			o.RTPParameters.Codecs[1].Parameters = proto.CodecParameters{"apt": 50}
			return o
		}, proto.TypeErrorName, "apt"},
		{"no codec mapping", func() *proto.Produce { o := produceVideo(single()); o.RTPMapping.Codecs = nil; return o }, proto.TypeErrorName, "rtpMapping.codecs"},
		{"extension id", func() *proto.Produce {
			o := produceAudio()
			o.RTPParameters.HeaderExtensions[0].ID = 256
			return o
		}, proto.TypeErrorName, "headerExtensions[0].id"},
		{"no encodings", func() *proto.Produce { return produceVideo() }, proto.TypeErrorName, "encodings"},
		{"too many encodings", func() *proto.Produce {
			return produceVideo(make([]proto.RTPEncodingParameters, maxEncodings+1)...)
		}, proto.TypeErrorName, "encodings"},
		{"missing mapping", func() *proto.Produce { o := produceVideo(single()); o.RTPMapping.Encodings = nil; return o }, proto.TypeErrorName, "rtpMapping.encodings"},
		{"mapped to nothing", func() *proto.Produce {
			o := produceVideo(single())
			o.RTPMapping.Encodings[0].MappedSSRC = 0
			return o
		}, proto.TypeErrorName, "mappedSsrc"},
		{"mapped to the same", func() *proto.Produce {
			o := produceVideo(rids()...)
			o.RTPMapping.Encodings[2].MappedSSRC = 1000
			return o
		}, proto.TypeErrorName, "rtpMapping.encodings[2].mappedSsrc"},
		{"spatial layers", func() *proto.Produce {
			o := produceVideo(rids()...)
			o.RTPParameters.Encodings[1].ScalabilityMode = "L3T3_KEY"
			return o
		}, proto.TypeErrorName, "L3T3_KEY"},
		{"nameless encodings", func() *proto.Produce {
			return produceVideo(single(), proto.RTPEncodingParameters{})
		}, proto.TypeErrorName, "encodings[1]"},
		{"codec of an encoding", func() *proto.Produce {
			e, pt := single(), uint8(rtxType)
			e.CodecPayloadType = &pt
			return produceVideo(e)
		}, proto.TypeErrorName, "codecPayloadType"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{t: t, now: start}
			_, err := New(Config{Options: tt.make(), Timers: &timer.Queue{}, Feedback: w, Events: w})
			if err == nil {
				t.Fatal("accepted")
			}
			if err.Name != tt.err || !strings.Contains(err.Message+" "+err.Path, tt.has) {
				t.Errorf("%v, want %s about %s", err, tt.err, tt.has)
			}
		})
	}
}

func TestNewType(t *testing.T) {
	simple := newWorld(t, produceVideo(single())).producer
	if simple.Type() != proto.Simple || simple.Result().Type != proto.Simple || simple.Kind() != proto.Video || simple.ID() != "p1" {
		t.Errorf("%s %s %s", simple.Type(), simple.Kind(), simple.ID())
	}
	if got := newWorld(t, produceVideo(rids()...)).producer.Type(); got != proto.Simulcast {
		t.Errorf("three encodings make it %s", got)
	}
	ids := *simple.IDs()
	if ids[rtp.ExtMID] != midID || ids[rtp.ExtVideoOrientation] != orientationID || ids[rtp.ExtAudioLevel] != 0 {
		t.Errorf("extension ids %v", ids)
	}
	if simple.Parameters().MID != "0" || simple.Paused() {
		t.Error("parameters or state are not those of the options")
	}
}
