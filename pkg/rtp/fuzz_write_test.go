package rtp

import (
	"bytes"
	"slices"
	"testing"

	"github.com/pion/rtcp"
	pion "github.com/pion/rtp"

	"gazpacho/pkg/simtest/script"
)

// FuzzForward takes a received packet through Put under other numbers and ids: pion reads the extensions that pass, each under its new id,
// and the payload, and nothing else.
func FuzzForward(f *testing.F) {
	f.Add([]byte{}, unhex(f, goldenPacket))
	f.Add(script.Write(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "mid"), unhex(f, "90 60 0001 00000002 00000003 bede 0001 50 ff 00 00 01 02 03"))
	f.Add(script.Write(100, 0, 0, 20, 0, 30, 0, 40, 0, 50, 0, 60, "a long name of a medium"), unhex(f, "90 60 0001 00000002 00000003 1000 0002 08 01 aa 09 02 01 02 00 77"))
	var source ExtensionIDs
	for e := range source {
		source[e] = uint8(e + 1)
	}
	var buf [MaxHeaderSize + MaxPacketSize]byte
	f.Fuzz(func(t *testing.T, wanted, raw []byte) {
		var p Packet
		if !p.Parse(raw) {
			return
		}
		p.Resolve(&source)
		s := script.New(wanted)
		h := Header{IDs: &ExtensionIDs{}, Source: &p}
		taken := [256]bool{}
		for e := range h.IDs {
			if id := s.Byte(); !taken[id] {
				h.IDs[e], taken[id] = id, id != 0
			}
		}
		h.MID = string(s.Bytes())
		h.Marker, h.PayloadType, h.SequenceNumber, h.Timestamp, h.SSRC = s.Bool(), s.Byte()&0x7f, s.Uint16(), s.Uint32(), s.Uint32()
		h.IsRTX, h.OSN = s.Bool(), s.Uint16()
		h.PatchSize = uint8(copy(h.Patch[:], s.Take(MaxPatch)))
		stamp := Stamp{AbsSendTime: s.Uint32() & 0xffffff, TransportCC: s.Uint16()}
		start, total := h.PutPacket(buf[:], p.Payload, stamp)

		var got pion.Packet
		if err := got.Unmarshal(buf[:total]); err != nil {
			t.Fatalf("pion: %v of %x", err, buf[:total])
		}
		if got.Marker != h.Marker || got.PayloadType != h.PayloadType || got.SequenceNumber != h.SequenceNumber || got.Timestamp != h.Timestamp || got.SSRC != h.SSRC {
			t.Fatalf("%+v became %v", h, got)
		}
		if got.Header.MarshalSize() != start {
			t.Fatalf("the header ends at %d, pion's at %d", start, got.Header.MarshalSize())
		}
		expectPayload(t, &h, p.Payload, got.Payload)
		found := 0
		for e := range NumExtensions {
			if want := expectedValue(&h, &p, e, stamp); want != nil {
				found++
				if v := got.GetExtension(h.IDs[e]); !bytes.Equal(v, want) {
					t.Fatalf("%v: %x, want %x", e, v, want)
				}
			}
		}
		if len(got.Extensions) != found {
			t.Fatalf("%d extensions, want %d", len(got.Extensions), found)
		}
	})
}

// expectPayload checks the payload behind an original sequence number, and the patch on it.
func expectPayload(t *testing.T, h *Header, payload, got []byte) {
	t.Helper()
	if h.IsRTX {
		if got[0] != byte(h.OSN>>8) || got[1] != byte(h.OSN) {
			t.Fatalf("original sequence number %x", got[:2])
		}
		got = got[2:]
	}
	if len(got) != len(payload) {
		t.Fatalf("%d bytes of payload became %d", len(payload), len(got))
	}
	patch := min(int(h.PatchSize), len(payload))
	if !bytes.Equal(got[:patch], h.Patch[:patch]) || !bytes.Equal(got[patch:], payload[patch:]) {
		t.Fatalf("%x became %x", payload, got)
	}
}

