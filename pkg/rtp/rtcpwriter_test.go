package rtp

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

// written runs write on a new compound and returns its bytes.
func written(t failer, write func(w *RTCPWriter) bool) []byte {
	t.Helper()
	var w RTCPWriter
	w.Reset(bytes.Repeat([]byte{0xdb}, 1500)) // what is not written shows
	if !write(&w) {
		t.Fatal("no room")
	}
	return w.Bytes()
}

// drawBlocks draws report blocks, and the same for pion.
func drawBlocks(t *rapid.T, most int) (blocks []ReportBlock, pions []rtcp.ReceptionReport) {
	for range rapid.IntRange(0, most).Draw(t, "blocks") {
		b := ReportBlock{
			SSRC: rapid.Uint32().Draw(t, "ssrc"), FractionLost: rapid.Uint8().Draw(t, "fraction"),
			TotalLost: rapid.Int32Range(-1<<23, 1<<23-1).Draw(t, "lost"), HighestSequence: rapid.Uint32().Draw(t, "highest"),
			Jitter: rapid.Uint32().Draw(t, "jitter"), LastSR: rapid.Uint32().Draw(t, "lsr"), Delay: rapid.Uint32().Draw(t, "dlsr"),
		}
		blocks = append(blocks, b)
		pions = append(pions, rtcp.ReceptionReport{
			SSRC: b.SSRC, FractionLost: b.FractionLost, TotalLost: uint32(b.TotalLost) & 0xffffff, LastSequenceNumber: b.HighestSequence,
			Jitter: b.Jitter, LastSenderReport: b.LastSR, Delay: b.Delay,
		})
	}
	return blocks, pions
}

// Every packet we write has the bytes that pion writes for the same content.
func TestWriterWritesWhatPionWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint32().Draw(t, "a"), rapid.Uint32().Draw(t, "b")
		blocks, pions := drawBlocks(t, 31)
		info := SenderInfo{a, rapid.Uint64().Draw(t, "ntp"), rapid.Uint32().Draw(t, "timestamp"), rapid.Uint32().Draw(t, "packets"), b}
		cname := rapid.StringMatching(`[a-z0-9@.]{1,255}`).Draw(t, "cname")
		number := rapid.Uint8().Draw(t, "number")
		sources := rapid.SliceOfN(rapid.Uint32(), 0, 255).Draw(t, "sources")
		delays := make([]ReceptionDelay, rapid.IntRange(1, 8).Draw(t, "delays"))
		dlrr := &rtcp.DLRRReportBlock{XRHeader: rtcp.XRHeader{BlockType: rtcp.DLRRReportBlockType}}
		for i := range delays {
			delays[i] = ReceptionDelay{rapid.Uint32().Draw(t, "ssrc"), rapid.Uint32().Draw(t, "lrr"), rapid.Uint32().Draw(t, "dlrr")}
			dlrr.Reports = append(dlrr.Reports, rtcp.DLRRReport{SSRC: delays[i].SSRC, LastRR: delays[i].LastRR, DLRR: delays[i].Delay})
		}
		rrtr := &rtcp.ReceiverReferenceTimeReportBlock{
			XRHeader: rtcp.XRHeader{BlockType: rtcp.ReceiverReferenceTimeReportBlockType}, NTPTimestamp: info.NTP,
		}
		for _, c := range []struct {
			write func(w *RTCPWriter) bool
			want  rtcp.Packet
		}{
			{
				func(w *RTCPWriter) bool { return w.SenderReport(info, blocks) },
				&rtcp.SenderReport{SSRC: a, NTPTime: info.NTP, RTPTime: info.Timestamp, PacketCount: info.Packets, OctetCount: b, Reports: pions},
			},
			{
				func(w *RTCPWriter) bool { return w.ReceiverReport(a, blocks) },
				&rtcp.ReceiverReport{SSRC: a, Reports: pions},
			},
			{
				func(w *RTCPWriter) bool { return w.Description(a, cname) },
				rtcp.NewCNAMESourceDescription(a, cname),
			},
			{
				func(w *RTCPWriter) bool { return w.Goodbye(a) },
				&rtcp.Goodbye{Sources: []uint32{a}},
			},
			{
				func(w *RTCPWriter) bool { return w.PLI(a, b) },
				&rtcp.PictureLossIndication{SenderSSRC: a, MediaSSRC: b},
			},
			{
				func(w *RTCPWriter) bool { return w.FIR(a, FIREntry{b, number}) },
				&rtcp.FullIntraRequest{SenderSSRC: a, FIR: []rtcp.FIREntry{{SSRC: b, SequenceNumber: number}}},
			},
			{
				// 18 bits, so that pion's float is exact.
				func(w *RTCPWriter) bool { return w.REMB(a, int(b&0x3ffff|0x20000)<<(number%16), sources...) },
				&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: a, Bitrate: float32(uint64(b&0x3ffff|0x20000) << (number % 16)), SSRCs: sources},
			},
			{
				func(w *RTCPWriter) bool { return w.ReferenceTime(a, info.NTP) },
				&rtcp.ExtendedReport{SenderSSRC: a, Reports: []rtcp.ReportBlock{rrtr}},
			},
			{
				func(w *RTCPWriter) bool { return w.Delays(a, delays) },
				&rtcp.ExtendedReport{SenderSSRC: a, Reports: []rtcp.ReportBlock{dlrr}},
			},
		} {
			want, err := c.want.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if got := written(t, c.write); !bytes.Equal(got, want) {
				t.Fatalf("%T:\n got %x\npion %x", c.want, got, want)
			}
		}
	})
}

