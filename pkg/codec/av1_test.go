package codec

import (
	"testing"

	"github.com/pion/rtp/codecs"

	"gazpacho/pkg/rtp"
)

func TestInspectAV1(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		key           bool
	}{
		{"one element", "10 32 aa", false},
		{"one element of a new sequence", "18 0a aa", true},
		{"one fragment", "50 32", false},
		{"the rest of an OBU", "90 32 aa bb", false},
		{"two elements", "28 02 0a aa 32 bb", true},
		{"three elements", "30 01 0a 02 32 aa 32", false},
		{"elements with lengths", "08 02 0a aa 01 32", true},
		{"an empty element", "20 00 32", false},
		{"a length in more bytes than it needs", "20 81 00 32 aa", false},
		{"reserved bits", "17 32", false},
	} {
		var f rtp.Frame
		if !AV1.Inspect(unhex(t, c.payload), &f) || f != (rtp.Frame{KeyFrame: c.key}) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

func TestInspectAV1Malformed(t *testing.T) {
	for name, s := range map[string]string{
		"a header alone":                    "10",
		"a new sequence that continues":     "98 0a aa",
		"an element that does not fit":      "20 05 0a aa",
		"a length cut off":                  "20 80",
		"a length that is absurd":           "20 ff ff ff ff 01 aa",
		"the second of two is missing":      "20 02 0a aa",
		"the third of three is missing":     "30 01 0a 01 32",
		"half a length behind elements":     "00 01 0a 80",
		"an element behind that is too big": "00 01 0a 02 32",
	} {
		var f rtp.Frame
		if AV1.Inspect(unhex(t, s), &f) {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzAV1(f *testing.F) {
	for _, s := range []string{"10 32 aa", "18 0a aa", "28 02 0a aa 32 bb", "08 02 0a aa 01 32", "20 81 00 32 aa", "90 32 aa bb"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var frame rtp.Frame
		ok := AV1.Inspect(payload, &frame)
		if !ok && frame != (rtp.Frame{}) {
			t.Fatalf("refused, and yet %+v: %x", frame, payload)
		}
		if len(payload) == 0 {
			return
		}
		// What pion takes we take, but for lengths of more than four bytes and sequences that continue.
		d := &codecs.AV1Depacketizer{}
		if _, err := d.Unmarshal(payload); err == nil && !ok && !(d.N && d.Z) && payload[0]&av1Count == av1Count&0x10 {
			t.Fatalf("refused, pion takes %x", payload)
		}
	})
}

// Every packet that a packetizer makes of a temporal unit is taken, and the sequence header starts a key frame.
func TestAV1OfAPacketizer(t *testing.T) {
	unit := []byte{0x0a, 0x03, 1, 2, 3} // sequence header with a size
	frame := append([]byte{0x32, 0xd0, 0x0f}, make([]byte, 2000)...)
	var payloader codecs.AV1Payloader
	for _, key := range []bool{true, false} {
		sample := frame
		if key {
			sample = append(append([]byte{}, unit...), frame...)
		}
		for i, payload := range payloader.Payload(500, sample) {
			var f rtp.Frame
			if !AV1.Inspect(payload, &f) || f.KeyFrame != (key && i == 0) {
				t.Errorf("packet %d, key frame %v: %+v of %x", i, key, f, payload[:8])
			}
		}
	}
}
