package ortc

import (
	"slices"

	"gazpacho/proto"
)

// PipeConsumerRTPParameters is what another router receives of a producer: all codecs and encodings, without what
// belongs to a transport (MID, congestion control), and without NACK and retransmissions unless enableRTX is set. The
// dependency descriptor is added: the next router reads it though endpoints are not offered it.
func PipeConsumerRTPParameters(consumable proto.RTPParameters, enableRTX bool, random func() uint32) proto.RTPParameters {
	params := proto.RTPParameters{
		Codecs:           []proto.RTPCodecParameters{},
		HeaderExtensions: pipeExtensions(consumable.HeaderExtensions),
		Encodings:        renumber(consumable.Encodings, enableRTX, random),
		RTCP:             consumable.RTCP,
		MSID:             consumable.MSID,
	}
	for _, c := range consumable.Codecs {
		if !enableRTX && isRTX(c.MimeType) {
			continue
		}
		params.Codecs = append(params.Codecs, withFeedback(c, c.RTCPFeedback, func(fb proto.RTCPFeedback) bool {
			return fb == nackPLI || fb == ccmFIR || (enableRTX && fb == nack)
		}))
	}
	return params
}

// pipeExtensions drops what belongs to a transport and adds the dependency descriptor, for audio too: it does no harm
// there, and mediasoup's routers expect it. They are sorted by id.
func pipeExtensions(consumable []proto.RTPHeaderExtensionParameters) []proto.RTPHeaderExtensionParameters {
	extensions := []proto.RTPHeaderExtensionParameters{}
	for _, e := range consumable {
		if e.URI != midURI && e.URI != absSendTimeURI && e.URI != transportCCURI {
			extensions = append(extensions, cloneExtension(e))
		}
	}
	extensions = append(extensions, proto.RTPHeaderExtensionParameters{
		URI: dependencyDescriptorURI, ID: dependencyDescriptorID, Parameters: proto.CodecParameters{},
	})
	slices.SortStableFunc(extensions, func(a, b proto.RTPHeaderExtensionParameters) int { return a.ID - b.ID })
	return extensions
}
