package control

import (
	"gazpacho/pkg/ortc"
	"gazpacho/proto"
)

// DecodeRTPParameters reads RTP parameters as a client's JSON has them and checks them. Errors are TypeErrors.
func DecodeRTPParameters(data []byte) (proto.RTPParameters, *proto.Error) {
	return ortc.DecodeRTPParameters(data)
}

// DecodeSCTPStreamParameters reads a data channel's stream as a client's JSON has it and checks it. Errors are TypeErrors.
func DecodeSCTPStreamParameters(data []byte) (proto.SCTPStreamParameters, *proto.Error) {
	return ortc.DecodeSCTPStreamParameters(data)
}

// DecodeRTPCapabilities reads RTP capabilities as a client's JSON has them and checks them. Errors are TypeErrors.
func DecodeRTPCapabilities(data []byte) (proto.RTPCapabilities, *proto.Error) {
	return ortc.DecodeRTPCapabilities(data)
}
