package transport

import (
	"encoding/binary"
	"slices"
	"testing"

	"gazpacho/pkg/data"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// sctpPacket is one with a HEARTBEAT in it (RFC 9260 section 3.3.5), as a peer with a verification tag sends it.
func sctpPacket(tag uint32) []byte {
	b := []byte{0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 8, 0, 1, 0, 4}
	binary.BigEndian.PutUint32(b[4:], tag)
	binary.LittleEndian.PutUint32(b[8:], sctpChecksum(b))
	return b
}

func TestSCTPChecksum(t *testing.T) {
	b := sctpPacket(7)
	// It does not depend on what stands in its own place, and on all else.
	sum := sctpChecksum(b)
	for i := range b {
		b[i] ^= 0x10
		if same := sctpChecksum(b) == sum; same != (i >= 8 && i < 12) {
			t.Errorf("byte %d changed: the checksum stays %v", i, same)
		}
		b[i] ^= 0x10
	}
	// RFC 3720 appendix B.4: CRC32C of 32 zero bytes is 8a9136aa.
	if sum := sctpChecksum(make([]byte, 32)); sum != 0x8a9136aa {
		t.Errorf("32 zero bytes: %08x", sum)
	}
}

func sctpOn(b *bench, o proto.PlainTransportOptions) *Plain {
	o.EnableSCTP = true
	return b.plain(o)
}

// The association is there once the peer is known and somebody wants it, and hears the peer only.
func TestPlainSCTP(t *testing.T) {
	b := newBench(t)
	p := sctpOn(b, proto.PlainTransportOptions{})
	peer := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, peerAddress)
	evil := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, evilAddress)
	if d := p.Dump().(proto.PlainTransportDump); d.SCTPState != proto.SCTPNew || d.SCTPParameters == nil || d.SCTPParameters.IsDataChannel || d.SCTPParameters.Port != 5000 {
		t.Errorf("dump %+v", d.SCTPParameters)
	}
	if _, err := p.ProduceData(b.now, &proto.ProduceData{DataProducerID: "d", Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: 3}}); err != nil {
		t.Fatal(err)
	}
	p.Handle(b.now, sctpPacket(1), peer)
	if len(b.packets) != 0 || p.drops[DropUnknownTuple] != 1 {
		t.Error("an association before the peer is known")
	}
	if _, err := p.Connect(b.now, &proto.ConnectPlainTransport{IP: peerAddress.Addr().String(), Port: peerAddress.Port()}); err != nil {
		t.Fatal(err)
	}
	if len(b.packets) != 1 {
		t.Fatalf("%d associations", len(b.packets))
	}
	island := b.packets[0]
	same(t, "commands", island.take(), "open 3 ordered true reliable true")
	p.Handle(b.now, sctpPacket(1), evil)
	p.Handle(b.now, sctpPacket(1), peer)
	if len(island.got) != 1 || p.drops[DropUnknownTuple] != 2 || p.meters.counts.in[protocolSCTP] != 1 {
		t.Errorf("got %d packets, drops %v", len(island.got), p.drops.table())
	}
	island.full = true
	p.Handle(b.now, sctpPacket(1), peer)
	if p.drops[DropSCTPFull] != 1 {
		t.Errorf("drops %v", p.drops.table())
	}
	p.SCTPConnected(b.now, 10, 10)
	p.SendSCTP(b.now, sctpPacket(0))
	p.SendSCTP(b.now, sctpPacket(77))
	if sent := b.egress.Take(); len(sent) != 2 || sent[1].To != peer || b.env.Totals.counts.out[protocolSCTP] != 2 {
		t.Errorf("sent %+v", sent)
	}
	// RFC 9260 section 9.1: the peer is told of the end, with its own verification tag.
	p.Close(b.now)
	sent := b.egress.Take()
	if len(sent) != 1 || !island.closed {
		t.Fatalf("sent %+v, closed %v", sent, island.closed)
	}
	abort := sent[0].Data
	if len(abort) != 16 || !isSCTP(abort) || binary.BigEndian.Uint32(abort[4:]) != 77 || abort[12] != 6 || binary.LittleEndian.Uint32(abort[8:]) != sctpChecksum(abort) {
		t.Errorf("sent %x", abort)
	}
	p.SendSCTP(b.now, sctpPacket(77))
	if len(b.egress.Take()) != 0 {
		t.Error("a closed transport sent")
	}
	has(t, p.Stats(b.now).(proto.PlainTransportStats), "sctpState", "sctpReceived")
}

