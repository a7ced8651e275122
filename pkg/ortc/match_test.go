package ortc

import (
	"testing"

	"gazpacho/proto"
)

func TestMatchCodecs(t *testing.T) {
	base := format{mimeType: "video/VP8", clockRate: 90000}
	h264 := func(keysAndValues ...any) format { return format{"video/H264", 90000, 0, params(keysAndValues...)} }
	vp9 := func(keysAndValues ...any) format { return format{"video/VP9", 90000, 0, params(keysAndValues...)} }
	multi := func(keysAndValues ...any) format {
		return format{"audio/multiopus", 48000, 6, params(keysAndValues...)}
	}
	for _, c := range []struct {
		name          string
		a, b          format
		loose, strict bool
	}{
		{"same", base, base, true, true},
		{"case of the MIME type", base, format{mimeType: "VIDEO/vp8", clockRate: 90000}, true, true},
		{"other parameters", base, format{"video/VP8", 90000, 0, params("max-fr", 30)}, true, true},
		{"other MIME type", base, format{mimeType: "video/VP9", clockRate: 90000}, false, false},
		{"other clock rate", base, format{mimeType: "video/VP8", clockRate: 48000}, false, false},
		{"other channels", format{mimeType: "audio/opus", channels: 2}, format{mimeType: "audio/opus", channels: 1}, false, false},
		{"H264 without parameters", h264(), h264(), true, true},
		{"H264 packetization mode 0 and none", h264("packetization-mode", 0), h264(), true, true},
		{"H264 packetization mode of other types", h264("packetization-mode", 1), h264("packetization-mode", 1.0), true, true},
		{"H264 packetization mode as text", h264("packetization-mode", "1"), h264("packetization-mode", 1), true, false},
		{"H264 packetization mode 1 and none", h264("packetization-mode", 1), h264(), true, false},
		{"H264 level", h264(profileLevelID, "42e01f"), h264(profileLevelID, "42e034"), true, true},
		{"H264 profile", h264(profileLevelID, "42e01f"), h264(profileLevelID, "64001f"), true, false},
		{"H264 profile unknown", h264(profileLevelID, "ffffff"), h264(profileLevelID, "ffffff"), true, false},
		{"VP9 profile 0 and none", vp9("profile-id", 0), vp9(), true, true},
		{"VP9 profile 0 as nothing", vp9("profile-id", ""), vp9(), true, true},
		{"VP9 profile", vp9("profile-id", 2), vp9(), true, false},
		{"multiopus", multi("num_streams", 4, "coupled_streams", 2), multi("num_streams", 4, "coupled_streams", 2, "x", 1), true, true},
		{"multiopus streams", multi("num_streams", 4), multi("num_streams", 5), false, false},
		{"multiopus streams and none", multi("num_streams", 0), multi(), false, false},
		{"multiopus coupled streams", multi("coupled_streams", 2), multi("coupled_streams", 3), false, false},
	} {
		for how, want := range map[strictness]bool{loose: c.loose, strict: c.strict} {
			if got := matchCodecs(c.a, c.b, how); got != want {
				t.Errorf("%s: %t, strictness %d", c.name, got, how)
			}
			if got := matchCodecs(c.b, c.a, how); got != want {
				t.Errorf("%s, the other way round: %t, strictness %d", c.name, got, how)
			}
		}
	}
}

func TestIsRTX(t *testing.T) {
	for mimeType, want := range map[string]bool{
		"video/rtx": true, "VIDEO/RTX": true, "audio/rtx": true, "/rtx": false, "rtx": false, "video/rtx2": false, "": false, "video/vp8": false,
	} {
		if got := isRTX(mimeType); got != want {
			t.Errorf("%q: %t", mimeType, got)
		}
	}
	if !isRTXOf("video/rtx", params("apt", 96.0), 96) || isRTXOf("video/rtx", params("apt", 97), 96) || isRTXOf("video/VP8", params("apt", 96), 96) {
		t.Error("apt is not looked at")
	}
}

// The level that both sides can do is written where the profile is, and only for H264.
func TestNegotiateLevel(t *testing.T) {
	for _, c := range []struct {
		mimeType string
		ours     proto.CodecParameters
		remote   proto.CodecParameters
		want     any
	}{
		{"video/H264", params(profileLevelID, "42e034"), params(profileLevelID, "42e01f"), "42e01f"},
		{"video/h264", params(), params(profileLevelID, "42e00a"), "42e00a"},
		{"video/H264", nil, params(profileLevelID, "42e00a"), "42e00a"},
		{"video/H264", params(), params(), nil},
		{"video/H264", params(profileLevelID, ""), params(), nil},
		{"video/VP8", params(profileLevelID, "42e034"), params(profileLevelID, "42e01f"), "42e034"},
	} {
		codec := proto.RTPCodecParameters{MimeType: c.mimeType, Parameters: c.ours}
		negotiateLevel(&codec, c.remote)
		if got := codec.Parameters[profileLevelID]; got != c.want {
			t.Errorf("%s: %v, want %v", c.mimeType, got, c.want)
		}
	}
}
