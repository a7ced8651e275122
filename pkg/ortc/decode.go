package ortc

import (
	"bytes"
	"encoding/json"
	"errors"

	"gazpacho/proto"
)

// DecodeRTPCapabilities reads capabilities from JSON and validates them. Errors are TypeErrors.
func DecodeRTPCapabilities(data []byte) (proto.RTPCapabilities, *proto.Error) {
	var caps proto.RTPCapabilities
	if err := decode(data, &caps); err != nil {
		return proto.RTPCapabilities{}, err
	}
	if err := ValidateRTPCapabilities(&caps); err != nil {
		return proto.RTPCapabilities{}, err
	}
	return caps, nil
}

// DecodeRTPParameters reads parameters from JSON and validates them. Unlike ValidateRTPParameters it tells a missing
// payload type from payload type 0, and an encoding that is null from an empty one. Errors are TypeErrors.
func DecodeRTPParameters(data []byte) (proto.RTPParameters, *proto.Error) {
	var params proto.RTPParameters
	if err := decode(data, &params); err != nil {
		return proto.RTPParameters{}, err
	}
	if err := checkPresence(data); err != nil {
		return proto.RTPParameters{}, err
	}
	if err := ValidateRTPParameters(&params); err != nil {
		return proto.RTPParameters{}, err
	}
	return params, nil
}

// checkPresence looks for what the types of package proto cannot tell from zero.
func checkPresence(data []byte) *proto.Error {
	var params struct {
		Codecs []struct {
			PayloadType *uint8 `json:"payloadType"`
		} `json:"codecs"`
		Encodings []*struct{} `json:"encodings"`
	}
	if err := decode(data, &params); err != nil {
		return err
	}
	for i, c := range params.Codecs {
		if c.PayloadType == nil {
			return proto.BadField(index("codecs", i)+".payloadType", "missing payloadType")
		}
	}
	for i, e := range params.Encodings {
		if e == nil {
			return proto.BadField(index("encodings", i), "not an object")
		}
	}
	return nil
}

// decode reads a JSON object into v.
func decode(data []byte, v any) *proto.Error {
	if string(bytes.TrimSpace(data)) == "null" { // which Unmarshal takes for anything
		return proto.BadField("", "not an object")
	}
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	if wrong := new(json.UnmarshalTypeError); errors.As(err, &wrong) {
		return proto.BadField(wrong.Field, "%s does not belong there", wrong.Value)
	}
	return proto.BadField("", "invalid JSON: %v", err)
}