// A NACK names what it was asked for, in as few pairs as a greedy reading from the front gives, which is the fewest.
func TestNACKNamesEachLostPacketOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Uint16().Draw(t, "first")
		var lost []uint16
		for _, step := range rapid.SliceOfN(rapid.Uint16Range(1, 40), 1, 60).Draw(t, "steps") {
			lost = append(lost, at)
			at += step
		}
		raw := written(t, func(w *RTCPWriter) bool { return w.NACK(1, 2, lost) })
		c, ok := ParseRTCP(raw)
		var p RTCP
		if !ok || !c.Next(&p) || p.SenderSSRC() != 1 || p.MediaSSRC() != 2 {
			t.Fatalf("wrote %x", raw)
		}
		var got []uint16
		for i := range p.NACKPairs() {
			got = append(got, p.NACKPair(i).Sequences(new([17]uint16))...)
		}
		if len(got) != len(lost) {
			t.Fatalf("asked for %v, wrote %v", lost, got)
		}
		for i := range got {
			if got[i] != lost[i] {
				t.Fatalf("asked for %v, wrote %v", lost, got)
			}
		}
		if most := len(rtcp.NackPairsFromSequenceNumbers(lost)); p.NACKPairs() > most {
			t.Fatalf("%d pairs, pion needs %d", p.NACKPairs(), most)
		}
	})
}

func TestNACKGolden(t *testing.T) {
	for _, c := range []struct {
		lost []uint16
		want string
	}{
		{[]uint16{5}, "81 cd 0003 00000001 00000002 0005 0000"},
		{[]uint16{5, 5, 6}, "81 cd 0003 00000001 00000002 0005 0001"}, // asked twice, named once
		{[]uint16{5, 21, 22}, "81 cd 0004 00000001 00000002 0005 8000 0016 0000"},
		{[]uint16{65535, 0, 15}, "81 cd 0003 00000001 00000002 ffff 8001"},
	} {
		if got := written(t, func(w *RTCPWriter) bool { return w.NACK(1, 2, c.lost) }); !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("%v: %x, want %s", c.lost, got, c.want)
		}
	}
	var w RTCPWriter
	w.Reset(make([]byte, 100))
	if w.NACK(1, 2, nil) || w.Len() != 0 {
		t.Error("a NACK of nothing")
	}
}

