package room

import "gazpacho/proto"

// DefaultMediaCodecs are what rooms forward, in the order of preference. The two H264 entries are constrained baseline, which
// everyone speaks, and main profile, which some hardware prefers; those of VP9 have 8 and 10 bits per sample.
func DefaultMediaCodecs() []proto.RTPCodecCapability {
	video := func(name string, parameters proto.CodecParameters) proto.RTPCodecCapability {
		parameters["x-google-start-bitrate"] = 1000
		return proto.RTPCodecCapability{Kind: proto.Video, MimeType: "video/" + name, ClockRate: 90000, Parameters: parameters}
	}
	h264 := func(profile string) proto.RTPCodecCapability {
		return video("H264", proto.CodecParameters{"packetization-mode": 1, "profile-level-id": profile, "level-asymmetry-allowed": 1})
	}
	return []proto.RTPCodecCapability{
		{Kind: proto.Audio, MimeType: "audio/opus", ClockRate: 48000, Channels: 2},
		video("VP8", proto.CodecParameters{}),
		h264("42e01f"),
		h264("4d0032"),
		video("VP9", proto.CodecParameters{"profile-id": 0}),
		video("VP9", proto.CodecParameters{"profile-id": 2}),
		video("AV1", proto.CodecParameters{}),
	}
}
