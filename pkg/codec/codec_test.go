package codec

import (
	"encoding/hex"
	"strings"
	"testing"

	"gazpacho/pkg/rtp"
)

// unhex reads hex with spaces.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKindOf(t *testing.T) {
	for mime, want := range map[string]Kind{
		"audio/opus": Opus, "audio/OPUS": Opus, "AUDIO/multiopus": MultiOpus, "audio/pcmu": PCMU, "audio/PCMA": PCMA, "audio/g722": G722,
		"audio/isac": ISAC, "audio/ILBC": ILBC, "audio/silk": SILK, "audio/CN": ComfortNoise, "audio/telephone-event": TelephoneEvent,
		"video/vp8": VP8, "video/VP8": VP8, "Video/H264": H264,
	} {
		if got, ok := KindOf(mime); !ok || got != want {
			t.Errorf("%s is %v", mime, got)
		}
	}
	for _, mime := range []string{"", "video/", "opus", "video/opus", "audio/VP8", "video/rtx", "audio/opus ", "video/H2645"} {
		if got, ok := KindOf(mime); ok || got != Unknown {
			t.Errorf("%q is %v", mime, got)
		}
	}
}

func TestEveryKindHasItsName(t *testing.T) {
	for k := Unknown + 1; k < NumKinds; k++ {
		if got, ok := KindOf(k.String()); !ok || got != k {
			t.Errorf("%d is called %q, which is %d", k, k, got)
		}
		if video := strings.HasPrefix(k.String(), "video/"); k.KeyFrames() != video {
			t.Errorf("%v has key frames: %v", k, k.KeyFrames())
		}
	}
	for _, k := range []Kind{Unknown, NumKinds, 255} {
		if k.String() != "unknown" || k.KeyFrames() {
			t.Errorf("%d is called %q", k, k)
		}
		var f rtp.Frame
		if k == Unknown {
			continue
		}
		if k.Inspect([]byte{1, 2, 3}, &f) {
			t.Errorf("%d reads payloads", k)
		}
	}
}

// What a codec leaves alone is a frame that says nothing, whatever was in it before.
func TestInspectForgetsTheFrameBefore(t *testing.T) {
	for k := Unknown + 1; k < NumKinds; k++ {
		f := rtp.Frame{KeyFrame: true, DTX: true, Spatial: 1, Temporal: 2, SwitchUp: true, HasPictureID: true, HasTL0PICIDX: true, PictureID: 7}
		payload := []byte{0x10, 0x01, 0x01, 0x01} // in all codecs of something that says nothing of itself
		if !k.Inspect(payload, &f) {
			t.Errorf("%v: refused", k)
		}
		want := rtp.Frame{}
		if k == RED {
			want.Primary, want.PrimaryType = 1, 0x10 // nothing but one block
		}
		if f != want {
			t.Errorf("%v: %+v", k, f)
		}
		f.KeyFrame = true
		if k.Inspect(nil, &f) || f.KeyFrame {
			t.Errorf("%v: an empty payload is a frame", k)
		}
	}
}

func TestInspectAllocatesNothing(t *testing.T) {
	vp8, h264, opus := unhex(t, "90 f0 8123 45 67 00"), unhex(t, "78 0002 6742 0002 6801"), []byte{0xf8, 0xff, 0xfe}
	var h rtp.Header
	var f rtp.Frame
	if n := testing.AllocsPerRun(100, func() {
		if !Opus.Inspect(opus, &f) || !H264.Inspect(h264, &f) || !f.KeyFrame || !VP8.Inspect(vp8, &f) || !f.KeyFrame {
			t.Fatal("misread")
		}
		PatchIDs(&h, vp8, &f, 1, 2)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkInspectVP8(b *testing.B) {
	payload := append(unhex(b, "90 f0 8123 45 67"), make([]byte, 1000)...)
	var f rtp.Frame
	for b.Loop() {
		VP8.Inspect(payload, &f)
	}
}

func BenchmarkInspectH264(b *testing.B) {
	payload := append(unhex(b, "7c 85"), make([]byte, 1000)...)
	var f rtp.Frame
	for b.Loop() {
		H264.Inspect(payload, &f)
	}
}
