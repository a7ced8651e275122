package ortc

import (
	"strconv"
	"strings"

	"gazpacho/proto"
)

// format is what two codecs are compared by.
type format struct {
	mimeType   string
	clockRate  int
	channels   int
	parameters proto.CodecParameters
}

// capabilityFormat is the format of what an endpoint can do.
func capabilityFormat(c *proto.RTPCodecCapability) format {
	return format{c.MimeType, c.ClockRate, c.Channels, c.Parameters}
}

// parametersFormat is the format of what is sent.
func parametersFormat(c *proto.RTPCodecParameters) format {
	return format{c.MimeType, c.ClockRate, c.Channels, c.Parameters}
}

// strictness says how alike two codecs must be.
type strictness int

const (
	loose  strictness = iota // same MIME type, clock rate and channels
	strict                   // and the same bitstream: H264 packetization and profile, H265 profile and tier, VP9 profile
)

// matchCodecs tells whether what one codec makes the other can read.
func matchCodecs(a, b format, how strictness) bool {
	mimeType := strings.ToLower(a.mimeType)
	if mimeType != strings.ToLower(b.mimeType) || a.clockRate != b.clockRate || a.channels != b.channels {
		return false
	}
	switch {
	case mimeType == "audio/multiopus":
		// How channels are put into streams must be the same, or the decoder cannot be set up.
		return sameValue(a.parameters["num_streams"], b.parameters["num_streams"]) &&
			sameValue(a.parameters["coupled_streams"], b.parameters["coupled_streams"])
	case mimeType == "video/h264" && how == strict:
		// RFC 6184 section 8.2.2: packetization-mode and the profile are of the format, the level is negotiated.
		return sameValue(orZero(a.parameters["packetization-mode"]), orZero(b.parameters["packetization-mode"])) &&
			sameH264Profile(a.parameters, b.parameters)
	case mimeType == "video/h265" && how == strict:
		// RFC 7798 section 7.1: a decoder is made for a profile and tier; the level is how much it can do, which nobody forwards more of than is sent.
		return sameValue(orDefault(a.parameters["profile-id"], 1), orDefault(b.parameters["profile-id"], 1)) &&
			sameValue(orZero(a.parameters["tier-flag"]), orZero(b.parameters["tier-flag"]))
	case mimeType == "video/vp9" && how == strict:
		// RFC 9628: profile-id is of the format.
		return sameValue(orZero(a.parameters["profile-id"]), orZero(b.parameters["profile-id"]))
	}
	return true
}

// negotiateLevel writes into a matched H264 codec the level that remote allows.
func negotiateLevel(c *proto.RTPCodecParameters, remote proto.CodecParameters) {
	if !strings.EqualFold(c.MimeType, "video/H264") {
		return
	}
	id := answerH264(c.Parameters, remote)
	c.Parameters = cloneParameters(c.Parameters) // the map may be others' too
	if id == "" {
		delete(c.Parameters, profileLevelID)
	} else {
		c.Parameters[profileLevelID] = id
	}
}

// isRTX tells whether a codec carries retransmissions of another (RFC 4588).
func isRTX(mimeType string) bool {
	const suffix = "/rtx"
	return len(mimeType) > len(suffix) && strings.EqualFold(mimeType[len(mimeType)-len(suffix):], suffix)
}

// isRTXOf tells whether a codec carries retransmissions of payload type pt.
func isRTXOf(mimeType string, parameters proto.CodecParameters, pt uint8) bool {
	return isRTX(mimeType) && sameValue(parameters["apt"], pt)
}

// formatName shows a format in errors, as in SDP: audio/opus/48000/2.
func formatName(mimeType string, clockRate, channels int) string {
	name := mimeType + "/" + strconv.Itoa(clockRate)
	if channels > 0 {
		name += "/" + strconv.Itoa(channels)
	}
	return name
}

// findCodec is the index of the first codec that fits, or -1.
func findCodec(codecs []proto.RTPCodecCapability, fits func(*proto.RTPCodecCapability) bool) int {
	for i := range codecs {
		if fits(&codecs[i]) {
			return i
		}
	}
	return -1
}

// findPayloadType is the index of the first codec with the payload type, or -1.
func findPayloadType(codecs []proto.RTPCodecCapability, pt uint8) int {
	return findCodec(codecs, func(c *proto.RTPCodecCapability) bool {
		return c.PreferredPayloadType != nil && *c.PreferredPayloadType == pt
	})
}
