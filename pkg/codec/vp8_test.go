package codec

import (
	"bytes"
	"testing"

	"github.com/pion/rtp/codecs"
	"pgregory.net/rapid"

	"gazpacho/pkg/rtp"
)

func TestInspectVP8(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		want          rtp.Frame
	}{
		{"shortest, an inter frame", "10 01", rtp.Frame{}},
		{"shortest, a key frame", "10 00", rtp.Frame{KeyFrame: true}},
		// "P: Inverse key frame flag": the bits beside it do not matter (RFC 7741 section 4.3).
		{"key frame whatever its size and version", "10 fe", rtp.Frame{KeyFrame: true}},
		{"key frame, not its first packet", "00 00", rtp.Frame{}},
		{"key frame, a later partition", "11 00", rtp.Frame{}},
		{"non-reference bit", "30 01", rtp.Frame{}},
		{"reserved bits", "58 00", rtp.Frame{KeyFrame: true}},
		{"extension of nothing", "90 00 00", rtp.Frame{KeyFrame: true}},
		{"7-bit picture id", "90 80 7f 00", rtp.Frame{KeyFrame: true, HasPictureID: true, PictureID: 0x7f, PictureIDBytes: 1, PictureIDAt: 2}},
		{"15-bit picture id", "90 80 ff fe 00", rtp.Frame{KeyFrame: true, HasPictureID: true, PictureID: 0x7ffe, PictureIDBytes: 2, PictureIDAt: 2}},
		{"15 bits for a small id", "80 80 80 05 01", rtp.Frame{HasPictureID: true, PictureID: 5, PictureIDBytes: 2, PictureIDAt: 2}},
		{"TL0PICIDX alone", "80 40 ab 01", rtp.Frame{HasTL0PICIDX: true, TL0PICIDX: 0xab, TL0PICIDXAt: 2}},
		{"layer, and that one may go up here", "80 20 a0 01", rtp.Frame{Temporal: 2, SwitchUp: true}},
		{"layer", "80 20 dF 01", rtp.Frame{Temporal: 3}},
		// "The TID field MUST be ignored when the T bit is equal to 0" (RFC 7741 section 4.2).
		{"key index without layer", "80 10 ff 01", rtp.Frame{}},
		{
			"everything", "90 f0 8123 45 67 00",
			rtp.Frame{
				KeyFrame: true, Temporal: 1, SwitchUp: true, HasPictureID: true, PictureID: 0x123, PictureIDBytes: 2, PictureIDAt: 2,
				HasTL0PICIDX: true, TL0PICIDX: 0x45, TL0PICIDXAt: 4,
			},
		},
	} {
		var f rtp.Frame
		if !VP8.Inspect(unhex(t, c.payload), &f) || f != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, f, c.want)
		}
	}
}

// A descriptor cut anywhere, or of no frame, is malformed.
func TestInspectVP8CutAnywhere(t *testing.T) {
	for _, s := range []string{"10 00", "90 00 00", "90 80 7f 00", "90 80 ff fe 00", "80 40 ab 01", "80 20 a0 01", "80 10 ff 01", "90 f0 8123 45 67 00"} {
		payload := unhex(t, s)
		for n := range payload {
			var f rtp.Frame
			if VP8.Inspect(payload[:n], &f) {
				t.Errorf("%s cut to %d bytes: accepted", s, n)
			}
		}
	}
}

// againstPion checks a payload's frame against pion's reading of it.
func againstPion(t testing.TB, payload []byte) {
	t.Helper()
	var f rtp.Frame
	ok := VP8.Inspect(payload, &f)
	var p codecs.VP8Packet
	body, err := p.Unmarshal(payload)
	// pion takes a descriptor of nothing for a frame.
	if want := err == nil && len(body) > 0; ok != want {
		t.Fatalf("%x: accepted %v, pion %v, %d bytes", payload, ok, err, len(body))
	}
	if !ok {
		return
	}
	if f.HasPictureID != (p.I == 1) || f.PictureID != p.PictureID || f.HasTL0PICIDX != (p.L == 1) || f.TL0PICIDX != p.TL0PICIDX ||
		f.Temporal != p.TID || f.SwitchUp != (p.Y == 1) {
		t.Fatalf("%x: %+v, pion %+v", payload, f, p)
	}
	if key := p.S == 1 && p.PID == 0 && body[0]&1 == 0; f.KeyFrame != key {
		t.Fatalf("%x: key frame %v", payload, f.KeyFrame)
	}
}

func FuzzVP8(f *testing.F) {
	for _, s := range []string{"10 00", "90 80 7f 00", "90 80 ff fe 00", "80 40 ab 01", "80 10 ff 01", "90 f0 8123 45 67 00"} {
		f.Add(unhex(f, s), uint16(300), uint8(7))
	}
	f.Fuzz(func(t *testing.T, payload []byte, pictureID uint16, tl0 uint8) {
		againstPion(t, payload)
		var frame rtp.Frame
		if VP8.Inspect(payload, &frame) {
			checkPatch(t, payload, &frame, pictureID, tl0)
		}
	})
}

