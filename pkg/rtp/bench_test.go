package rtp

import "testing"

// forwardable is a packet as browsers send it, and the header a consumer writes from it.
func forwardable(b testing.TB) (raw []byte, ids *ExtensionIDs, h Header) {
	b.Helper()
	raw = append(unhex(b, "90 60 1234 89abcdef 11223344 bede 0004 10 31 42 0a0b0c 51 1234 d2 000102 60 81 0000"), make([]byte, 1000)...)
	ids = &ExtensionIDs{ExtMID: 1, ExtAbsSendTime: 4, ExtTransportCC: 5, ExtAudioLevel: 6}
	h = Header{
		PayloadType: 96, SequenceNumber: 7, Timestamp: 8, SSRC: 9, MID: "0",
		IDs: &ExtensionIDs{ExtMID: 1, ExtAbsSendTime: 4, ExtTransportCC: 5},
	}
	return raw, ids, h
}

func TestForwardingAllocatesNothing(t *testing.T) {
	raw, ids, h := forwardable(t)
	h.IDs = &ExtensionIDs{ExtMID: 1, ExtAbsSendTime: 4, ExtTransportCC: 5, ExtAudioLevel: 6}
	dst := make([]byte, 2048)
	var p, q Packet
	h.Source = &p
	written := 0
	if n := testing.AllocsPerRun(100, func() {
		if !p.Parse(raw) {
			t.Fatal("refused")
		}
		p.Resolve(ids)
		p.CopyTo(&q, dst)
		_, written = h.PutPacket(dst, p.Payload, Stamp{})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if want := HeaderSize + 4 + 12 + len(p.Payload); written != want {
		t.Errorf("packet of %d bytes, want %d", written, want)
	}
}

func BenchmarkParse(b *testing.B) {
	raw, _, _ := forwardable(b)
	var p Packet
	for b.Loop() {
		p.Parse(raw)
	}
}

func BenchmarkParseResolve(b *testing.B) {
	raw, ids, _ := forwardable(b)
	var p Packet
	for b.Loop() {
		p.Parse(raw)
		p.Resolve(ids)
	}
}

func BenchmarkPut(b *testing.B) {
	raw, ids, h := forwardable(b)
	var p Packet
	p.Parse(raw)
	p.Resolve(ids)
	h.Source = &p
	dst := make([]byte, MaxHeaderSize)
	for b.Loop() {
		h.Put(dst, Stamp{AbsSendTime: 1, TransportCC: 2})
	}
}

func BenchmarkPutForwardingAudioLevel(b *testing.B) {
	raw, ids, h := forwardable(b)
	var p Packet
	p.Parse(raw)
	p.Resolve(ids)
	h.Source = &p
	h.IDs = ids
	dst := make([]byte, MaxHeaderSize)
	for b.Loop() {
		h.Put(dst, Stamp{AbsSendTime: 1, TransportCC: 2})
	}
}

// BenchmarkCompound reads the feedback a busy sender gets.
func BenchmarkCompound(b *testing.B) {
	var w RTCPWriter
	w.Reset(make([]byte, 1500))
	w.ReceiverReport(1, make([]ReportBlock, 4))
	w.NACK(1, 2, []uint16{1, 2, 3, 50})
	w.REMB(1, 1_000_000, 2)
	raw := w.Bytes()
	var room [17]uint16
	for b.Loop() {
		c, _ := ParseRTCP(raw)
		var p RTCP
		for c.Next(&p) {
			for i := range p.ReportBlocks() {
				p.ReportBlock(i)
			}
			for i := range p.NACKPairs() {
				p.NACKPair(i).Sequences(&room)
			}
		}
	}
}
