package ortc

import "gazpacho/proto"

// ConsumableRTPParameters is a producer in its router's terms: the router's codecs with the producer's parameters,
// the router's extensions of that kind that can be sent, and the mapped SSRCs. All arguments must be valid, and
// mapping made of params and caps: a TypeError otherwise.
func ConsumableRTPParameters(kind string, params proto.RTPParameters, caps proto.RTPCapabilities, mapping proto.RTPMapping) (proto.RTPParameters, *proto.Error) {
	consumable := proto.RTPParameters{
		Codecs:           []proto.RTPCodecParameters{},
		HeaderExtensions: consumableExtensions(kind, params.HeaderExtensions, caps.HeaderExtensions),
		Encodings:        make([]proto.RTPEncodingParameters, 0, len(params.Encodings)),
		RTCP:             proto.RTCPParameters{CNAME: params.RTCP.CNAME, ReducedSize: true},
		MSID:             params.MSID,
	}
	for i := range params.Codecs {
		c := &params.Codecs[i]
		if isRTX(c.MimeType) {
			continue
		}
		codecs, err := consumableCodecs(index("codecs", i), c, caps.Codecs, mapping.Codecs)
		if err != nil {
			return proto.RTPParameters{}, err
		}
		consumable.Codecs = append(consumable.Codecs, codecs...)
	}
	for i, e := range params.Encodings {
		if i >= len(mapping.Encodings) {
			return proto.RTPParameters{}, proto.BadField(index("encodings", i), "encoding is not mapped")
		}
		// How the producer labels its streams ends at the router.
		e.RID, e.RTX, e.CodecPayloadType = "", nil, nil
		e.SSRC, e.DTX = mapping.Encodings[i].MappedSSRC, clonePointer(e.DTX)
		consumable.Encodings = append(consumable.Encodings, e)
	}
	return consumable, nil
}

// consumableCodecs is the router's codec for a codec of the producer, and its retransmission codec if there is one.
func consumableCodecs(path string, c *proto.RTPCodecParameters, caps []proto.RTPCodecCapability, mapping []proto.CodecMapping) ([]proto.RTPCodecParameters, *proto.Error) {
	// By payload type, since the codec was matched when the mapping was made.
	pt, ok := mappedPayloadType(mapping, c.PayloadType)
	i := findPayloadType(caps, pt)
	if !ok || i < 0 {
		return nil, proto.BadField(path+".payloadType", "payload type %d is not mapped", c.PayloadType)
	}
	// The producer's parameters describe the bitstream, which the router does not change, but for the payload types in RED.
	parameters := c.Parameters
	if isRED(c.MimeType) {
		parameters = caps[i].Parameters
	}
	codecs := []proto.RTPCodecParameters{ofCapability(&caps[i], parameters)}
	// Retransmissions to consumers are the router's own: they need not be those of the producer.
	rtx := findCodec(caps, func(candidate *proto.RTPCodecCapability) bool {
		return candidate.PreferredPayloadType != nil && isRTXOf(candidate.MimeType, candidate.Parameters, pt)
	})
	if rtx >= 0 {
		codecs = append(codecs, ofCapability(&caps[rtx], caps[rtx].Parameters))
	}
	return codecs, nil
}

// ofCapability is a codec of the router as a producer's codec. It must have a payload type.
func ofCapability(c *proto.RTPCodecCapability, parameters proto.CodecParameters) proto.RTPCodecParameters {
	return proto.RTPCodecParameters{
		MimeType:     c.MimeType,
		PayloadType:  *c.PreferredPayloadType,
		ClockRate:    c.ClockRate,
		Channels:     c.Channels,
		Parameters:   cloneParameters(parameters),
		RTCPFeedback: cloneList(c.RTCPFeedback),
	}
}

// mappedPayloadType is the router's payload type for one of the producer.
func mappedPayloadType(mapping []proto.CodecMapping, pt uint8) (uint8, bool) {
	for _, m := range mapping {
		if m.PayloadType == pt {
			return m.MappedPayloadType, true
		}
	}
	return 0, false
}

// consumableExtensions are those of the router that it can send. A capture time is only passed on, so it is left out
// unless the producer has it: nobody shall wait for it.
func consumableExtensions(kind string, producers []proto.RTPHeaderExtensionParameters, caps []proto.RTPHeaderExtension) []proto.RTPHeaderExtensionParameters {
	extensions := []proto.RTPHeaderExtensionParameters{}
	for _, e := range caps {
		if e.Kind != kind || (e.Direction != sendRecv && e.Direction != sendOnly) {
			continue
		}
		if e.URI == absCaptureTimeURI && !hasExtension(producers, e.URI) {
			continue
		}
		extensions = append(extensions, proto.RTPHeaderExtensionParameters{
			URI: e.URI, ID: e.PreferredID, Encrypt: e.PreferredEncrypt, Parameters: proto.CodecParameters{},
		})
	}
	return extensions
}
