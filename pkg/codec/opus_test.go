package codec

import (
	"testing"

	"gazpacho/pkg/rtp"
)

func TestInspectOpus(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		dtx           bool
	}{
		{"TOC alone", "78", true},
		{"TOC and a byte", "78 01", true},
		{"two empty frames", "79", true},
		{"three bytes, the shortest sound", "78 0001", false},
		{"the silence browsers send when DTX is off", "f8 ff fe", false},
		{"three frames of some bytes", "7b 03 010203", false},
		{"a frame and padding", "7b 41 02 aa 0000", false},
		// RFC 6716 section 3.2.5: code 3, padding flag, no frame data left.
		{"nothing but padding", "7b 41 03 000000", true},
		{"nothing but no padding", "7b 41 00", true},
		{"nothing but long padding", "7b 41 ff 01" + zeros(255), true},
		{"a frame and long padding", "7b 41 ff 01 aa" + zeros(255), false},
		{"more padding than packet", "7b 41 09 000000", false},
		{"padding length cut off", "7b 41 ff", false},
		{"padding flag of another code", "78 41 03 000000", false},
	} {
		var f rtp.Frame
		if !Opus.Inspect(unhex(t, c.payload), &f) || f != (rtp.Frame{DTX: c.dtx}) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	// Its payload is framed otherwise, so nothing is known of it.
	var f rtp.Frame
	if !MultiOpus.Inspect([]byte{0x78}, &f) || f != (rtp.Frame{}) {
		t.Errorf("multiopus: %+v", f)
	}
}

func zeros(n int) string {
	b := make([]byte, 2*n)
	for i := range b {
		b[i] = '0'
	}
	return string(b)
}

func FuzzOpus(f *testing.F) {
	for _, s := range []string{"78", "7b 41 03 000000", "7b 41 ff 01", "f8 ff fe"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var frame rtp.Frame
		if ok := Opus.Inspect(payload, &frame); ok != (len(payload) > 0) {
			t.Fatalf("%x: %v", payload, ok)
		}
		if len(payload) > 2 && payload[0]&3 != 3 && frame.DTX {
			t.Fatalf("%x is no silence", payload)
		}
	})
}
