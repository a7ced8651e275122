package transport

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/ortc"
	"gazpacho/proto"
)

// payloads are what begins a stream of a codec: a key frame of video, anything of audio.
var payloads = map[string][]byte{
	"video/vp8":  {0x10, 0x00, 0x9d, 0x01, 0x2a, 1, 0, 1, 0},
	"video/vp9":  {0x08, 1, 2, 3},          // B: the start of a frame that refers to none before
	"video/h264": {0x67, 0x42, 0xe0, 0x1f}, // SPS
	"video/h265": {0x42, 0x01, 0x01, 0x02}, // SPS
	"video/av1":  {0x18, 0x0a, 0x01, 0x02}, // N: a new coded video sequence
	"audio/red":  {0x64, 0xf8, 1, 2, 3},
}

// All codecs that a router can have, and those that it can have if it is asked, go from a publisher, by its own payload types, to a subscriber, by the
// router's, with the parameters that were negotiated.
func TestEveryCodec(t *testing.T) {
	list := ortc.SupportedRTPCapabilities().Codecs
	list = append(list,
		proto.RTPCodecCapability{Kind: proto.Video, MimeType: "video/H265", ClockRate: 90000},
		proto.RTPCodecCapability{Kind: proto.Audio, MimeType: "audio/red", ClockRate: 48000, Channels: 2})
	if len(list) < 27 {
		t.Fatalf("only %d codecs", len(list))
	}
	for _, c := range list {
		t.Run(strings.ReplaceAll(fmt.Sprintf("%s %d %d", c.MimeType, c.ClockRate, c.Channels), "/", " "), func(t *testing.T) {
			media := []proto.RTPCodecCapability{c}
			params := proto.RTPParameters{
				Codecs:    []proto.RTPCodecParameters{{MimeType: c.MimeType, PayloadType: 35, ClockRate: c.ClockRate, Channels: c.Channels, Parameters: c.Parameters}},
				Encodings: []proto.RTPEncodingParameters{{SSRC: 10}},
			}
			if c.MimeType == "audio/red" {
				media = append(media, proto.RTPCodecCapability{MimeType: "audio/opus", ClockRate: 48000, Channels: 2})
				params.Codecs = append(params.Codecs, proto.RTPCodecParameters{MimeType: "audio/opus", PayloadType: 100, ClockRate: 48000, Channels: 2})
			}
			caps, produce, consume := negotiate(t, c.Kind, media, params)
			b := newBench(t)
			s := b.server()
			from, to := b.client(s, "from"), b.client(s, "to")
			from.produce(produce)
			to.consume(consume, from)

			payload := payloads[strings.ToLower(c.MimeType)]
			if payload == nil {
				payload = []byte{0xf8, 1, 2, 3}
			}
			want := *caps.Codecs[0].PreferredPayloadType
			for n := range uint16(5) {
				from.sendRTP(&pionrtp.Packet{
					Header: pionrtp.Header{Version: 2, Marker: true, SSRC: 10, SequenceNumber: n, Timestamp: uint32(n) * 3000, PayloadType: 35}, Payload: bytes.Clone(payload),
				})
				b.pass(20 * time.Millisecond)
				got := to.readMedia()
				if c.MimeType == "audio/red" {
					payload = append([]byte{*caps.Codecs[1].PreferredPayloadType}, payload[1:]...)
				}
				if len(got) != 1 || got[0].PayloadType != want || !bytes.Equal(got[0].Payload, payload) || got[0].SSRC != consume.RTPParameters.Encodings[0].SSRC {
					t.Fatalf("packet %d became %v, want type %d, %x; drops %v", n, got, want, payload, from.w.drops.table())
				}
				if c.MimeType == "audio/red" {
					payload[0] = 100
				}
			}
		})
	}
}

// negotiate is what a controller does between a publisher and a subscriber that can receive all the router has.
func negotiate(t *testing.T, kind string, media []proto.RTPCodecCapability, params proto.RTPParameters) (proto.RTPCapabilities, *proto.Produce, *proto.Consume) {
	t.Helper()
	fail := func(err *proto.Error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	next := uint32(0)
	random := func() uint32 { next += 10_000; return next }
	caps, err := ortc.GenerateRouterRTPCapabilities(media)
	fail(err)
	fail(ortc.ValidateRTPParameters(&params))
	mapping, err := ortc.ProducerRTPParametersMapping(&params, caps, random)
	fail(err)
	consumable, err := ortc.ConsumableRTPParameters(kind, params, caps, mapping)
	fail(err)
	consumed, err := ortc.ConsumerRTPParameters(ortc.ConsumerOptions{Consumable: consumable, Remote: caps, EnableRTX: true, Random: random})
	fail(err)
	consumed.MID = "0"
	return caps, &proto.Produce{ProducerID: "p", Kind: kind, RTPParameters: params, RTPMapping: mapping},
		&proto.Consume{ConsumerID: "c", ProducerID: "p", Kind: kind, Type: proto.Simple, RTPParameters: consumed, ConsumableRTPEncodings: consumable.Encodings}
}