// Beyond 31 blocks "additional RR packets SHOULD be stacked" behind the first report (RFC 3550 section 6.1).
func TestReportsOfManyBlocks(t *testing.T) {
	blocks := make([]ReportBlock, 70)
	for i := range blocks {
		blocks[i].SSRC = uint32(100 + i)
	}
	for _, n := range []int{0, 1, 31, 32, 62, 63, 70} {
		for _, first := range []RTCPKind{SenderReport, ReceiverReport} {
			var w RTCPWriter
			w.Reset(make([]byte, 4000))
			ok := w.ReceiverReport(7, blocks[:n])
			if first == SenderReport {
				w.Reset(make([]byte, 4000))
				ok = w.SenderReport(SenderInfo{SSRC: 7}, blocks[:n])
			}
			if !ok {
				t.Fatalf("no room for %d blocks", n)
			}
			c, _ := ParseRTCP(w.Bytes())
			var p RTCP
			seen, packets := 0, 0
			for want := first; c.Next(&p); want = ReceiverReport {
				if p.Kind != want || p.SenderSSRC() != 7 {
					t.Fatalf("%d blocks: a %v of %d", n, p.Kind, p.SenderSSRC())
				}
				for i := range p.ReportBlocks() {
					if got := p.ReportBlock(i).SSRC; got != uint32(100+seen) {
						t.Fatalf("block %d is of %d", seen, got)
					}
					seen++
				}
				packets++
			}
			if seen != n || packets != max(1, (n+30)/31) {
				t.Errorf("%d blocks in %d packets, want %d", seen, packets, n)
			}
		}
	}
}

// "If the loss is negative due to duplicates" (RFC 3550 section A.3) it is still 24 bits; what does not fit is clamped.
func TestTotalLostIsClamped(t *testing.T) {
	for _, c := range []struct{ lost, want int32 }{
		{-1, -1},
		{1<<23 - 1, 1<<23 - 1},
		{1 << 23, 1<<23 - 1},
		{-1 << 23, -1 << 23},
		{-1<<23 - 1, -1 << 23},
		{math.MaxInt32, 1<<23 - 1},
		{math.MinInt32, -1 << 23},
	} {
		raw := written(t, func(w *RTCPWriter) bool {
			return w.ReceiverReport(1, []ReportBlock{{FractionLost: 0xab, TotalLost: c.lost}})
		})
		p := parseOne(t, raw)
		if got := p.ReportBlock(0); got.TotalLost != c.want || got.FractionLost != 0xab {
			t.Errorf("%d became %d, fraction %x", c.lost, got.TotalLost, got.FractionLost)
		}
	}
}

func TestREMBRoundsDown(t *testing.T) {
	for _, bitrate := range []int{0, 1, 262_143, 262_144, 262_145, 1_000_000, 2_500_001, math.MaxInt} {
		p := parseOne(t, written(t, func(w *RTCPWriter) bool { return w.REMB(1, bitrate) }))
		got := p.REMBBitrate()
		if got > bitrate || float64(bitrate-got) > float64(bitrate)/(1<<17) {
			t.Errorf("%d became %d", bitrate, got)
		}
	}
	if p := parseOne(t, written(t, func(w *RTCPWriter) bool { return w.REMB(1, -5) })); p.REMBBitrate() != 0 {
		t.Error("a negative bitrate")
	}
	var w RTCPWriter
	w.Reset(make([]byte, 4000))
	if w.REMB(1, 1, make([]uint32, 256)...) || w.Len() != 0 {
		t.Error("256 sources do not fit eight bits")
	}
	// The largest exponent there is: 2^18-1 times 2^63 is no int.
	if p := parseOne(t, unhex(t, "8f ce 0004 00000001 00000000 52454d42 00ffffff")); p.REMBBitrate() != math.MaxInt64 {
		t.Errorf("a bitrate beyond all ints is %d", p.REMBBitrate())
	}
	if p := parseOne(t, unhex(t, "8f ce 0004 00000001 00000000 52454d42 00fc0000")); p.REMBBitrate() != 0 {
		t.Errorf("nothing, however shifted, is %d", p.REMBBitrate())
	}
}

