package rtp

import (
	"testing"

	"github.com/pion/rtcp"
)

// compare checks that our view of a packet says what pion reads in it.
func compare(t testing.TB, p *RTCP, packet rtcp.Packet) {
	t.Helper()
	switch want := packet.(type) {
	case *rtcp.SenderReport:
		info, ok := p.SenderInfo()
		if !ok || info != (SenderInfo{want.SSRC, want.NTPTime, want.RTPTime, want.PacketCount, want.OctetCount}) {
			t.Fatalf("sender info %+v, pion reads %+v", info, want)
		}
		compareBlocks(t, p, want.Reports)
	case *rtcp.ReceiverReport:
		compareBlocks(t, p, want.Reports)
	case *rtcp.SourceDescription:
		compareChunks(t, p, want)
	case *rtcp.Goodbye:
		compareSources(t, p, want.Sources)
	case *rtcp.TransportLayerNack:
		if p.NACKPairs() != len(want.Nacks) || p.SenderSSRC() != want.SenderSSRC || p.MediaSSRC() != want.MediaSSRC {
			t.Fatalf("%d pairs, pion reads %+v", p.NACKPairs(), want)
		}
		for i, w := range want.Nacks {
			if got := p.NACKPair(i); got != (NACKPair{w.PacketID, uint16(w.LostPackets)}) {
				t.Fatalf("pair %+v, pion reads %+v", got, w)
			}
			list, pions := p.NACKPair(i).Sequences(new([17]uint16)), w.PacketList()
			if len(list) != len(pions) {
				t.Fatalf("lost %v, pion reads %v", list, pions)
			}
			for i := range list {
				if list[i] != pions[i] {
					t.Fatalf("lost %v, pion reads %v", list, pions)
				}
			}
		}
	case *rtcp.PictureLossIndication:
		if p.Kind != PLI || p.MediaSSRC() != want.MediaSSRC || p.SenderSSRC() != want.SenderSSRC {
			t.Fatalf("%v of %x, pion reads %+v", p.Kind, p.MediaSSRC(), want)
		}
	case *rtcp.FullIntraRequest:
		if p.FIREntries() != len(want.FIR) {
			t.Fatalf("%d entries, pion reads %+v", p.FIREntries(), want)
		}
		for i, w := range want.FIR {
			if got := p.FIREntry(i); got != (FIREntry{w.SSRC, w.SequenceNumber}) {
				t.Fatalf("entry %+v, pion reads %+v", got, w)
			}
		}
	case *rtcp.ReceiverEstimatedMaximumBitrate:
		compareSources(t, p, want.SSRCs)
		// pion computes in float32, where 18 bits are exact; what exceeds an int it knows and we do not, and of nothing it makes
		// something.
		mantissa := p.body[13]&3 | p.body[14] | p.body[15]
		if want.Bitrate < 1<<62 && mantissa != 0 && float32(p.REMBBitrate()) != want.Bitrate {
			t.Fatalf("bitrate %d, pion reads %v", p.REMBBitrate(), want.Bitrate)
		}
	case *rtcp.ExtendedReport:
		compareExtended(t, p, want)
	case *rtcp.TransportLayerCC:
		compareArrivals(t, p, want)
	}
}

func compareBlocks(t testing.TB, p *RTCP, want []rtcp.ReceptionReport) {
	t.Helper()
	if p.ReportBlocks() != len(want) {
		t.Fatalf("%d report blocks, pion reads %d", p.ReportBlocks(), len(want))
	}
	for i, w := range want {
		got := p.ReportBlock(i)
		lost := uint32(got.TotalLost) & 0xffffff
		if lost != w.TotalLost || got.SSRC != w.SSRC || got.FractionLost != w.FractionLost || got.HighestSequence != w.LastSequenceNumber ||
			got.Jitter != w.Jitter || got.LastSR != w.LastSenderReport || got.Delay != w.Delay {
			t.Fatalf("report block %+v, pion reads %+v", got, w)
		}
	}
}

func compareChunks(t testing.TB, p *RTCP, want *rtcp.SourceDescription) {
	t.Helper()
	c := p.Chunks()
	for _, w := range want.Chunks {
		if !c.Next() || c.SSRC != w.Source {
			t.Fatalf("chunk of %x, pion reads %+v", c.SSRC, w)
		}
		name, has := "", false
		for _, item := range w.Items {
			if item.Type == rtcp.SDESCNAME && !has {
				name, has = item.Text, true
			}
		}
		if string(c.CNAME) != name || (c.CNAME != nil) != has {
			t.Fatalf("name %q, pion reads %q", c.CNAME, name)
		}
	}
	if c.Next() {
		t.Fatalf("a chunk more than %+v", want)
	}
}

func compareSources(t testing.TB, p *RTCP, want []uint32) {
	t.Helper()
	if p.Sources() != len(want) {
		t.Fatalf("%d sources, pion reads %x", p.Sources(), want)
	}
	for i, w := range want {
		if p.Source(i) != w {
			t.Fatalf("source %x, pion reads %x", p.Source(i), w)
		}
	}
}

func compareExtended(t testing.TB, p *RTCP, want *rtcp.ExtendedReport) {
	t.Helper()
	b := p.Blocks()
	for _, w := range want.Reports {
		if !b.Next() {
			t.Fatalf("a block less than %+v", want)
		}
		switch w := w.(type) {
		case *rtcp.ReceiverReferenceTimeReportBlock:
			if ntp, ok := b.ReferenceTime(); !ok || ntp != w.NTPTimestamp {
				t.Fatalf("reference time %x, pion reads %x", ntp, w.NTPTimestamp)
			}
		case *rtcp.DLRRReportBlock:
			if b.Delays() != len(w.Reports) {
				t.Fatalf("%d delays, pion reads %+v", b.Delays(), w)
			}
			for i, r := range w.Reports {
				if got := b.Delay(i); got != (ReceptionDelay{r.SSRC, r.LastRR, r.DLRR}) {
					t.Fatalf("delay %+v, pion reads %+v", got, r)
				}
			}
		}
	}
}

// pionArrivals spells out what pion leaves in chunks and deltas: the tick of each packet, by its place behind the base.
func pionArrivals(w *rtcp.TransportLayerCC) (ticks []uint32, received []bool) {
	var symbols []uint16
	for _, chunk := range w.PacketChunks {
		switch c := chunk.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				symbols = append(symbols, c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			symbols = append(symbols, c.SymbolList...)
		}
	}
	tick, delta := w.ReferenceTime*TransportReference, 0
	for _, symbol := range symbols[:w.PacketStatusCount] {
		if symbol != 0 {
			tick += uint32(w.RecvDeltas[delta].Delta / rtcp.TypeTCCDeltaScaleFactor)
			delta++
		}
		ticks, received = append(ticks, tick), append(received, symbol != 0)
	}
	return ticks, received
}

func compareArrivals(t testing.TB, p *RTCP, w *rtcp.TransportLayerCC) {
	t.Helper()
	ticks, received := pionArrivals(w)
	a := p.Arrivals()
	if a.Feedback != w.FbPktCount || a.Len() != len(ticks) {
		t.Fatalf("feedback %d of %d packets, pion reads %d of %d", a.Feedback, a.Len(), w.FbPktCount, len(ticks))
	}
	for i := range ticks {
		if !a.Next() || a.SequenceNumber != w.BaseSequenceNumber+uint16(i) || a.Received != received[i] || a.Tick != ticks[i] {
			t.Fatalf("arrival %d: %+v, pion reads %v at %d", i, a, received[i], ticks[i])
		}
	}
	if a.Next() {
		t.Fatal("an arrival more")
	}
}
