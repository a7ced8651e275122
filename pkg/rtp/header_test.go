package rtp

import (
	"bytes"
	"strings"
	"testing"

	pion "github.com/pion/rtp"
	"pgregory.net/rapid"
)

// failer is what tests and properties have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// received is a source packet with all the extensions there are, each id one more than its Extension.
func received(t failer, values map[Extension][]byte) *Packet {
	t.Helper()
	h := pion.Header{Version: 2, Extension: true, ExtensionProfile: pion.ExtensionProfileTwoByte}
	var ids ExtensionIDs
	for e := range NumExtensions {
		ids[e] = uint8(e + 1)
		if v, ok := values[e]; ok {
			if err := h.SetExtension(ids[e], v); err != nil {
				t.Fatal(err)
			}
		}
	}
	raw, err := pion.Packet{Header: h, Payload: []byte{1, 2, 3}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	p := &Packet{}
	if !p.Parse(raw) {
		t.Fatal("refused")
	}
	p.Resolve(&ids)
	return p
}

func TestPutGoldenBytes(t *testing.T) {
	source := received(t, map[Extension][]byte{ExtAudioLevel: {0x81}, ExtRID: {'r', '0'}, ExtTimeOffset: {1, 2, 3}})
	for _, c := range []struct {
		name   string
		header Header
		want   string
	}{
		{
			"bare",
			Header{PayloadType: 96, SequenceNumber: 0x1234, Timestamp: 0x89abcdef, SSRC: 0x11223344},
			"80 60 1234 89abcdef 11223344",
		},
		{"marker", Header{Marker: true, PayloadType: 127}, "80 ff 0000 00000000 00000000"},
		{"ids, but nothing to write", Header{IDs: &ExtensionIDs{ExtMID: 1, ExtAudioLevel: 2}}, "80 00 0000 00000000 00000000"},
		{
			"stamps in one byte",
			Header{MID: "7", IDs: &ExtensionIDs{ExtMID: 1, ExtAbsSendTime: 4, ExtTransportCC: 5}},
			"90 00 0000 00000000 00000000 bede 0003 10 37 42 abcdef 51 5678 00 00 00",
		},
		{
			"forwarded; RID is not",
			Header{Source: source, IDs: &ExtensionIDs{ExtRID: 2, ExtAudioLevel: 6, ExtTimeOffset: 9}},
			"90 00 0000 00000000 00000000 bede 0002 60 81 92 010203 00 00",
		},
		{
			"an id beyond 14 takes two bytes",
			Header{IDs: &ExtensionIDs{ExtAbsSendTime: 15, ExtTransportCC: 5}},
			"90 00 0000 00000000 00000000 1000 0003 0f 03 abcdef 05 02 5678 00 00 00",
		},
		{
			"original sequence number",
			Header{SequenceNumber: 1, OSN: 0xaabb, IsRTX: true, IDs: &ExtensionIDs{ExtTransportCC: 5}},
			"90 00 0001 00000000 00000000 bede 0001 51 5678 00 aabb",
		},
		{"source without ids", Header{Source: source}, "80 00 0000 00000000 00000000"},
	} {
		dst := make([]byte, MaxHeaderSize)
		header, total := c.header.Put(dst, Stamp{AbsSendTime: 0xabcdef, TransportCC: 0x5678})
		want := unhex(t, c.want)
		if !bytes.Equal(dst[:total], want) {
			t.Errorf("%s:\n got %x\nwant %x", c.name, dst[:total], want)
		}
		if c.header.IsRTX {
			total -= 2
		}
		if header != total {
			t.Errorf("%s: header ends at %d, want %d", c.name, header, total)
		}
	}
}

// What an earlier packet left in the slot must not show, and nothing behind the header may change.
func TestPutOverwritesTheSlot(t *testing.T) {
	h := Header{PayloadType: 200, IDs: &ExtensionIDs{ExtTransportCC: 5}}
	clean, dirty := make([]byte, MaxHeaderSize), bytes.Repeat([]byte{0xdb}, MaxHeaderSize)
	_, n := h.Put(clean, Stamp{})
	_, m := h.Put(dirty, Stamp{})
	if n != m || !bytes.Equal(clean[:n], dirty[:n]) {
		t.Errorf("got %x, want %x", dirty[:m], clean[:n])
	}
	if !bytes.Equal(dirty[m:], bytes.Repeat([]byte{0xdb}, MaxHeaderSize-m)) {
		t.Error("wrote behind the header")
	}
	if clean[1] != 200&0x7f {
		t.Error("a payload type of eight bits sets the marker")
	}
}

func allIDs(first uint8) *ExtensionIDs {
	var ids ExtensionIDs
	for e := range ids {
		ids[e] = first + uint8(e)
	}
	return &ids
}

func TestMaxHeaderSizeIsReachedAndNeverPassed(t *testing.T) {
	values := map[Extension][]byte{}
	for e, most := range forwarded {
		if most > 0 {
			values[Extension(e)] = bytes.Repeat([]byte{1}, int(most))
		}
	}
	h := Header{IDs: allIDs(100), Source: received(t, values), MID: strings.Repeat("m", maxValueSize), IsRTX: true}
	_, n := h.Put(make([]byte, MaxHeaderSize), Stamp{})
	if n > MaxHeaderSize || n <= MaxHeaderSize-4 {
		t.Errorf("the largest header has %d bytes, the bound is %d", n, MaxHeaderSize)
	}
	for e := range values {
		values[e] = bytes.Repeat([]byte{1}, 200)
	}
	h.Source, h.MID = received(t, values), strings.Repeat("m", 255)
	header, _ := h.Put(make([]byte, MaxHeaderSize), Stamp{})
	if want := HeaderSize + 4 + 5 + 4 + 3; header != want {
		t.Errorf("values beyond the bound make a header of %d bytes, want %d: only the stamps", header, want)
	}
}

func TestPutLeavesOutWhatNoStandardAllows(t *testing.T) {
	for e, most := range forwarded {
		if most == 0 {
			continue
		}
		for _, size := range []int{0, 1, int(most), int(most) + 1, 255} {
			h := Header{IDs: allIDs(1), MID: "", Source: received(t, map[Extension][]byte{Extension(e): make([]byte, size)})}
			dst := make([]byte, MaxHeaderSize)
			_, n := h.Put(dst, Stamp{})
			var got pion.Header
			if _, err := got.Unmarshal(dst[:n]); err != nil {
				t.Fatal(err)
			}
			written := got.GetExtension(h.IDs[e]) != nil
			if want := size > 0 && size <= int(most); written != want {
				t.Errorf("%v of %d bytes: written %v", Extension(e), size, written)
			}
		}
	}
}

func TestPionReadsWhatPutWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := map[Extension][]byte{}
		for e := range NumExtensions {
			if rapid.Bool().Draw(t, "has") {
				values[e] = rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "value")
			}
		}
		h := Header{
			Marker: rapid.Bool().Draw(t, "marker"), PayloadType: rapid.Uint8Range(0, 127).Draw(t, "type"),
			SequenceNumber: rapid.Uint16().Draw(t, "sequence"), Timestamp: rapid.Uint32().Draw(t, "timestamp"),
			SSRC: rapid.Uint32().Draw(t, "ssrc"), MID: rapid.StringMatching(`[a-z]{0,70}`).Draw(t, "mid"),
			IsRTX: rapid.Bool().Draw(t, "rtx"), OSN: rapid.Uint16().Draw(t, "osn"), IDs: &ExtensionIDs{},
			Source: received(t, values),
		}
		highest := rapid.SampledFrom([]uint8{14, 255}).Draw(t, "highest")
		ids := rapid.SliceOfNDistinct(rapid.Uint8Range(1, highest), int(NumExtensions), int(NumExtensions), rapid.ID).Draw(t, "ids")
		for e, id := range ids {
			if rapid.Bool().Draw(t, "negotiated") {
				h.IDs[e] = id
			}
		}
		stamp := Stamp{AbsSendTime: rapid.Uint32Range(0, 1<<24-1).Draw(t, "sent"), TransportCC: rapid.Uint16().Draw(t, "number")}

		dst := make([]byte, MaxHeaderSize)
		header, total := h.Put(dst, stamp)
		var got pion.Header
		n, err := got.Unmarshal(dst[:header])
		if err != nil || n != header {
			t.Fatalf("pion: %d, %v of %x", n, err, dst[:header])
		}
		if got.Marker != h.Marker || got.PayloadType != h.PayloadType || got.SequenceNumber != h.SequenceNumber ||
			got.Timestamp != h.Timestamp || got.SSRC != h.SSRC {
			t.Fatalf("fields %+v", got)
		}
		want := map[uint8][]byte{}
		for e, id := range h.IDs {
			v := values[Extension(e)]
			switch Extension(e) {
			case ExtMID:
				v = []byte(h.MID)
				if len(v) > maxValueSize {
					v = nil
				}
			case ExtAbsSendTime:
				v = []byte{byte(stamp.AbsSendTime >> 16), byte(stamp.AbsSendTime >> 8), byte(stamp.AbsSendTime)}
			case ExtTransportCC:
				v = []byte{byte(stamp.TransportCC >> 8), byte(stamp.TransportCC)}
			default:
				if len(v) > int(forwarded[e]) {
					v = nil
				}
			}
			if id != 0 && len(v) > 0 {
				want[id] = v
			}
		}
		if len(got.GetExtensionIDs()) != len(want) {
			t.Fatalf("ids %v, want %v", got.GetExtensionIDs(), want)
		}
		for id, v := range want {
			if !bytes.Equal(got.GetExtension(id), v) {
				t.Fatalf("id %d: %x, want %x", id, got.GetExtension(id), v)
			}
		}
		if wantTotal := header; h.IsRTX {
			wantTotal += 2
			if total != wantTotal || dst[header] != byte(h.OSN>>8) || dst[header+1] != byte(h.OSN) {
				t.Fatalf("original sequence number: %x", dst[header:total])
			}
		} else if total != wantTotal {
			t.Fatalf("total %d, header %d", total, header)
		}
	})
}

func TestPutPacket(t *testing.T) {
	payload := []byte{1, 2, 3, 4, 5}
	h := Header{SSRC: 9, IsRTX: true, OSN: 0x0102, PatchSize: 2, Patch: [MaxPatch]byte{0xaa, 0xbb, 0xcc}}
	dst := make([]byte, MaxHeaderSize+len(payload))
	header, total := h.PutPacket(dst, payload, Stamp{})
	if want := unhex(t, "80 00 0000 00000000 00000009 0102 aabb030405"); header != HeaderSize || !bytes.Equal(dst[:total], want) {
		t.Errorf("header %d, packet %x, want %x", header, dst[:total], want)
	}
	if !bytes.Equal(payload, []byte{1, 2, 3, 4, 5}) {
		t.Error("the shared payload was changed")
	}
	// A patch longer than the payload must not make the packet longer.
	if _, total = h.PutPacket(dst, payload[:1], Stamp{}); total != HeaderSize+2+1 || dst[total-1] != 0xaa {
		t.Errorf("packet %x", dst[:total])
	}
}
