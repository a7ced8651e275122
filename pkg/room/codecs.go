package room

import "gazpacho/proto"

// DefaultMediaCodecs are what rooms forward, in the order of preference. The two H264 entries are constrained baseline, which
// everyone speaks, and main profile, which some hardware prefers.
func DefaultMediaCodecs() []proto.RTPCodecCapability {
	h264 := func(profile string) proto.CodecParameters {
		return proto.CodecParameters{
			"packetization-mode": 1, "profile-level-id": profile, "level-asymmetry-allowed": 1, "x-google-start-bitrate": 1000,
		}
	}
	return []proto.RTPCodecCapability{
		{Kind: proto.Audio, MimeType: "audio/opus", ClockRate: 48000, Channels: 2},
		{Kind: proto.Video, MimeType: "video/VP8", ClockRate: 90000, Parameters: proto.CodecParameters{"x-google-start-bitrate": 1000}},
		{Kind: proto.Video, MimeType: "video/H264", ClockRate: 90000, Parameters: h264("42e01f")},
		{Kind: proto.Video, MimeType: "video/H264", ClockRate: 90000, Parameters: h264("4d0032")},
	}
}
