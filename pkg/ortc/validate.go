package ortc

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gazpacho/proto"
)

// maxPayloadType is what seven bits of an RTP header hold (RFC 3550 section 5.1).
const maxPayloadType = 127

// Lists are matched with each other, so their lengths multiply: there are no more codecs than payload types to know them
// by, and no more feedback than anyone could mean.
const (
	maxCodecs   = maxPayloadType + 1
	maxFeedback = 64
)

// maxExtensionID is what the two-byte form of a header extension holds; 0 is padding (RFC 8285 section 4.3).
const maxExtensionID = 255

// ValidateRTPCapabilities checks capabilities and fills in their defaults in place: a codec's kind is taken from its
// MIME type, audio has 1 channel unless it says otherwise and video none, lists and parameters are never nil, and
// extensions go both ways. Errors are TypeErrors.
func ValidateRTPCapabilities(caps *proto.RTPCapabilities) *proto.Error {
	if len(caps.Codecs) > maxCodecs {
		return tooMany("codecs", len(caps.Codecs), maxCodecs)
	}
	caps.Codecs = notNil(caps.Codecs)
	for i := range caps.Codecs {
		if err := validateCodecCapability(index("codecs", i), &caps.Codecs[i]); err != nil {
			return err
		}
	}
	caps.HeaderExtensions = notNil(caps.HeaderExtensions)
	for i := range caps.HeaderExtensions {
		if err := validateExtension(index("headerExtensions", i), &caps.HeaderExtensions[i]); err != nil {
			return err
		}
	}
	return nil
}

// ValidateRTPParameters checks parameters and fills in their defaults in place, as ValidateRTPCapabilities does;
// RTCP is always of reduced size (RFC 5506). Codecs are mandatory, though the list may be empty. Errors are TypeErrors.
func ValidateRTPParameters(params *proto.RTPParameters) *proto.Error {
	if params.Codecs == nil {
		return proto.BadField("codecs", "missing codecs")
	}
	if len(params.Codecs) > maxCodecs {
		return tooMany("codecs", len(params.Codecs), maxCodecs)
	}
	for i := range params.Codecs {
		if err := validateCodecParameters(index("codecs", i), &params.Codecs[i]); err != nil {
			return err
		}
	}
	params.HeaderExtensions = notNil(params.HeaderExtensions)
	for i := range params.HeaderExtensions {
		if err := validateExtensionParameters(index("headerExtensions", i), &params.HeaderExtensions[i]); err != nil {
			return err
		}
	}
	params.Encodings = notNil(params.Encodings)
	for i := range params.Encodings {
		if err := validateEncoding(index("encodings", i), &params.Encodings[i]); err != nil {
			return err
		}
	}
	params.RTCP.ReducedSize = true
	return nil
}

// validateCodecCapability checks a codec of capabilities and sets its kind, whatever it said, to that of its MIME type.
func validateCodecCapability(path string, c *proto.RTPCodecCapability) *proto.Error {
	kind, err := validateFormat(path, c.MimeType, c.ClockRate, &c.Channels)
	if err != nil {
		return err
	}
	c.Kind = kind
	if pt := c.PreferredPayloadType; pt != nil && *pt > maxPayloadType {
		return proto.BadField(path+".preferredPayloadType", "payload type %d is over %d", *pt, maxPayloadType)
	}
	return validateFormatDetails(path, &c.Parameters, &c.RTCPFeedback)
}

func validateCodecParameters(path string, c *proto.RTPCodecParameters) *proto.Error {
	if _, err := validateFormat(path, c.MimeType, c.ClockRate, &c.Channels); err != nil {
		return err
	}
	if c.PayloadType > maxPayloadType {
		return proto.BadField(path+".payloadType", "payload type %d is over %d", c.PayloadType, maxPayloadType)
	}
	return validateFormatDetails(path, &c.Parameters, &c.RTCPFeedback)
}

