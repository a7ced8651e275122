package ortc

import (
	"maps"

	"gazpacho/proto"
)

// cloneList copies a list of values that hold no references. The copy is never nil: JSON shall say [].
func cloneList[T any](list []T) []T {
	return append(make([]T, 0, len(list)), list...)
}

// cloneParameters copies codec parameters. The copy is never nil: JSON shall say {}.
func cloneParameters(parameters proto.CodecParameters) proto.CodecParameters {
	if parameters == nil {
		return proto.CodecParameters{}
	}
	return maps.Clone(parameters)
}

// clonePointer copies what an optional field points at.
func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// cloneCapabilities copies capabilities before they are given their defaults: the caller's stay as they are.
func cloneCapabilities(caps proto.RTPCapabilities) proto.RTPCapabilities {
	return proto.RTPCapabilities{Codecs: cloneCapabilityCodecs(caps.Codecs), HeaderExtensions: cloneList(caps.HeaderExtensions)}
}

// cloneCapabilityCodecs copies a list of codecs of capabilities.
func cloneCapabilityCodecs(codecs []proto.RTPCodecCapability) []proto.RTPCodecCapability {
	codecs = cloneList(codecs)
	for i := range codecs {
		c := &codecs[i]
		c.PreferredPayloadType = clonePointer(c.PreferredPayloadType)
		c.Parameters = cloneParameters(c.Parameters)
		c.RTCPFeedback = cloneList(c.RTCPFeedback)
	}
	return codecs
}

// cloneCodec copies one codec of parameters.
func cloneCodec(c proto.RTPCodecParameters) proto.RTPCodecParameters {
	c.Parameters = cloneParameters(c.Parameters)
	c.RTCPFeedback = cloneList(c.RTCPFeedback)
	return c
}

// cloneExtension copies one extension of parameters.
func cloneExtension(e proto.RTPHeaderExtensionParameters) proto.RTPHeaderExtensionParameters {
	e.Parameters = cloneParameters(e.Parameters)
	return e
}

// cloneEncoding copies one stream of parameters.
func cloneEncoding(e proto.RTPEncodingParameters) proto.RTPEncodingParameters {
	e.CodecPayloadType = clonePointer(e.CodecPayloadType)
	e.RTX = clonePointer(e.RTX)
	return e
}
