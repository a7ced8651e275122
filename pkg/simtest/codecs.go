package simtest

import (
	"testing"

	"github.com/pion/webrtc/v3"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// Payload types of the peers. The worker's side of a test uses the same, so that no mapping hides a mistake of ours.
const (
	OpusPayload = 100
	VP8Payload  = 101
	RTXPayload  = 102
)

// Ids of header extensions, the same for all peers.
var extensionIDs = map[rtp.Extension]int{
	rtp.ExtMID: 1, rtp.ExtRID: 2, rtp.ExtRepairedRID: 3, rtp.ExtAbsSendTime: 4, rtp.ExtTransportCC: 5, rtp.ExtAudioLevel: 6,
}

// mediaEngine knows one audio and one video codec.
func mediaEngine(t testing.TB) *webrtc.MediaEngine {
	t.Helper()
	m := &webrtc.MediaEngine{}
	register := func(kind webrtc.RTPCodecType, pt webrtc.PayloadType, c webrtc.RTPCodecCapability) {
		if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: c, PayloadType: pt}, kind); err != nil {
			t.Fatal(err)
		}
	}
	register(webrtc.RTPCodecTypeAudio, OpusPayload, webrtc.RTPCodecCapability{MimeType: "audio/opus", ClockRate: 48000, Channels: 2})
	register(webrtc.RTPCodecTypeVideo, VP8Payload, webrtc.RTPCodecCapability{MimeType: "video/VP8", ClockRate: 90000})
	register(webrtc.RTPCodecTypeVideo, RTXPayload, webrtc.RTPCodecCapability{MimeType: "video/rtx", ClockRate: 90000, SDPFmtpLine: "apt=101"})
	for _, e := range []rtp.Extension{rtp.ExtMID, rtp.ExtRID, rtp.ExtRepairedRID, rtp.ExtAbsSendTime, rtp.ExtTransportCC} {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: e.String()}, kind); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m
}

// codecs are the parameters of a kind.
func codecs(kind string) []proto.RTPCodecParameters {
	if kind == proto.Audio {
		return []proto.RTPCodecParameters{{
			MimeType: "audio/opus", PayloadType: OpusPayload, ClockRate: 48000, Channels: 2,
			Parameters: proto.CodecParameters{}, RTCPFeedback: []proto.RTCPFeedback{{Type: "transport-cc"}},
		}}
	}
	return []proto.RTPCodecParameters{
		{
			MimeType: "video/VP8", PayloadType: VP8Payload, ClockRate: 90000, Parameters: proto.CodecParameters{},
			RTCPFeedback: []proto.RTCPFeedback{
				{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}, {Type: "transport-cc"},
			},
		},
		{
			MimeType: "video/rtx", PayloadType: RTXPayload, ClockRate: 90000,
			Parameters: proto.CodecParameters{"apt": VP8Payload}, RTCPFeedback: []proto.RTCPFeedback{},
		},
	}
}

func mapping(kind string) []proto.CodecMapping {
	if kind == proto.Audio {
		return []proto.CodecMapping{{PayloadType: OpusPayload, MappedPayloadType: OpusPayload}}
	}
	return []proto.CodecMapping{
		{PayloadType: VP8Payload, MappedPayloadType: VP8Payload}, {PayloadType: RTXPayload, MappedPayloadType: RTXPayload},
	}
}

func headerExtensions(list ...rtp.Extension) []proto.RTPHeaderExtensionParameters {
	out := []proto.RTPHeaderExtensionParameters{}
	for _, e := range list {
		out = append(out, proto.RTPHeaderExtensionParameters{URI: e.String(), ID: extensionIDs[e], Parameters: proto.CodecParameters{}})
	}
	return out
}