// validateFormat checks what names a codec and returns its kind.
func validateFormat(path, mimeType string, clockRate int, channels *int) (string, *proto.Error) {
	kind, subtype, _ := strings.Cut(mimeType, "/")
	kind = strings.ToLower(kind)
	// mediasoup takes a clock rate of 0 or less; it would divide by it later.
	switch {
	case mimeType == "":
		return "", proto.BadField(path+".mimeType", "missing mimeType")
	case (kind != proto.Audio && kind != proto.Video) || subtype == "":
		return "", proto.BadField(path+".mimeType", "mimeType %q is not that of a codec", mimeType)
	case clockRate <= 0:
		return "", proto.BadField(path+".clockRate", "missing clockRate")
	case kind == proto.Video:
		*channels = 0
	case *channels < 0:
		return "", proto.BadField(path+".channels", "channels is negative")
	case *channels == 0:
		*channels = 1
	}
	return kind, nil
}

// validateFormatDetails checks what else a codec has: parameters and feedback.
func validateFormatDetails(path string, parameters *proto.CodecParameters, feedback *[]proto.RTCPFeedback) *proto.Error {
	if err := validateParameterValues(path, parameters); err != nil {
		return err
	}
	// RFC 4588 section 8.6: apt is the payload type that is retransmitted.
	if apt, present := (*parameters)["apt"]; present && !finite(apt) {
		return proto.BadField(path+".parameters.apt", "apt is not a number")
	}
	if len(*feedback) > maxFeedback {
		return tooMany(path+".rtcpFeedback", len(*feedback), maxFeedback)
	}
	*feedback = notNil(*feedback)
	for i, fb := range *feedback {
		if fb.Type == "" {
			return proto.BadField(index(path+".rtcpFeedback", i)+".type", "missing type")
		}
	}
	return nil
}

// validateParameterValues lets only strings and numbers pass, as SDP can say no more (RFC 8866 section 6.15). It goes by
// name so that of several errors it is always the same that is told.
func validateParameterValues(path string, parameters *proto.CodecParameters) *proto.Error {
	if *parameters == nil {
		*parameters = proto.CodecParameters{}
	}
	for _, key := range slices.Sorted(maps.Keys(*parameters)) {
		value := (*parameters)[key]
		if _, ok := value.(string); !ok && !finite(value) {
			return proto.BadField(path+".parameters."+key, "parameter %q is neither a string nor a number", key)
		}
	}
	return nil
}

func validateExtension(path string, e *proto.RTPHeaderExtension) *proto.Error {
	if e.Kind != proto.Audio && e.Kind != proto.Video {
		return proto.BadField(path+".kind", "kind %q is neither audio nor video", e.Kind)
	}
	if e.Direction == "" {
		e.Direction = sendRecv
	}
	return validateExtensionName(path, e.URI, "preferredId", e.PreferredID)
}

func validateExtensionParameters(path string, e *proto.RTPHeaderExtensionParameters) *proto.Error {
	if err := validateExtensionName(path, e.URI, "id", e.ID); err != nil {
		return err
	}
	return validateParameterValues(path, &e.Parameters)
}

// validateExtensionName checks what names an extension: its URI and its id, which is in the field of that name.
func validateExtensionName(path, uri, field string, id int) *proto.Error {
	switch {
	case uri == "":
		return proto.BadField(path+".uri", "missing uri")
	case id == 0:
		return proto.BadField(path+"."+field, "missing %s", field)
	case id < 0 || id > maxExtensionID:
		return proto.BadField(path+"."+field, "%s %d is not 1 to %d", field, id, maxExtensionID)
	}
	return nil
}

// validateEncoding checks a stream. An RTX without an SSRC says nothing: streams known by RID announce theirs in packets.
func validateEncoding(path string, e *proto.RTPEncodingParameters) *proto.Error {
	if pt := e.CodecPayloadType; pt != nil && *pt > maxPayloadType {
		return proto.BadField(path+".codecPayloadType", "payload type %d is over %d", *pt, maxPayloadType)
	}
	if e.RTX != nil && e.RTX.SSRC == 0 {
		return proto.BadField(path+".rtx.ssrc", "missing ssrc")
	}
	if e.DTX == nil {
		e.DTX = new(false)
	}
	return nil
}

// index is the path of an element of a list.
func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func tooMany(path string, n, limit int) *proto.Error {
	return proto.BadField(path, "%d elements are more than %d", n, limit)
}

// at says which field an error is about.
func at(path string, err *proto.Error) *proto.Error {
	err.Path = path
	return err
}

// notNil makes an absent list an empty one, for JSON to say [] rather than null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
