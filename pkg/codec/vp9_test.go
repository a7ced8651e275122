package codec

import (
	"bytes"
	"testing"

	"github.com/pion/rtp/codecs"
	"pgregory.net/rapid"

	"gazpacho/pkg/rtp"
)

func TestInspectVP9(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		want          rtp.Frame
	}{
		{"shortest, in the middle of a key frame", "00 aa", rtp.Frame{}},
		{"shortest, a key frame", "08 aa", rtp.Frame{KeyFrame: true, Start: true}},
		{"start and end", "0c aa", rtp.Frame{KeyFrame: true, Start: true, End: true}},
		{"an inter frame", "48 aa", rtp.Frame{Start: true, InterPicture: true}},
		{"not needed above", "05 aa", rtp.Frame{End: true, Unreferenced: true}},
		{"7-bit picture id", "c8 7f aa", rtp.Frame{Start: true, InterPicture: true, HasPictureID: true, PictureID: 0x7f, PictureIDBytes: 1, PictureIDAt: 1}},
		{"15-bit picture id", "c8 ff fe aa", rtp.Frame{Start: true, InterPicture: true, HasPictureID: true, PictureID: 0x7ffe, PictureIDBytes: 2, PictureIDAt: 1}},
		// "P: Inter-picture predicted frame": the upper layer frames of a key picture refer to the ones below them only.
		{
			"layers, non-flexible, upper layer of a key picture", "28 43 07 aa",
			rtp.Frame{Start: true, Temporal: 2, Spatial: 1, HasTL0PICIDX: true, TL0PICIDX: 7, TL0PICIDXAt: 2},
		},
		{"layers, flexible", "38 f0 aa", rtp.Frame{Start: true, KeyFrame: true, Temporal: 7, SwitchAfter: true}},
		{"three references", "58 03 05 06 aa", rtp.Frame{Start: true, InterPicture: true}},
		{
			"everything in flexible mode", "fc 8123 32 05 04 aa",
			rtp.Frame{
				Start: true, End: true, InterPicture: true, Temporal: 1, SwitchAfter: true, Spatial: 1,
				HasPictureID: true, PictureID: 0x123, PictureIDBytes: 2, PictureIDAt: 1,
			},
		},
		{
			// N_S = 1 with resolutions, a picture group of 2 pictures with 1 and 2 references.
			"scalability structure", "aa 05 00 99 38 0140 00b4 0280 0168 02 04 01 58 0102 aa",
			rtp.Frame{
				KeyFrame: true, Start: true, HasPictureID: true, PictureID: 5, PictureIDBytes: 1, PictureIDAt: 1,
				HasTL0PICIDX: true, TL0PICIDX: 0x99, TL0PICIDXAt: 3,
			},
		},
		{"structure without anything", "0a 00 aa", rtp.Frame{KeyFrame: true, Start: true}},
		{"structure of an empty group", "0a 08 00 aa", rtp.Frame{KeyFrame: true, Start: true}},
	} {
		var f rtp.Frame
		if !VP9.Inspect(unhex(t, c.payload), &f) || f != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, f, c.want)
		}
	}
}

func TestInspectVP9Malformed(t *testing.T) {
	for name, s := range map[string]string{
		"a descriptor of nothing": "08", "no picture id": "80", "half a picture id": "80 80", "no layers": "20", "no TL0PICIDX": "20 00",
		"no reference": "50", "four references": "50 03 03 03 02 aa", "no structure": "02", "no resolutions": "02 30 00 00",
		"no group": "02 08", "no pictures in a group": "02 08 01", "no references in a group": "02 08 01 0c 01 02",
	} {
		var f rtp.Frame
		if VP9.Inspect(unhex(t, s), &f) {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A descriptor cut anywhere is malformed, wherever the cut is.
func TestInspectVP9CutAnywhere(t *testing.T) {
	for _, s := range []string{"fc 8123 32 05 04 aa", "aa 05 00 99 38 0140 00b4 0280 0168 02 04 01 58 0102 aa", "58 03 05 06 aa"} {
		payload := unhex(t, s)
		for n := range payload {
			var f rtp.Frame
			if VP9.Inspect(payload[:n], &f) {
				t.Errorf("%s cut to %d bytes: accepted", s, n)
			}
		}
	}
}

// vp9AgainstPion checks a payload's frame against pion's reading of it.
func vp9AgainstPion(t testing.TB, payload []byte) {
	t.Helper()
	var f rtp.Frame
	ok := VP9.Inspect(payload, &f)
	var p codecs.VP9Packet
	body, err := p.Unmarshal(payload)
	if f.Spatial >= 5 {
		return // pion takes no more than five spatial layers
	}
	// pion takes a descriptor of nothing for a frame.
	if want := err == nil && len(body) > 0; ok != want {
		t.Fatalf("%x: accepted %v, pion %v, %d bytes", payload, ok, err, len(body))
	}
	if !ok {
		return
	}
	if f.HasPictureID != p.I || f.PictureID != p.PictureID || f.HasTL0PICIDX != (p.L && !p.F) || f.TL0PICIDX != p.TL0PICIDX || f.Temporal != p.TID ||
		f.Spatial != p.SID || f.SwitchAfter != p.U || f.Start != p.B || f.End != p.E || f.InterPicture != p.P || f.Unreferenced != p.Z {
		t.Fatalf("%x: %+v, pion %+v", payload, f, p)
	}
	if f.KeyFrame != (p.B && !p.P && p.SID == 0) {
		t.Fatalf("%x: key frame %v", payload, f.KeyFrame)
	}
}

func TestInspectVP9AgainstPion(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		vp9AgainstPion(t, rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(rt, "payload"))
	})
}

func FuzzVP9(f *testing.F) {
	for _, s := range []string{
		"08 aa", "c8 ff fe aa", "28 43 07 aa", "58 03 05 06 aa", "fc 8123 32 05 04 aa", "aa 05 00 99 38 0140 00b4 0280 0168 02 04 01 58 0102 aa",
	} {
		f.Add(unhex(f, s), uint16(300), uint8(7))
	}
	f.Fuzz(func(t *testing.T, payload []byte, pictureID uint16, tl0 uint8) {
		if len(payload) == 0 {
			return
		}
		vp9AgainstPion(t, payload)
		var frame rtp.Frame
		if !VP9.Inspect(payload, &frame) {
			return
		}
		var h rtp.Header
		PatchIDs(&h, payload, &frame, pictureID, tl0)
		patched := append(bytes.Clone(h.Patch[:h.PatchSize]), payload[h.PatchSize:]...)
		var again rtp.Frame
		if !VP9.Inspect(patched, &again) {
			t.Fatalf("%x became %x", payload, patched)
		}
		if frame.HasPictureID && again.PictureID != pictureID&(1<<(8*frame.PictureIDBytes-1)-1) || frame.HasTL0PICIDX && again.TL0PICIDX != tl0 {
			t.Fatalf("%x: %+v", patched, again)
		}
		again.PictureID, again.TL0PICIDX = frame.PictureID, frame.TL0PICIDX
		if again != frame {
			t.Fatalf("%x became %x", payload, patched)
		}
	})
}

func BenchmarkInspectVP9(b *testing.B) {
	payload := append(unhex(b, "e8 8123 32 05"), make([]byte, 1000)...)
	var f rtp.Frame
	for b.Loop() {
		VP9.Inspect(payload, &f)
	}
}
