package ortc

import (
	"strings"

	"gazpacho/proto"
)

// Feedback that the supported codecs ask for (RFC 4585, RFC 5104, transport-wide congestion control, REMB).
var (
	nack        = proto.RTCPFeedback{Type: "nack"}
	nackPLI     = proto.RTCPFeedback{Type: "nack", Parameter: "pli"}
	ccmFIR      = proto.RTCPFeedback{Type: "ccm", Parameter: "fir"}
	googREMB    = proto.RTCPFeedback{Type: "goog-remb"}
	transportCC = proto.RTCPFeedback{Type: "transport-cc"}
)

// noPT marks a codec without a payload type of its own: it gets a dynamic one.
const noPT = -1

// SupportedRTPCapabilities is all that a router can be made of: every codec we forward, in the order in which media
// codecs are matched with them, and every header extension. Codecs with a static payload type (RFC 3551 section 6)
// carry it. The caller owns the result.
func SupportedRTPCapabilities() proto.RTPCapabilities {
	return proto.RTPCapabilities{Codecs: supportedCodecs(), HeaderExtensions: supportedHeaderExtensions()}
}

// supportedCodecs have what is needed to forward them. Their bitstreams are not looked into beyond layers and key frames, so
// formats that differ in parameters alone stand here once.
func supportedCodecs() []proto.RTPCodecCapability {
	return []proto.RTPCodecCapability{
		codec("audio/opus", noPT, 48000, 2, nil, nack, transportCC),
		multiopus(4, "0,1,2,3", 2, 2),
		multiopus(6, "0,4,1,2,3,5", 4, 2),
		multiopus(8, "0,6,1,2,3,4,5,7", 5, 3),
		codec("audio/PCMU", 0, 8000, 1, nil, transportCC),
		codec("audio/PCMA", 8, 8000, 1, nil, transportCC),
		codec("audio/ISAC", noPT, 32000, 1, nil, transportCC),
		codec("audio/ISAC", noPT, 16000, 1, nil, transportCC),
		codec("audio/G722", 9, 8000, 1, nil, transportCC),
		codec("audio/iLBC", noPT, 8000, 1, nil, transportCC),
		codec("audio/SILK", noPT, 24000, 1, nil, transportCC),
		codec("audio/SILK", noPT, 16000, 1, nil, transportCC),
		codec("audio/SILK", noPT, 12000, 1, nil, transportCC),
		codec("audio/SILK", noPT, 8000, 1, nil, transportCC),
		codec("audio/CN", 13, 32000, 1, nil),
		codec("audio/CN", 13, 16000, 1, nil),
		codec("audio/CN", 13, 8000, 1, nil),
		codec("audio/telephone-event", noPT, 48000, 1, nil),
		codec("audio/telephone-event", noPT, 32000, 1, nil),
		codec("audio/telephone-event", noPT, 16000, 1, nil),
		codec("audio/telephone-event", noPT, 8000, 1, nil),
		videoCodec("video/VP8", nil),
		videoCodec("video/VP9", nil),
		videoCodec("video/H264", proto.CodecParameters{"level-asymmetry-allowed": 1}),
		videoCodec("video/AV1", nil),
	}
}

// optionalCodecs are what a router forwards beyond the supported codecs, if its media codecs name them. mediasoup's libraries know none of them, so
// they are not offered to those who ask what is supported: H265 as its key frames and sub-layers are read, and Opus with redundancy.
func optionalCodecs() []proto.RTPCodecCapability {
	return []proto.RTPCodecCapability{
		videoCodec("video/H265", nil),
		codec("audio/red", noPT, 48000, 2, nil, transportCC),
	}
}

// multiopus is Opus for more than two channels, as libwebrtc names it.
func multiopus(channels int, mapping string, streams, coupled int) proto.RTPCodecCapability {
	parameters := proto.CodecParameters{"channel_mapping": mapping, "num_streams": streams, "coupled_streams": coupled}
	return codec("audio/multiopus", noPT, 48000, channels, parameters, nack, transportCC)
}

// videoCodec can do all feedback that video needs: 90 kHz is the clock of every video format.
func videoCodec(mimeType string, parameters proto.CodecParameters) proto.RTPCodecCapability {
	return codec(mimeType, noPT, 90000, 0, parameters, nack, nackPLI, ccmFIR, googREMB, transportCC)
}

// codec makes one with the fields that validation would fill in.
func codec(mimeType string, pt, clockRate, channels int, parameters proto.CodecParameters, feedback ...proto.RTCPFeedback) proto.RTPCodecCapability {
	kind, _, _ := strings.Cut(mimeType, "/")
	c := proto.RTPCodecCapability{
		Kind: kind, MimeType: mimeType, ClockRate: clockRate, Channels: channels,
		Parameters:   cloneParameters(parameters),
		RTCPFeedback: cloneList(feedback),
	}
	if pt != noPT {
		c.PreferredPayloadType = payloadType(uint8(pt))
	}
	return c
}

// payloadType is how an optional payload type is given.
func payloadType(pt uint8) *uint8 { return &pt }