// checkPatch patches and reads the result with pion: the identifiers are the new ones, nothing else changed.
func checkPatch(t testing.TB, payload []byte, f *rtp.Frame, pictureID uint16, tl0 uint8) {
	t.Helper()
	var h rtp.Header
	PatchIDs(&h, payload, f, pictureID, tl0)
	if int(h.PatchSize) > rtp.MaxPatch || int(h.PatchSize) >= len(payload) {
		t.Fatalf("patch of %d bytes for %x", h.PatchSize, payload)
	}
	before := bytes.Clone(payload)
	patched := append(bytes.Clone(h.Patch[:h.PatchSize]), payload[h.PatchSize:]...)
	var was, is codecs.VP8Packet
	bodyWas, err := was.Unmarshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	bodyIs, err := is.Unmarshal(patched)
	if err != nil || !bytes.Equal(bodyIs, bodyWas) {
		t.Fatalf("%x became %x: %v", payload, patched, err)
	}
	if f.HasPictureID {
		mask := uint16(0x7fff)
		if f.PictureIDBytes == 1 {
			mask = 0x7f
		}
		if is.PictureID != pictureID&mask {
			t.Fatalf("%x: picture id %d, want %d", patched, is.PictureID, pictureID&mask)
		}
	}
	if f.HasTL0PICIDX && is.TL0PICIDX != tl0 {
		t.Fatalf("%x: TL0PICIDX %d, want %d", patched, is.TL0PICIDX, tl0)
	}
	is.PictureID, is.TL0PICIDX, is.Payload = was.PictureID, was.TL0PICIDX, was.Payload
	if is.TID != was.TID || is.Y != was.Y || is.KEYIDX != was.KEYIDX || is.S != was.S || is.PID != was.PID || is.N != was.N ||
		is.I != was.I || is.L != was.L || is.T != was.T || is.K != was.K {
		t.Fatalf("%x became %x", payload, patched)
	}
	if !bytes.Equal(payload, before) {
		t.Fatal("the shared payload was changed")
	}
}

func TestPatchIDs(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		pictureID     uint16
		tl0           uint8
		want          string
	}{
		{"no descriptor to patch", "10 00", 1, 2, ""},
		{"layers only", "80 20 a0 01", 1, 2, ""},
		{"7 bits", "90 80 7f 00", 0x185, 2, "90 80 05"},
		{"15 bits", "90 80 ff fe 00", 0x0085, 2, "90 80 80 85"},
		{"15 bits wrap", "90 80 ff fe 00", 0x8001, 2, "90 80 80 01"},
		{"TL0PICIDX alone", "80 40 ab 01", 1, 2, "80 40 02"},
		{"both; the layer behind stays", "90 f0 8123 45 67 00", 0x7fff, 0, "90 f0 ffff 00"},
	} {
		payload := unhex(t, c.payload)
		var f rtp.Frame
		if !VP8.Inspect(payload, &f) {
			t.Fatal("refused")
		}
		h := rtp.Header{PatchSize: 5, Patch: [rtp.MaxPatch]byte{9, 9, 9, 9, 9}}
		PatchIDs(&h, payload, &f, c.pictureID, c.tl0)
		if got := h.Patch[:h.PatchSize]; !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("%s: %x, want %s", c.name, got, c.want)
		}
	}
}

func TestVP8Property(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		payload := rapid.SliceOfN(rapid.Byte(), 1, 12).Draw(rt, "payload")
		if rapid.Bool().Draw(rt, "extended") {
			payload[0] |= 0x80
		}
		againstPion(t, payload)
		var f rtp.Frame
		if VP8.Inspect(payload, &f) {
			checkPatch(t, payload, &f, rapid.Uint16().Draw(rt, "id"), rapid.Uint8().Draw(rt, "tl0"))
		}
	})
}

// pion's packetizer makes what browsers make: our reading of its stream finds one key frame and a picture id that counts.
func TestVP8OfAPacketizer(t *testing.T) {
	payloader := codecs.VP8Payloader{EnablePictureID: true}
	next := uint16(0)
	for picture := range 300 {
		frame := make([]byte, 3000)
		if picture > 0 {
			frame[0] = 1 // an inter frame
		}
		for i, payload := range payloader.Payload(1200, frame) {
			var f rtp.Frame
			if !VP8.Inspect(payload, &f) {
				t.Fatalf("refused %x", payload[:8])
			}
			if f.KeyFrame != (picture == 0 && i == 0) {
				t.Errorf("picture %d, packet %d: key frame %v", picture, i, f.KeyFrame)
			}
			if f.HasPictureID && f.PictureID != next {
				t.Errorf("picture %d has id %d", picture, f.PictureID)
			}
		}
		next++
	}
}
