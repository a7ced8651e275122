package codec

import (
	"testing"

	"github.com/pion/rtp/codecs"

	"gazpacho/pkg/rtp"
)

func TestInspectH264(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		key           bool
	}{
		{"SPS", "67 42c01f", true},
		{"SPS of no importance", "07 42", true},
		{"PPS", "68 ce3880", false},
		{"SEI", "06 0501", false},
		{"access unit delimiter", "09 10", false},
		{"slice of another picture", "41 9a", false},
		{"first slice of an IDR picture", "65 88", true},
		{"a later slice of an IDR picture", "65 40", false}, // first_mb_in_slice > 0
		{"an SPS of a header alone", "67", false},
		{"STAP-A of SPS and PPS", "78 0004 6742c01f 0002 68ce", true},
		{"STAP-A of SEI, SPS, PPS and IDR", "78 0002 0605 0002 6742 0002 68ce 0002 6588", true},
		{"STAP-A that ends with the IDR slice", "78 0002 0605 0002 6588", true},
		{"STAP-A without any", "78 0002 0605 0002 419a", false},
		{"STAP-A of a header alone", "78 0001 67", false},
		{"FU-A that starts an IDR slice", "7c 85 88", true},
		{"FU-A that starts a later IDR slice", "7c 85 40", false},
		{"FU-A in the middle of an IDR slice", "7c 05 88", false},
		{"FU-A at the end of an IDR slice", "7c 45 88", false},
		{"FU-A that starts an SPS", "7c 87 42", true},
		{"FU-A that starts another slice", "7c 81 9a", false},
		{"STAP-B, of a mode nobody negotiates", "79 0000 0002 6742", false},
		{"FU-B, of a mode nobody negotiates", "7d 85 0000 88", false},
		{"reserved type", "7f 85", false},
	} {
		var f rtp.Frame
		if !H264.Inspect(unhex(t, c.payload), &f) || f != (rtp.Frame{KeyFrame: c.key}) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

func TestInspectH264Malformed(t *testing.T) {
	for name, s := range map[string]string{
		"STAP-A of nothing":                "78",
		"STAP-A with half a size":          "78 00",
		"STAP-A with a size of 0":          "78 0000 0002 6742",
		"STAP-A, unit cut off":             "78 0004 6742c0",
		"STAP-A, second unit cut off":      "78 0002 6742 0002 68",
		"STAP-A, half a size behind units": "78 0002 6742 00",
		"STAP-A, the largest size":         "78 ffff 6742",
		"FU-A without its header":          "7c",
		"FU-A of no fragment":              "7c 85",
	} {
		var f rtp.Frame
		if H264.Inspect(unhex(t, s), &f) {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestInspectH264CutAnywhere(t *testing.T) {
	whole := unhex(t, "78 0002 0605 0002 6742 0002 68ce 0002 6588")
	for n := 1; n < len(whole); n++ {
		var f rtp.Frame
		ok := H264.Inspect(whole[:n], &f)
		// Between two units it is an aggregation of fewer.
		if want := n > 1 && (n-1)%4 == 0; ok != want {
			t.Errorf("cut to %d bytes: accepted %v", n, ok)
		}
	}
}

func FuzzH264(f *testing.F) {
	for _, s := range []string{
		"67 42c01f", "65 88", "78 0004 6742c01f 0002 68ce", "7c 85 88", "7c 05 88", "78 ffff 6742", "79 0000 0002 6742",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var frame rtp.Frame
		ok := H264.Inspect(payload, &frame)
		if !ok && frame.KeyFrame && payload[0]&nalType != nalSTAPA {
			t.Fatalf("a malformed payload starts a key frame: %x", payload)
		}
		if len(payload) < 2 || payload[0]&nalType > nalFUA {
			return
		}
		// What we refuse pion refuses too, or drops without a word: an empty aggregation, an empty fragment or unit.
		_, err := (&codecs.H264Packet{}).Unmarshal(payload)
		if ok && err != nil && payload[0]&nalType <= nalSTAPA && payload[0]&nalType != 0 {
			t.Fatalf("accepted, pion says %v: %x", err, payload)
		}
	})
}

// sample is a coded picture as an encoder gives it, in Annex B.
func sample(key bool, size int) []byte {
	b := []byte{}
	if key {
		b = append(b, 0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0x38, 0x80, 0, 0, 0, 1, 0x65, 0x88)
	} else {
		b = append(b, 0, 0, 0, 1, 0x41, 0x9a)
	}
	for range size {
		b = append(b, 0x55)
	}
	return b
}

// Of each picture that a packetizer cut up, exactly the packets where a decoder can begin are found: parameter sets and the first
// fragment of the slice, in pictures that are key frames.
func TestH264OfAPacketizer(t *testing.T) {
	for _, size := range []int{10, 1000, 1300, 5000} {
		var payloader codecs.H264Payloader
		for _, key := range []bool{true, false, false, true, false} {
			starts := 0
			payloads := payloader.Payload(1200, sample(key, size))
			for i, payload := range payloads {
				var f rtp.Frame
				if !H264.Inspect(payload, &f) {
					t.Fatalf("refused %x", payload[:4])
				}
				if f.KeyFrame {
					starts++
				}
				if i == 0 && f.KeyFrame != key {
					t.Errorf("%d bytes: first packet of a key frame %v: %v", size, key, f.KeyFrame)
				}
			}
			if !key && starts > 0 || starts > 2 {
				t.Errorf("%d bytes: %d starts in %d packets, key frame %v", size, starts, len(payloads), key)
			}
		}
	}
}
