package codec

import (
	"bytes"
	"testing"

	"gazpacho/pkg/rtp"
)

func TestInspectRED(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		want          rtp.Frame
	}{
		// RFC 2198 section 3: "The final header is a 1 octet header" of the primary encoding.
		{"no redundancy", "6f fc 01 02 03", rtp.Frame{Primary: 1, PrimaryType: 111}},
		{"one block before it", "ef 0f00 03 6f aaaaaa bbbbbbbb", rtp.Frame{Primary: 8, PrimaryType: 111}},
		{"two blocks before it", "ef 1e00 03 ef 0f00 04 6f aaaaaa cccccccc bbbbbbbb", rtp.Frame{Primary: 16, PrimaryType: 111}},
		{"a block of another type", "e4 0f00 03 6f aaaaaa bbbbbbbb", rtp.Frame{Primary: 8, PrimaryType: 111}},
		{"a block of a length of ten bits", "ef 0f01 00 6f" + string(bytes.Repeat([]byte("aa"), 256)) + "bbbbbb", rtp.Frame{Primary: 261, PrimaryType: 111}},
		{"an empty block", "ef 0f00 00 6f bbbbbbbb", rtp.Frame{Primary: 5, PrimaryType: 111}},
		// Silence is not said while there is speech to repair.
		{"silence", "6f f8", rtp.Frame{Primary: 1, PrimaryType: 111, DTX: true}},
		{"silence after silence", "ef 0f00 01 6f f8 f8", rtp.Frame{Primary: 6, PrimaryType: 111, DTX: true}},
		{"silence after speech", "ef 0f00 03 6f aaaaaa f8", rtp.Frame{Primary: 8, PrimaryType: 111}},
		{"speech after silence", "ef 0f00 01 6f f8 aaaaaa", rtp.Frame{Primary: 6, PrimaryType: 111}},
		{"nothing new", "ef 0f00 03 6f aaaaaa", rtp.Frame{Primary: 8, PrimaryType: 111}},
	} {
		var f rtp.Frame
		if !RED.Inspect(unhex(t, c.payload), &f) || f != c.want {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

func TestInspectREDMalformed(t *testing.T) {
	for name, s := range map[string]string{
		"headers without end": "ef 0f00 03", "half a header": "ef 0f", "a header after half of one": "ef 0f00 03 ef 0f",
		"a block that is cut off": "ef 0f00 05 6f aaaaaa", "a second block that is cut off": "ef 0f00 01 ef 0f00 05 6f aa bbbb",
	} {
		var f rtp.Frame
		if RED.Inspect(unhex(t, s), &f) {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestMapRED(t *testing.T) {
	b := unhex(t, "ef 1e00 03 e3 0f00 01 6f aaaaaa 63 6f6f6f")
	MapRED(b, func(pt uint8) (uint8, bool) { return 100, pt == 111 })
	// "The block PT" alone is changed, not what looks like one in a block; and none that means nothing to us.
	if want := unhex(t, "e4 1e00 03 e3 0f00 01 64 aaaaaa 63 6f6f6f"); !bytes.Equal(b, want) {
		t.Errorf("%x, want %x", b, want)
	}
}

func FuzzRED(f *testing.F) {
	for _, s := range []string{"6f f8", "ef 0f00 03 6f aaaaaa bbbb", "ef 1e00 03 ef 0f00 04 6f aaaaaa cccccccc bbbb", "ef 0f00 03"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := bytes.Clone(payload)
		var frame rtp.Frame
		if !RED.Inspect(payload, &frame) {
			return
		}
		if frame.Primary == 0 || int(frame.Primary) > len(payload) {
			t.Fatalf("the newest block of %x is at %d", payload, frame.Primary)
		}
		MapRED(payload, func(pt uint8) (uint8, bool) { return pt ^ 0x7f, true })
		var mapped rtp.Frame
		if !RED.Inspect(payload, &mapped) || mapped.Primary != frame.Primary || mapped.PrimaryType != frame.PrimaryType^0x7f {
			t.Fatalf("%x became %x: %+v, was %+v", before, payload, mapped, frame)
		}
		MapRED(payload, func(pt uint8) (uint8, bool) { return pt ^ 0x7f, true })
		if !bytes.Equal(payload, before) {
			t.Fatalf("%x mapped to and fro is %x", before, payload)
		}
	})
}

func TestREDDoesNotAllocate(t *testing.T) {
	b, pt := unhex(t, "ef 0f00 03 6f aaaaaa bbbbbbbb"), uint8(100)
	var f rtp.Frame
	if n := testing.AllocsPerRun(100, func() {
		RED.Inspect(b, &f)
		MapRED(b, func(uint8) (uint8, bool) { return pt, true })
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
