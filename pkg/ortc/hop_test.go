package ortc

import (
	"testing"

	"gazpacho/proto"
)

// What a pipe sends is produced at the next router, and piped on from there: over two hops everything is as mediasoup computes it.
func TestPipedProducerAsMediasoup(t *testing.T) {
	o, g := newOracle(t), newGenerator(7)
	encodings, rtx := 0, 0
	o.inquire(t, rounds, func() []question {
		for {
			mediaCodecs := g.mediaCodecs()
			codecs := into[[]proto.RTPCodecCapability](t, mediaCodecs)
			kind := pick(g, proto.Audio, proto.Video)
			source, err := produce(kind, codecs, into[proto.RTPParameters](t, g.parameters(kind, mediaCodecs)))
			if err != nil {
				continue
			}
			enableRTX := g.oneIn(2)
			piped := PipeConsumerRTPParameters(source.Consumable, enableRTX, counting())
			input := object{"kind": kind, "mediaCodecs": mediaCodecs, "params": piped}
			got, err := produce(kind, codecs, piped)
			if err != nil {
				t.Fatalf("the next router refuses what a pipe sends: %v: %s", err, text(input))
			}
			encodings += len(got.Consumable.Encodings)
			if enableRTX && len(got.Consumable.Codecs) > len(PipeConsumerRTPParameters(got.Consumable, false, counting()).Codecs) {
				rtx++
			}
			on := PipeConsumerRTPParameters(got.Consumable, enableRTX, counting())
			if len(on.Encodings) != len(piped.Encodings) || len(on.Codecs) != len(piped.Codecs) {
				t.Errorf("the second hop has %d encodings and %d codecs, the first %d and %d: %s",
					len(on.Encodings), len(on.Codecs), len(piped.Encodings), len(piped.Codecs), text(input))
			}
			return []question{{"producer", input, func(want answer) { compare(t, input, want, got, nil) }}}
		}
	})
	if encodings < rounds+rounds/10 || rtx < 20 {
		t.Errorf("lopsided inputs: %d encodings, %d with retransmissions", encodings, rtx)
	}
}
