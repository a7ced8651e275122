package rtp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	pion "github.com/pion/rtp"
	"pgregory.net/rapid"
)

// unhex reads hex with spaces and line breaks.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// goldenPacket has everything a header can have: padding, one-byte extensions with padding between and behind, two CSRCs.
const goldenPacket = `
	b2 e0 1234 89abcdef 11223344
	aaaaaaaa bbbbbbbb
	bede 0003
	10 31 00 00 32 0a0b0c 40 ff 00 00
	de ad be ef
	00 00 00 04`

func TestParseReadsEveryField(t *testing.T) {
	raw := unhex(t, goldenPacket)
	var p Packet
	if !p.Parse(raw) {
		t.Fatal("well-formed packet refused")
	}
	if !p.Marker || p.PayloadType != 0x60 || p.SequenceNumber != 0x1234 || p.Timestamp != 0x89abcdef || p.SSRC != 0x11223344 {
		t.Errorf("fields %+v", p)
	}
	if !bytes.Equal(p.Payload, []byte{0xde, 0xad, 0xbe, 0xef}) || p.Padding != 4 {
		t.Errorf("payload %x, padding %d", p.Payload, p.Padding)
	}
	if n, ok := HeaderLength(raw); !ok || n != 12+8+4+12 {
		t.Errorf("header of %d bytes, %v", n, ok)
	}
	p.Resolve(&ExtensionIDs{ExtMID: 1, ExtAbsSendTime: 3, ExtAudioLevel: 4, ExtTransportCC: 5})
	for e, want := range map[Extension][]byte{
		ExtMID: {0x31}, ExtAbsSendTime: {0x0a, 0x0b, 0x0c}, ExtAudioLevel: {0xff}, ExtTransportCC: nil, ExtRID: nil,
	} {
		if got := p.Extension(e); !bytes.Equal(got, want) {
			t.Errorf("%v: %x, want %x", e, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	minimal := "80 60 0001 00000002 00000003"
	for name, s := range map[string]string{
		"nothing":                         "",
		"version 0":                       "00 60 0001 00000002 00000003",
		"version 1":                       "40 60 0001 00000002 00000003",
		"version 3":                       "c0 60 0001 00000002 00000003",
		"CSRCs that are not there":        "81 60 0001 00000002 00000003",
		"15 CSRCs, 14 there":              "8f 60 0001 00000002 00000003" + strings.Repeat("00000000", 14),
		"extension head cut off":          "90 60 0001 00000002 00000003 bede",
		"extension longer than datagram":  "90 60 0001 00000002 00000003 bede 0002 00000000",
		"extension as long as can be":     "90 60 0001 00000002 00000003 bede ffff 00000000",
		"padding bit without a byte":      "a0 60 0001 00000002 00000003",
		"padding of length 0":             "a0 60 0001 00000002 00000003 01 00",
		"padding longer than the payload": "a0 60 0001 00000002 00000003 01 03",
		"padding into the extension":      "b0 60 0001 00000002 00000003 bede 0001 00000000 02",
	} {
		if p := (Packet{}); p.Parse(unhex(t, s)) {
			t.Errorf("%s: accepted", name)
		}
	}
	var p Packet
	if !p.Parse(unhex(t, minimal)) || len(p.Payload) != 0 {
		t.Error("a bare header is well-formed")
	}
	if !p.Parse(append(unhex(t, minimal), make([]byte, MaxPacketSize-HeaderSize)...)) {
		t.Error("the largest packet refused")
	}
	if p.Parse(append(unhex(t, minimal), make([]byte, MaxPacketSize-HeaderSize+1)...)) {
		t.Error("a packet beyond the largest accepted")
	}
}

func TestPaddingOnlyPacketHasNoPayload(t *testing.T) {
	var p Packet
	if !p.Parse(unhex(t, "a0 60 0001 00000002 00000003 000003")) || len(p.Payload) != 0 || p.Padding != 3 {
		t.Errorf("payload %x, padding %d", p.Payload, p.Padding)
	}
}

// A packet cut anywhere in its header is refused; cut in payload or padding, the last byte is another's and decides.
func TestParseCutAnywhere(t *testing.T) {
	raw := unhex(t, goldenPacket)
	header, _ := HeaderLength(raw)
	for n := range raw {
		var p Packet
		if p.Parse(raw[:n]) && n <= header {
			t.Errorf("accepted with %d of %d header bytes", n, header)
		}
		if size, ok := HeaderLength(raw[:n]); ok && (size != header || n < header) {
			t.Errorf("header length %d of %d bytes", size, n)
		}
	}
}

func TestParseForgetsThePacketBefore(t *testing.T) {
	var p Packet
	p.Parse(unhex(t, goldenPacket))
	ids := &ExtensionIDs{ExtMID: 1}
	p.Resolve(ids)
	p.Frame.KeyFrame = true
	p.Parse(unhex(t, "80 60 0001 00000002 00000003"))
	p.Resolve(ids)
	if p.Extension(ExtMID) != nil || p.Frame.KeyFrame || p.Padding != 0 {
		t.Errorf("something of the first packet is left: %+v", p)
	}
}

// The packet that CopyTo makes must not look at the borrowed datagram again.
func TestCopyToBorrowsNothing(t *testing.T) {
	raw := unhex(t, goldenPacket)
	var p, q Packet
	p.Parse(raw)
	p.Resolve(&ExtensionIDs{ExtAbsSendTime: 3})
	p.Frame.Temporal = 2
	p.CopyTo(&q, make([]byte, MaxPacketSize))
	for i := range raw {
		raw[i] = 0xdb
	}
	if !bytes.Equal(q.Raw, unhex(t, goldenPacket)) || !bytes.Equal(q.Payload, []byte{0xde, 0xad, 0xbe, 0xef}) {
		t.Errorf("copy %x, payload %x", q.Raw, q.Payload)
	}
	if !bytes.Equal(q.Extension(ExtAbsSendTime), []byte{0x0a, 0x0b, 0x0c}) || q.Frame.Temporal != 2 || q.SSRC != p.SSRC {
		t.Errorf("extension %x, frame %+v", q.Extension(ExtAbsSendTime), q.Frame)
	}
	if cap(q.Payload) != len(q.Payload) || cap(q.Raw) != len(q.Raw) {
		t.Error("appending to a view could write behind it")
	}
}

// A payload that shrank from the front, as unwrapping RTX makes it, is found again in the copy.
func TestCopyToAfterThePayloadWasCut(t *testing.T) {
	var p, q Packet
	p.Parse(unhex(t, goldenPacket))
	p.Payload = p.Payload[2:]
	p.CopyTo(&q, make([]byte, MaxPacketSize))
	if !bytes.Equal(q.Payload, []byte{0xbe, 0xef}) {
		t.Errorf("payload %x", q.Payload)
	}
}

func TestIsRTCP(t *testing.T) {
	for second := range 256 {
		if got, want := IsRTCP([]byte{0x80, byte(second)}), second >= 192 && second <= 223; got != want {
			t.Errorf("%d: %v", second, got)
		}
	}
	if IsRTCP([]byte{0x80}) || IsRTCP(nil) {
		t.Error("a byte is no RTCP")
	}
}

// drawPacket makes a packet as pion writes it, with extensions of one form.
func drawPacket(t *rapid.T) (*pion.Packet, map[uint8][]byte) {
	p := &pion.Packet{Header: pion.Header{
		Version:        2,
		Marker:         rapid.Bool().Draw(t, "marker"),
		PayloadType:    rapid.Uint8Range(0, 127).Draw(t, "type"),
		SequenceNumber: rapid.Uint16().Draw(t, "sequence"),
		Timestamp:      rapid.Uint32().Draw(t, "timestamp"),
		SSRC:           rapid.Uint32().Draw(t, "ssrc"),
		CSRC:           rapid.SliceOfN(rapid.Uint32(), 0, 15).Draw(t, "csrc"),
	}}
	p.Payload = rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "payload")
	if rapid.Bool().Draw(t, "padded") {
		p.Header.Padding = true
		p.Header.PaddingSize = rapid.ByteRange(1, 255).Draw(t, "padding")
	}
	values := map[uint8][]byte{}
	profile := uint16(pion.ExtensionProfileOneByte)
	highest, smallest, largest := uint8(14), 1, 16
	if rapid.Bool().Draw(t, "two bytes") {
		profile, highest, smallest, largest = pion.ExtensionProfileTwoByte, 255, 0, 60
	}
	p.Extension, p.ExtensionProfile = true, profile // or pion chooses by the first value
	for range rapid.IntRange(0, 8).Draw(t, "extensions") {
		id := rapid.Uint8Range(1, highest).Draw(t, "id")
		value := rapid.SliceOfN(rapid.Byte(), smallest, largest).Draw(t, "value")
		if err := p.Header.SetExtension(id, value); err != nil {
			t.Fatal(err)
		}
		values[id] = value
	}
	return p, values
}

func TestParseReadsWhatPionWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, values := drawPacket(t)
		raw, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		if !p.Parse(raw) {
			t.Fatalf("refused %x", raw)
		}
		if p.Marker != want.Marker || p.PayloadType != want.PayloadType || p.SequenceNumber != want.SequenceNumber ||
			p.Timestamp != want.Timestamp || p.SSRC != want.SSRC || p.Padding != int(want.Header.PaddingSize) {
			t.Fatalf("fields of %x: %+v", raw, p)
		}
		if !bytes.Equal(p.Payload, want.Payload) {
			t.Fatalf("payload %x, want %x", p.Payload, want.Payload)
		}
		if n, ok := HeaderLength(raw); !ok || n != want.Header.MarshalSize() {
			t.Fatalf("header of %d bytes, want %d", n, want.Header.MarshalSize())
		}
		var ids ExtensionIDs
		for e := range ids {
			ids[e] = uint8(2*e + 1)
		}
		p.Resolve(&ids)
		for e, id := range ids {
			value, ok := values[id]
			if got := p.Extension(Extension(e)); !bytes.Equal(got, value) || (got != nil) != ok {
				t.Fatalf("id %d: %x, want %x", id, got, value)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(unhex(f, goldenPacket))
	f.Add(unhex(f, "80 60 0001 00000002 00000003"))
	f.Add(unhex(f, "90 60 0001 00000002 00000003 1000 0002 01 00 02 01 ff 03 00 00"))
	f.Add(unhex(f, "90 60 0001 00000002 00000003 bede 0001 05 f0 00 00"))
	f.Add(unhex(f, "90 60 0001 00000002 00000003 100f 0001 01 ff 00 00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p Packet
		ok := p.Parse(raw)
		var q pion.Packet
		err := q.Unmarshal(raw)
		if !ok {
			// pion also takes other versions, longer packets, and padding bits without padding.
			if err == nil && q.Version == version && len(raw) <= MaxPacketSize && len(raw) >= HeaderSize && !q.Header.Padding {
				t.Fatalf("refused what pion reads as %v", q)
			}
			return
		}
		if p.SequenceNumber != binary.BigEndian.Uint16(raw[2:]) || len(p.Payload)+p.Padding > len(raw)-HeaderSize {
			t.Fatalf("view %+v", p)
		}
		ids := ExtensionIDs{ExtMID: 1, ExtRID: 2, ExtTransportCC: 3, ExtAudioLevel: 5, ExtDependencyDescriptor: 255}
		p.Resolve(&ids)
		for e, id := range ids {
			value := p.Extension(Extension(e))
			if value != nil && id == 0 {
				t.Fatalf("%v found without an id", Extension(e))
			}
			// pion does not know that the low bits of the two-byte profile are free.
			both := err == nil && (p.extProfile == oneByteProfile || p.extProfile == twoByteProfile)
			if both && id != 0 {
				if want := q.GetExtension(id); !bytes.Equal(value, want) {
					t.Fatalf("id %d: %x, pion reads %x", id, value, want)
				}
			}
		}
		if err == nil && !bytes.Equal(p.Payload, q.Payload) {
			t.Fatalf("payload %x, pion reads %x", p.Payload, q.Payload)
		}
	})
}
