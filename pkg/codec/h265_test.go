package codec

import (
	"testing"

	"github.com/pion/rtp/codecs"

	"gazpacho/pkg/rtp"
)

func TestInspectH265(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		want          rtp.Frame
	}{
		{"VPS", "40 01 0c", rtp.Frame{KeyFrame: true}},
		{"SPS", "42 01 01", rtp.Frame{KeyFrame: true}},
		{"PPS", "44 01 c0", rtp.Frame{}},
		{"SEI", "4e 01 01", rtp.Frame{}},
		{"first slice of an IDR picture", "26 01 af", rtp.Frame{KeyFrame: true}},
		{"a later slice of an IDR picture", "26 01 2f", rtp.Frame{}},
		{"first slice of a CRA picture", "2a 01 80", rtp.Frame{KeyFrame: true}},
		{"first slice of a BLA picture", "20 01 80", rtp.Frame{KeyFrame: true}},
		{"reserved IRAP type", "2c 01 80", rtp.Frame{}},
		{"trailing picture", "02 01 d0", rtp.Frame{}},
		{"trailing picture of the second sub-layer", "00 02 d0", rtp.Frame{Temporal: 1}},
		// "a TSA picture ... enables up-switching, at the TSA picture, to the sub-layer containing the TSA picture" (ITU-T H.265 section 3).
		{"TSA picture", "04 03 d0", rtp.Frame{Temporal: 2, SwitchUp: true, SwitchAfter: true}},
		{"TSA picture that others refer to", "06 02 d0", rtp.Frame{Temporal: 1, SwitchUp: true, SwitchAfter: true}},
		{"STSA picture", "08 03 d0", rtp.Frame{Temporal: 2, SwitchUp: true}},
		{"STSA picture that others refer to", "0a 03 d0", rtp.Frame{Temporal: 2, SwitchUp: true}},
		{"highest sub-layer", "00 07 d0", rtp.Frame{Temporal: 6}},
		{"aggregation of VPS and SPS", "60 01 0003 40010c 0003 420101", rtp.Frame{KeyFrame: true}},
		{"aggregation of SEI and IDR", "60 01 0003 4e0101 0003 2601af", rtp.Frame{KeyFrame: true}},
		{"aggregation without any", "60 02 0003 4e0201 0003 0002d0", rtp.Frame{Temporal: 1}},
		{"aggregation of a header alone", "60 01 0002 4001", rtp.Frame{}},
		{"fragment that starts an IDR slice", "62 01 93 af", rtp.Frame{KeyFrame: true}},
		{"fragment in the middle of an IDR slice", "62 01 13 af", rtp.Frame{}},
		{"fragment that ends an IDR slice", "62 01 53 af", rtp.Frame{}},
		{"fragment that starts an SPS", "62 01 a1 01", rtp.Frame{KeyFrame: true}},
		{"fragment in the middle of a TSA picture", "62 02 03 aa", rtp.Frame{Temporal: 1, SwitchUp: true, SwitchAfter: true}},
		{"PACI", "64 01 00 00 aa", rtp.Frame{}},
	} {
		var f rtp.Frame
		if !H265.Inspect(unhex(t, c.payload), &f) || f != c.want {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

func TestInspectH265Malformed(t *testing.T) {
	for name, s := range map[string]string{
		"half a header": "40", "a header alone": "40 01", "TID 0": "40 00 0c", "fragment without its header": "62 01", "fragment of nothing": "62 01 93",
		"half a size": "60 01 00", "size of a part of a header": "60 01 0001 40", "unit cut off": "60 01 0004 40010c",
		"second unit cut off": "60 01 0003 40010c 0003 42",
	} {
		var f rtp.Frame
		if H265.Inspect(unhex(t, s), &f) {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzH265(f *testing.F) {
	for _, s := range []string{"40 01 0c", "26 01 af", "60 01 0003 40010c 0003 420101", "62 01 93 af", "64 01 00 00 aa", "04 03 d0"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var frame rtp.Frame
		ok := H265.Inspect(payload, &frame)
		if len(payload) < 2 {
			if ok {
				t.Fatalf("accepted %x", payload)
			}
			return
		}
		header := codecs.H265NALUHeader(uint16(payload[0])<<8 | uint16(payload[1]))
		if ok && frame.Temporal != header.TID()-1 {
			t.Fatalf("%x: layer %d, pion says %d", payload, frame.Temporal, header.TID())
		}
		// What pion takes for fragments and units of their own we take, unless they are empty or their TID is illegal.
		if _, err := (&codecs.H265Depacketizer{}).Unmarshal(payload); err == nil && !ok && header.TID() != 0 && len(payload) > 4 && !header.IsAggregationPacket() {
			t.Fatalf("refused, pion takes %x", payload)
		}
	})
}
