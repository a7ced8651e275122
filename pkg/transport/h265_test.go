package transport

import (
	"bytes"
	"testing"
	"time"

	pionrtp "github.com/pion/rtp"

	"gazpacho/proto"
)

// hevc is a picture of H265 in one packet, with the sub-layers of L1T3: 0 2 1 2. The first is a key frame: parameter sets and an IDR slice, aggregated. Of
// the others, those of higher sub-layers are TSA pictures, from which a decoder may go up (RFC 7798 sections 4.4.1 and 4.4.2).
func hevc(ssrc uint32, n int, key bool) *pionrtp.Packet {
	p := &pionrtp.Packet{Header: pionrtp.Header{
		Version: 2, SSRC: ssrc, SequenceNumber: uint16(n), Timestamp: uint32(n) * 3000, PayloadType: 101, Marker: true,
	}}
	sublayer := []byte{0, 2, 1, 2}[n%4]
	switch {
	case key:
		p.Payload = []byte{48 << 1, 1, 0, 4, 32 << 1, 1, 0x0c, 1, 0, 4, 33 << 1, 1, 1, 2, 0, 5, 19 << 1, 1, 0xaf, byte(n), byte(n >> 8)}
		return p
	case sublayer == 0:
		p.Payload = []byte{1 << 1, 1, 0xd0, byte(n), byte(n >> 8)}
	default:
		p.Payload = []byte{2 << 1, sublayer + 1, 0xd0, byte(n), byte(n >> 8)}
	}
	p.Payload = append(p.Payload, bytes.Repeat([]byte{7}, 50)...)
	return p
}

// H265 from a publisher to a subscriber, who gets it from a key frame on, and of its sub-layers as many as it prefers, as one stream without gaps.
func TestH265(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	o := videoProducer("p", "v", 10)
	o.RTPParameters.Codecs[0].MimeType = "video/H265"
	o.RTPParameters.Encodings[0].ScalabilityMode = "L1T3"
	if result, err := from.w.Produce(b.now, o); err != nil || result.Type != proto.SVC {
		t.Fatalf("%+v, %v", result, err)
	}
	c := videoConsumer("c", "p", 300, 1010)
	c.Type, c.RTPParameters.Codecs[0].MimeType, c.RTPParameters.Encodings[0].ScalabilityMode = proto.SVC, "video/H265", "L1T3"
	to.consume(c, from)

	n, last, begun := 0, uint16(0), false
	// play sends a second of pictures and tells how many of each sub-layer came out.
	play := func() (came [3]int) {
		for range 40 {
			from.sendRTP(hevc(10, n, n == 40))
			for _, p := range to.readMedia() {
				if !begun && p.Payload[0]>>1 != 48 {
					t.Fatalf("begins with %x", p.Payload[:5])
				}
				if begun && p.SequenceNumber != last+1 {
					t.Fatalf("number %d after %d", p.SequenceNumber, last)
				}
				last, begun = p.SequenceNumber, true
				came[p.Payload[1]&7-1]++
			}
			n++
			b.pass(25 * time.Millisecond)
		}
		return came
	}
	if came := play(); came != [3]int{} {
		t.Errorf("without a key frame: %v", came)
	}
	if came := play(); came != [3]int{10, 10, 20} {
		t.Errorf("all sub-layers: %v", came)
	}
	for _, tt := range []struct {
		temporal int
		want     [3]int
	}{{0, [3]int{10, 0, 0}}, {1, [3]int{10, 10, 0}}, {2, [3]int{10, 10, 20}}} {
		if _, err := to.w.consumers[0].SetPreferredLayers(b.now, proto.ConsumerLayers{TemporalLayer: &tt.temporal}); err != nil {
			t.Fatal(err)
		}
		play() // the change itself
		if came := play(); came != tt.want {
			t.Errorf("up to sub-layer %d: %v", tt.temporal, came)
		}
	}
	stats := from.w.producers[0].Stats(b.now)
	if r := *stats[0].BitrateByLayer; len(r) != 3 || stats[0].MimeType != "video/H265" {
		t.Errorf("%+v, rates %v", stats[0], r)
	}
	// Who comes later asks for a key frame.
	late := b.client(s, "late")
	c.ConsumerID, c.RTPParameters.MID = "late", "late"
	late.consume(c, from)
	if asked := from.w.producers[0].Stats(b.now)[0].PLICount; asked == 0 {
		t.Error("no key frame was asked for")
	}
}
