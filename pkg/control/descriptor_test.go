package control

import (
	"slices"
	"testing"

	"gazpacho/proto"
)

// Consumers of AV1 get the dependency descriptor, which they need to put spatial layers together, if both ends know it; in a router without AV1 it ends.
func TestDependencyDescriptor(t *testing.T) {
	_, w := newFake(t)
	for _, mime := range []string{"video/AV1", "video/VP9"} {
		r, err := w.CreateRouter(t.Context(), RouterOptions{MediaCodecs: []proto.RTPCodecCapability{{Kind: proto.Video, MimeType: mime, ClockRate: 90000}}})
		if err != nil {
			t.Fatal(err)
		}
		tr := newTransportIn(t, r, WebRTCTransportOptions{})
		pt := *r.RTPCapabilities().Codecs[0].PreferredPayloadType
		p, err := tr.Produce(t.Context(), ProducerOptions{Kind: proto.Video, RTPParameters: proto.RTPParameters{
			Codecs:           []proto.RTPCodecParameters{{MimeType: mime, PayloadType: pt, ClockRate: 90000}},
			HeaderExtensions: []proto.RTPHeaderExtensionParameters{{URI: dependencyDescriptor, ID: 9}},
			Encodings:        []proto.RTPEncodingParameters{{SSRC: 1, ScalabilityMode: "L3T3_KEY"}},
			RTCP:             proto.RTCPParameters{CNAME: "c"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		for _, knows := range []bool{true, false} {
			capabilities := r.RTPCapabilities()
			capabilities.HeaderExtensions = slices.Clone(capabilities.HeaderExtensions)
			if !knows {
				capabilities.HeaderExtensions = slices.DeleteFunc(capabilities.HeaderExtensions, func(x proto.RTPHeaderExtension) bool {
					return x.URI == dependencyDescriptor
				})
			}
			c, err := tr.Consume(t.Context(), ConsumerOptions{ProducerID: p.ID(), RTPCapabilities: capabilities})
			if err != nil {
				t.Fatal(err)
			}
			got := slices.ContainsFunc(c.RTPParameters().HeaderExtensions, func(x proto.RTPHeaderExtensionParameters) bool {
				return x.URI == dependencyDescriptor && x.ID == 7
			})
			if want := knows && mime == "video/AV1"; got != want {
				t.Errorf("%s, known %v: the consumer gets it: %v", mime, knows, got)
			}
			if got := c.RTPParameters().Encodings[0].ScalabilityMode; got != "L3T3_KEY" {
				t.Errorf("%s: the consumer has mode %q", mime, got)
			}
		}
	}
}