// expectedValue is what an extension of the outgoing packet must hold, nil if it must not be there.
func expectedValue(h *Header, p *Packet, e Extension, stamp Stamp) []byte {
	if h.IDs[e] == 0 {
		return nil
	}
	switch e {
	case ExtMID:
		if h.MID == "" || len(h.MID) > maxValueSize {
			return nil
		}
		return []byte(h.MID)
	case ExtAbsSendTime:
		return []byte{byte(stamp.AbsSendTime >> 16), byte(stamp.AbsSendTime >> 8), byte(stamp.AbsSendTime)}
	case ExtTransportCC:
		return []byte{byte(stamp.TransportCC >> 8), byte(stamp.TransportCC)}
	}
	if v := p.Extension(e); len(v) > 0 && len(v) <= int(forwarded[e]) {
		return v
	}
	return nil
}

// FuzzRewriteRTCP writes what it reads: the same bytes come out where a packet has one form only, and pion reads the same in them in any case.
func FuzzRewriteRTCP(f *testing.F) {
	var all []byte
	for _, s := range goldenRTCP {
		f.Add(unhex(f, s))
		all = append(all, unhex(f, s)...)
	}
	f.Add(all)
	var buf [4 * MaxPacketSize]byte
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, ok := ParseRTCP(raw)
		if !ok || len(raw) > MaxPacketSize {
			return
		}
		var p RTCP
		for c.Next(&p) {
			var w RTCPWriter
			w.Reset(buf[:])
			exact, done := rewriteRTCP(t, &w, &p)
			if !done {
				continue
			}
			if exact && !bytes.Equal(w.Bytes(), p.Raw) {
				t.Fatalf("%v %x became %x", p.Kind, p.Raw, w.Bytes())
			}
			again, ok := ParseRTCP(w.Bytes())
			var q RTCP
			if !ok || !again.Next(&q) || q.Kind != p.Kind {
				t.Fatalf("%v %x became %x", p.Kind, p.Raw, w.Bytes())
			}
			packets, err := rtcp.Unmarshal(w.Bytes())
			if err != nil || len(packets) != 1 {
				t.Fatalf("pion: %v of %x", err, w.Bytes())
			}
			compare(t, &q, packets[0])
		}
	})
}

// rewriteRTCP writes a packet anew. It is exact if the original was as short as can be: no padding, no extension of a profile, no reserved bits.
func rewriteRTCP(t *testing.T, w *RTCPWriter, p *RTCP) (exact, done bool) {
	exact = p.Raw[0]&0x20 == 0
	switch p.Kind {
	case SenderReport, ReceiverReport:
		var blocks []ReportBlock
		for i := range p.ReportBlocks() {
			blocks = append(blocks, p.ReportBlock(i))
		}
		if info, ok := p.SenderInfo(); ok {
			done = w.SenderReport(info, blocks)
		} else {
			done = w.ReceiverReport(p.SenderSSRC(), blocks)
		}
		exact = exact && len(w.Bytes()) == len(p.Raw)
	case Goodbye:
		if p.Sources() == 0 {
			return false, false
		}
		done = w.Goodbye(p.Source(0))
		exact = exact && p.Sources() == 1 && len(w.Bytes()) == len(p.Raw)
	case NACK:
		return rewriteNACK(t, w, p)
	case PLI:
		done = w.PLI(p.SenderSSRC(), p.MediaSSRC())
		exact = exact && len(w.Bytes()) == len(p.Raw)
	case FIR:
		done = w.FIR(p.SenderSSRC(), p.FIREntry(0))
		exact = exact && p.MediaSSRC() == 0 && p.FIREntries() == 1 && p.body[feedbackSize+5]|p.body[feedbackSize+6]|p.body[feedbackSize+7] == 0
	case REMB:
		var sources []uint32
		for i := range p.Sources() {
			sources = append(sources, p.Source(i))
		}
		done = w.REMB(p.SenderSSRC(), p.REMBBitrate(), sources...)
		// A number has many forms as mantissa and exponent; ours has the largest mantissa.
		exact = exact && p.MediaSSRC() == 0 && bytes.Equal(w.Bytes()[16:20], p.Raw[16:20])
	case TransportCC:
		rewriteTransportCC(t, p)
		return false, false
	default:
		return false, false
	}
	if !done {
		t.Fatalf("no room for %v of %d bytes", p.Kind, len(p.Raw))
	}
	return exact, done
}

