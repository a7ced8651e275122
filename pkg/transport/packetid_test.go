package transport

import (
	"encoding/binary"
	"testing"
	"time"

	"gazpacho/proto"
)

const packetID = 12

func packetIDs() []proto.RTPHeaderExtensionParameters {
	return append(allExtensions(), proto.RTPHeaderExtensionParameters{URI: "urn:mediasoup:params:rtp-hdrext:packet-id", ID: packetID})
}

// Producers that were asked to number their packets do so, with numbers that no two packets of the worker share. Consumers who know the extension get
// them, others do not; and across a pipe they stay what they are.
func TestPacketIDs(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, other, knows, plain, far := b.client(s, "from"), b.client(s, "other"), b.client(s, "knows"), b.client(s, "plain"), b.client(s, "far")
	for _, c := range []*client{from, other} {
		o := videoProducer("p"+c.w.ID(), "v", 10)
		o.EnableMediasoupPacketIDHeaderExtension = true
		c.produce(o)
	}
	consume := func(id, producer string, mapped uint32) *proto.Consume {
		c := videoConsumer(id, producer, 300+mapped, mapped)
		c.RTPParameters.HeaderExtensions = packetIDs()
		return c
	}
	knows.consume(consume("k", "pfrom", 1010), from)
	k2 := consume("k2", "pother", 1010)
	k2.RTPParameters.Encodings[0].SSRC, k2.RTPParameters.Encodings[0].RTX.SSRC = 700, 701
	knows.consume(k2, other)
	plain.consume(videoConsumer("o", "pfrom", 400, 1010), from)

	j := b.joint(proto.PipeTransportOptions{})
	through := piped("c", "pfrom", false)
	through.RTPParameters.HeaderExtensions = packetIDs()
	through.RTPParameters.Encodings, through.ConsumableRTPEncodings = through.RTPParameters.Encodings[:1], through.ConsumableRTPEncodings[:1]
	if _, err := j.near.Consume(b.now, through, from.w.producers[0]); err != nil {
		t.Fatal(err)
	}
	at := receives(through)
	at.EnableMediasoupPacketIDHeaderExtension = true // honours what is there
	if _, err := j.far.Produce(b.now, at); err != nil {
		t.Fatal(err)
	}
	if _, err := far.w.Consume(b.now, consume("f", "pfrom piped", 2010), j.far.producers[0]); err != nil {
		t.Fatal(err)
	}

	near, across := map[uint32]bool{}, map[uint32]bool{}
	for n := range uint16(20) {
		for _, c := range []*client{from, other} {
			c.sendRTP(frame(10, n, n == 0))
			j.carry()
		}
		for _, p := range knows.readMedia() {
			id := p.GetExtension(packetID)
			if len(id) != 4 || near[binary.BigEndian.Uint32(id)] {
				t.Fatalf("packet id %x, before it %v", id, near)
			}
			near[binary.BigEndian.Uint32(id)] = true
		}
		for _, p := range plain.readMedia() {
			if p.GetExtension(packetID) != nil {
				t.Fatalf("%v", p)
			}
		}
		for _, p := range far.readMedia() {
			across[binary.BigEndian.Uint32(p.GetExtension(packetID))] = true
		}
		b.pass(20 * time.Millisecond)
	}
	if len(near) != 40 || len(across) != 20 {
		t.Fatalf("%d ids here, %d across the pipe", len(near), len(across))
	}
	for id := range across {
		if !near[id] {
			t.Errorf("%d is new across the pipe", id)
		}
	}
}