func TestDescriptionNames(t *testing.T) {
	for _, size := range []int{0, 1, 2, 3, 4, 254, 255, 256, 1000} {
		name := strings.Repeat("n", size)
		p := parseOne(t, written(t, func(w *RTCPWriter) bool { return w.Description(9, name) }))
		c := p.Chunks()
		if !c.Next() || c.SSRC != 9 || string(c.CNAME) != name[:min(size, 255)] || c.Next() {
			t.Errorf("a name of %d bytes: %d came back", size, len(c.CNAME))
		}
	}
}

// Where there is no room nothing is written, not even half of it, and what was there stays.
func TestWriterWithoutRoom(t *testing.T) {
	blocks := make([]ReportBlock, 33)
	for name, write := range map[string]func(w *RTCPWriter) bool{
		"SR":    func(w *RTCPWriter) bool { return w.SenderReport(SenderInfo{}, blocks) },
		"RR":    func(w *RTCPWriter) bool { return w.ReceiverReport(1, blocks) },
		"SDES":  func(w *RTCPWriter) bool { return w.Description(1, "name") },
		"BYE":   func(w *RTCPWriter) bool { return w.Goodbye(1) },
		"NACK":  func(w *RTCPWriter) bool { return w.NACK(1, 2, []uint16{1, 2, 100}) },
		"PLI":   func(w *RTCPWriter) bool { return w.PLI(1, 2) },
		"FIR":   func(w *RTCPWriter) bool { return w.FIR(1, FIREntry{}) },
		"REMB":  func(w *RTCPWriter) bool { return w.REMB(1, 2, 3, 4) },
		"RRTR":  func(w *RTCPWriter) bool { return w.ReferenceTime(1, 2) },
		"DLRR":  func(w *RTCPWriter) bool { return w.Delays(1, make([]ReceptionDelay, 2)) },
		"whole": func(w *RTCPWriter) bool { return w.PLI(1, 2) && w.Goodbye(1) },
	} {
		var w RTCPWriter
		w.Reset(make([]byte, 4000))
		if !write(&w) {
			t.Fatalf("%s: no room in 4000 bytes", name)
		}
		size := w.Len()
		for n := range size {
			w.Reset(make([]byte, 12+n))
			w.PLI(8, 9)
			if write(&w) {
				t.Errorf("%s of %d bytes fits into %d", name, size, n)
			}
			if name != "whole" && w.Len() != 12 {
				t.Errorf("%s: %d bytes of a packet that does not fit", name, w.Len()-12)
			}
		}
		w.Reset(make([]byte, size))
		if !write(&w) || w.Len() != size {
			t.Errorf("%s does not fit into its own %d bytes", name, size)
		}
	}
}

func TestWritingAllocatesNothing(t *testing.T) {
	buf := make([]byte, 1500)
	blocks, lost, sources := make([]ReportBlock, 3), []uint16{1, 2, 30}, []uint32{5, 6}
	size := 0
	if n := testing.AllocsPerRun(100, func() {
		var w RTCPWriter
		w.Reset(buf)
		ok := w.SenderReport(SenderInfo{SSRC: 1}, blocks) && w.ReceiverReport(1, blocks) && w.Description(1, "name") &&
			w.NACK(1, 2, lost) && w.PLI(1, 2) && w.FIR(1, FIREntry{2, 3}) && w.REMB(1, 1000, sources...) && w.ReferenceTime(1, 2)
		if !ok {
			t.Fatal("no room")
		}
		size = w.Len()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if c, ok := ParseRTCP(buf[:size]); !ok || !c.Next(new(RTCP)) {
		t.Error("the compound is not well-formed")
	}
}
