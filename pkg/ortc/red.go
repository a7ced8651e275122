package ortc

import (
	"fmt"
	"strings"

	"gazpacho/proto"
)

// isRED tells whether a codec carries several packets of another in one (RFC 2198).
func isRED(mimeType string) bool { return strings.EqualFold(mimeType, "audio/red") }

// redParameters name the payload type of RED's blocks, as in fmtp:63 111/111 (RFC 2198 section 5). What has no name in SDP is a name here, with an
// empty value, as clients read it.
func redParameters(pt uint8) proto.CodecParameters {
	return proto.CodecParameters{fmt.Sprintf("%d/%d", pt, pt): ""}
}

// isREDOf tells whether a codec's blocks are of payload type pt.
func isREDOf(mimeType string, parameters proto.CodecParameters, pt uint8) bool {
	if !isRED(mimeType) {
		return false
	}
	for key := range redParameters(pt) {
		if _, named := parameters[key]; named {
			return true
		}
	}
	return false
}

// nameREDBlocks makes the blocks of a router's RED codecs its Opus, whatever its media codecs say. RED without it is nothing to forward.
func nameREDBlocks(codecs []proto.RTPCodecCapability) *proto.Error {
	for i := range codecs {
		red := &codecs[i]
		if !isRED(red.MimeType) {
			continue
		}
		opus := findCodec(codecs, func(c *proto.RTPCodecCapability) bool {
			return strings.EqualFold(c.MimeType, "audio/opus") && c.ClockRate == red.ClockRate && c.Channels == red.Channels
		})
		if opus < 0 {
			return at("mediaCodecs", proto.Unsupported("audio/red needs audio/opus among the media codecs"))
		}
		red.Parameters = redParameters(*codecs[opus].PreferredPayloadType)
	}
	return nil
}

// checkRED refuses a producer's RED whose blocks would be of a codec that it does not have, in the router's terms.
func checkRED(params *proto.RTPParameters, caps proto.RTPCapabilities, mapping []proto.CodecMapping) *proto.Error {
	for i := range params.Codecs {
		c := &params.Codecs[i]
		if !isRED(c.MimeType) {
			continue
		}
		pt, _ := mappedPayloadType(mapping, c.PayloadType)
		red := &caps.Codecs[findPayloadType(caps.Codecs, pt)]
		known := false
		for _, m := range mapping {
			known = known || isREDOf(red.MimeType, red.Parameters, m.MappedPayloadType)
		}
		if !known {
			return proto.BadField(index("codecs", i), "audio/red without the codec of its blocks")
		}
	}
	return nil
}

// orphaned tells whether a codec is of no use without one that is not among codecs: retransmissions of it, or RED of it.
func orphaned(c *proto.RTPCodecParameters, codecs []proto.RTPCodecParameters) bool {
	switch {
	case isRTX(c.MimeType):
		return !hasPayloadType(codecs, c.Parameters["apt"])
	case isRED(c.MimeType):
		for i := range codecs {
			if isREDOf(c.MimeType, c.Parameters, codecs[i].PayloadType) {
				return false
			}
		}
		return true
	}
	return false
}
