package transport

import (
	"testing"
	"time"

	"gazpacho/proto"
)

// Simulcast whose streams are announced by SSRC: the subscriber gets one of them, by its preference, as one stream without gaps.
func TestSimulcastBySSRC(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	o := videoProducer("p", "v", 10)
	o.RTPParameters.Encodings, o.RTPMapping.Encodings = nil, nil
	for i := range uint32(3) {
		ssrc := 10 + 10*i
		o.RTPParameters.Encodings = append(o.RTPParameters.Encodings, proto.RTPEncodingParameters{SSRC: ssrc, RTX: &proto.RTXEncoding{SSRC: ssrc + 1}})
		o.RTPMapping.Encodings = append(o.RTPMapping.Encodings, proto.EncodingMapping{SSRC: ssrc, MappedSSRC: ssrc + 1000})
	}
	result, err := from.w.Produce(b.now, o)
	if err != nil || result.Type != proto.Simulcast {
		t.Fatalf("%+v, %v", result, err)
	}
	to.consume(videoConsumer("c", "p", 300, 1010, 1020, 1030), from)

	sequence, last, shown := uint16(0), uint16(0), -1
	// play sends all streams for a while, each picture of its own length, and returns the layer that came last.
	play := func(d time.Duration) int {
		for end := b.now.Add(d); b.now.Before(end); b.pass(20 * time.Millisecond) {
			sequence++
			for i := range 3 {
				p := frame(uint32(10+10*i), sequence+uint16(7000*i), sequence%25 == 1)
				p.Timestamp = uint32(sequence) * 1800
				p.Payload = append(p.Payload, make([]byte, i)...)
				from.sendRTP(p)
			}
			for _, p := range to.readMedia() {
				if last != 0 && p.SequenceNumber != last+1 {
					t.Fatalf("packet %d after %d", p.SequenceNumber, last)
				}
				last, shown = p.SequenceNumber, len(p.Payload)-108
			}
			from.read()
		}
		return shown
	}
	if layer := play(4 * time.Second); layer != 2 {
		t.Errorf("layer %d, want the highest", layer)
	}
	for _, want := range []int{0, 2, 1} {
		if _, err := to.w.consumers[0].SetPreferredLayers(b.now, proto.ConsumerLayers{SpatialLayer: want}); err != nil {
			t.Fatal(err)
		}
		if layer := play(4 * time.Second); layer != want {
			t.Errorf("layer %d, want %d", layer, want)
		}
	}
	// A transport that reports about so many streams does so in one go.
	if n := len(from.w.blocks); n != 3 {
		t.Errorf("the last report was about %d streams, want 3", n)
	}
}