// The peer begins another association after one failed, but not after it ended one.
func TestPlainSCTPEnds(t *testing.T) {
	b := newBench(t)
	p := sctpOn(b, proto.PlainTransportOptions{})
	peer := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, peerAddress)
	if _, err := p.Connect(b.now, &proto.ConnectPlainTransport{IP: peerAddress.Addr().String(), Port: peerAddress.Port()}); err != nil {
		t.Fatal(err)
	}
	p.Handle(b.now, sctpPacket(1), peer) // the peer wants one
	p.SCTPFailed(b.now)
	p.Handle(b.now, sctpPacket(1), peer)
	if len(b.packets) != 2 || len(b.packets[1].got) != 1 {
		t.Fatalf("%d associations", len(b.packets))
	}
	p.SCTPConnected(b.now, 1, 1)
	p.SCTPClosed(b.now)
	p.Handle(b.now, sctpPacket(1), peer)
	if len(b.packets) != 2 || p.drops[DropSCTPOver] != 1 {
		t.Errorf("%d associations, drops %v", len(b.packets), p.drops.table())
	}
	p.Close(b.now)
	if sent := b.egress.Take(); len(sent) != 0 {
		t.Errorf("sent %x about an association that is over", sent[0].Data)
	}
}

// R-RTP-1: "comedia ... locks on the first valid packet": of SCTP, on one whose checksum is right, and with SRTP on none at all.
func TestPlainSCTPComedia(t *testing.T) {
	b := newBench(t)
	p := sctpOn(b, proto.PlainTransportOptions{Comedia: true})
	peer := tuple.Of(tuple.UDP, p.local.Link, p.local.Address, peerAddress)
	bad := sctpPacket(1)
	bad[13] ^= 1
	p.Handle(b.now, bad, peer)
	if p.tuple.IsValid() || p.drops[DropMalformed] != 1 {
		t.Error("locked on a packet with a wrong checksum")
	}
	p.Handle(b.now, sctpPacket(1), peer)
	if p.tuple != peer || len(b.packets) != 1 || len(b.packets[0].got) != 1 {
		t.Errorf("tuple %v, %d associations", p.tuple, len(b.packets))
	}
	s := sctpOn(b, proto.PlainTransportOptions{Comedia: true, EnableSRTP: true})
	from := tuple.Of(tuple.UDP, s.local.Link, s.local.Address, peerAddress)
	s.Handle(b.now, sctpPacket(1), from)
	key := b.pipe("key", proto.PipeTransportOptions{EnableSRTP: true}).srtpParameters()
	if _, err := s.Connect(b.now, &proto.ConnectPlainTransport{SRTPParameters: key}); err != nil {
		t.Fatal(err)
	}
	s.Handle(b.now, sctpPacket(1), from)
	if s.tuple.IsValid() || s.drops[DropNoKeys] != 1 || s.drops[DropUnknownTuple] != 1 {
		t.Errorf("tuple %v, drops %v", s.tuple, s.drops.table())
	}
	none := b.plain(proto.PlainTransportOptions{Comedia: true})
	none.Handle(b.now, sctpPacket(1), tuple.Of(tuple.UDP, none.local.Link, none.local.Address, peerAddress))
	if none.drops[DropMalformed] != 1 {
		t.Errorf("without SCTP: %v", none.drops.table())
	}
	p.Fault(b.now)
	if p.messages.state != proto.SCTPClosed || !b.packets[0].closed {
		t.Error("a fault leaves the association alive")
	}
}

// Subchannels cross a pipe, and only a pipe: elsewhere the same bytes are a payload.
func TestSubchannelsCross(t *testing.T) {
	b := newBench(t)
	j := b.joint(proto.PipeTransportOptions{SCTPOptions: proto.SCTPOptions{EnableSCTP: true}})
	source, err := data.NewProducer(&proto.ProduceData{DataProducerID: "s", Type: proto.DataDirect})
	if err != nil {
		t.Fatal(err)
	}
	stream := &proto.SCTPStreamParameters{StreamID: 1}
	if _, err := j.near.ConsumeData(b.now, &proto.ConsumeData{DataConsumerID: "c", DataProducerID: "s", Type: proto.DataSCTP, SCTPStreamParameters: stream, Subchannels: []uint16{5}}, source); err != nil {
		t.Fatal(err)
	}
	if _, err := j.far.ProduceData(b.now, &proto.ProduceData{DataProducerID: "s piped", Type: proto.DataSCTP, SCTPStreamParameters: stream}); err != nil {
		t.Fatal(err)
	}
	d := b.direct(proto.DirectTransportOptions{})
	for id, subscribed := range map[string][]uint16{"five": {5}, "six": {6}} {
		if _, err := d.ConsumeData(b.now, &proto.ConsumeData{DataConsumerID: id, DataProducerID: "s piped", Type: proto.DataDirect, Subchannels: subscribed}, j.far.messages.producers[0]); err != nil {
			t.Fatal(err)
		}
	}
	j.near.SCTPConnected(b.now, 10, 10)
	j.far.SCTPConnected(b.now, 10, 10)
	b.packets[0].take()
	source.HandleMessage(b.now, &data.Message{PPID: 51, Payload: []byte("hi"), Subchannels: []uint16{5, 6}})
	wire := data.Wrap([]uint16{5}, nil, nil, []byte("hi"))
	same(t, "sent", b.packets[0].take(), "send 1 51 "+string(wire))
	j.far.SCTPMessage(b.now, 1, 51, slices.Clone(wire))
	up := b.goneUp()
	if len(up) != 1 || up[0].target != "five" || string(up[0].payload) != "hi" {
		t.Errorf("got %+v", up)
	}
}
