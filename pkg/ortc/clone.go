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

// cloneCapabilities copies capabilities as deep as giving them their defaults changes them: what their codecs refer to is
// replaced then, never written to.
func cloneCapabilities(caps proto.RTPCapabilities) proto.RTPCapabilities {
	return proto.RTPCapabilities{Codecs: cloneList(caps.Codecs), HeaderExtensions: cloneList(caps.HeaderExtensions)}
}

// withFeedback copies one codec of parameters, with the feedback that passes.
func withFeedback(c proto.RTPCodecParameters, feedback []proto.RTCPFeedback, pass func(proto.RTCPFeedback) bool) proto.RTPCodecParameters {
	c.Parameters = cloneParameters(c.Parameters)
	c.RTCPFeedback = keep(feedback, pass)
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
	e.DTX = clonePointer(e.DTX)
	return e
}
