package rtp

import (
	"bytes"
	"testing"

	pionrtp "github.com/pion/rtp"
)

// A packet is numbered once: by whoever comes first, be it its publisher. The number goes into headers like an extension that came with the packet, and
// stays with copies.
func TestPacketID(t *testing.T) {
	ids := ExtensionIDs{ExtMID: 1, ExtPacketID: 12, ExtAudioLevel: 6}
	publishers := ExtensionIDs{ExtAudioLevel: 3, ExtPacketID: 9}
	parse := func(with bool) *Packet {
		t.Helper()
		in := pionrtp.Packet{Header: pionrtp.Header{Version: 2, SSRC: 5}, Payload: []byte{1, 2, 3}}
		_ = in.SetExtension(3, []byte{0x80})
		if with {
			_ = in.SetExtension(9, []byte{9, 8, 7, 6})
		}
		raw, err := in.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		p := new(Packet)
		if !p.Parse(raw) {
			t.Fatal("refused")
		}
		p.Resolve(&publishers)
		return p
	}
	for _, tt := range []struct {
		name string
		with bool
		want []byte
	}{{"its own", true, []byte{9, 8, 7, 6}}, {"ours", false, []byte{0, 1, 2, 3}}} {
		t.Run(tt.name, func(t *testing.T) {
			p := parse(tt.with)
			if p.SetPacketID(0x010203) == tt.with || p.SetPacketID(7) {
				t.Error("numbered twice")
			}
			var c Packet
			p.CopyTo(&c, make([]byte, len(p.Raw)))
			p.SetPacketID(9)
			h := Header{SSRC: 7, IDs: &ids, Source: &c, MID: "m"}
			dst := make([]byte, 1500)
			n, _ := h.Put(dst, Stamp{})
			var out pionrtp.Packet
			if err := out.Unmarshal(dst[:n]); err != nil {
				t.Fatal(err)
			}
			if got := out.GetExtension(12); !bytes.Equal(got, tt.want) || !bytes.Equal(out.GetExtension(6), []byte{0x80}) {
				t.Errorf("packet id %x, want %x, in %v", got, tt.want, out.Header)
			}
			// To a negotiation with other ids our number means nothing.
			c.Resolve(&ExtensionIDs{ExtPacketID: 9})
			if got := c.Extension(ExtPacketID); tt.with != bytes.Equal(got, tt.want) {
				t.Errorf("resolved anew: %x", got)
			}
		})
	}
}