// rewriteNACK writes the lost packets in ascending order, as the writer wants them.
func rewriteNACK(t *testing.T, w *RTCPWriter, p *RTCP) (exact, done bool) {
	var list []uint16
	for i := range p.NACKPairs() {
		for _, n := range p.NACKPair(i).Sequences(new([17]uint16)) {
			if len(list) > 0 && !SeqLess(list[len(list)-1], n) {
				return false, false
			}
			list = append(list, n)
		}
	}
	if !w.NACK(p.SenderSSRC(), p.MediaSSRC(), list) {
		t.Fatalf("no room for %d numbers of %d pairs", len(list), p.NACKPairs())
	}
	var q RTCP
	c, ok := ParseRTCP(w.Bytes())
	if !ok || !c.Next(&q) {
		t.Fatalf("wrote %x", w.Bytes())
	}
	var again []uint16
	for i := range q.NACKPairs() {
		again = append(again, q.NACKPair(i).Sequences(new([17]uint16))...)
	}
	if !slices.Equal(list, again) || q.NACKPairs() > p.NACKPairs() {
		t.Fatalf("%v in %d pairs became %v in %d", list, p.NACKPairs(), again, q.NACKPairs())
	}
	return false, true
}

// rewriteTransportCC writes what was received once more, and reads it again.
func rewriteTransportCC(t *testing.T, p *RTCP) {
	a := p.Arrivals()
	if a.Len() > 2000 {
		return // many statuses fit a chunk: time, not another path
	}
	var list []noted
	for a.Next() {
		if a.Received {
			list = append(list, noted{a.SequenceNumber, a.Tick})
		}
	}
	if len(list) == 0 {
		return
	}
	base := p.Arrivals().SequenceNumber + 1
	for packets := uint8(0); len(list) > 0; packets++ {
		var w TransportCCWriter
		w.Begin(make([]byte, 1200), 1, 2, base, list[0].tick, packets)
		n := 0
		for n < len(list) && w.Add(list[n].seq, list[n].tick) {
			n++
		}
		if n == 0 {
			t.Fatalf("no room for the first of %d", len(list))
		}
		checkArrivals(t, w.Finish(), base, packets, list[:n])
		base = list[n-1].seq + 1
		list = list[n:]
	}
}

// FuzzTransportCC notes any arrivals in packets of any size: each is read back, by us and by pion, as it was noted.
func FuzzTransportCC(f *testing.F) {
	f.Add(script.Write(uint16(64), uint16(65530), uint32(1000), 0, 1, 0, 1, 3, 200, 0, 255, 200, 7, 0, 255, 1, 9))
	f.Add(bytes.Repeat(script.Write(uint16(0), uint16(3), uint32(9), 0, 5, 1, 250, 2, 3), 30))
	f.Fuzz(func(t *testing.T, input []byte) {
		s := script.New(input)
		size := 64 + int(s.Uint16())%1137
		base, tick := s.Uint16(), s.Uint32()
		var list []noted
		for seq := base; s.More() && len(list) < 150; seq++ {
			switch gap := s.Byte(); {
			case gap < 200:
				seq += uint16(gap) / 20
			case gap < 250:
				seq += uint16(gap-200) * 16
			default:
				seq += uint16(gap-249) * 300
			}
			switch step := s.Byte(); {
			case step < 250:
				tick += uint32(step)
			default:
				tick += uint32(int16(s.Uint16()))
			}
			list = append(list, noted{seq, tick})
		}
		guard := make([]byte, size+16)
		for packets := uint8(0); len(list) > 0; packets++ {
			var w TransportCCWriter
			w.Begin(guard[:size], 1, 2, base, list[0].tick, packets)
			n := 0
			for n < len(list) && w.Add(list[n].seq, list[n].tick) {
				n++
			}
			// A leap of more losses than the chunks of a small packet can count is for the caller to cut.
			if n == 0 && size >= 200 {
				t.Fatalf("%d bytes have no room for the first", size)
			}
			raw := w.Finish()
			if len(raw) > size || !bytes.Equal(guard[size:], make([]byte, 16)) {
				t.Fatalf("%d bytes in %d", len(raw), size)
			}
			if n == 0 {
				return
			}
			checkArrivals(t, raw, base, packets, list[:n])
			base = list[n-1].seq + 1
			list = list[n:]
		}
	})
}
