package ortc

import "gazpacho/proto"

// ProducerRTPParametersMapping finds for each codec of a producer the payload type of the router's codec it matches,
// and gives each encoding an SSRC that the router knows it by: consecutive ones, from a random one up. Both arguments
// must be valid. The level of H264 codecs in params is set to what both can do.
//
// A browser that sends VP8 as 96 and its retransmissions as 97 to a router that knows them as 101 and 102, in streams r0
// and r1, is mapped by
//
//	{codecs: [{96, 101}, {97, 102}], encodings: [{rid: r0, mappedSsrc: n}, {rid: r1, mappedSsrc: n+1}]}
//
// Errors: UnsupportedError for a codec that the router does not forward, TypeError for a retransmission codec whose
// media codec is missing.
func ProducerRTPParametersMapping(params *proto.RTPParameters, caps proto.RTPCapabilities, random func() uint32) (proto.RTPMapping, *proto.Error) {
	mapping := proto.RTPMapping{
		Codecs:    make([]proto.CodecMapping, 0, len(params.Codecs)),
		Encodings: make([]proto.EncodingMapping, 0, len(params.Encodings)),
	}
	for i := range params.Codecs {
		c := &params.Codecs[i]
		if isRTX(c.MimeType) {
			continue
		}
		mapped, err := mapCodec(index("codecs", i), c, caps.Codecs)
		if err != nil {
			return proto.RTPMapping{}, err
		}
		mapping.Codecs = append(mapping.Codecs, mapped)
	}
	// A retransmission codec may stand before its media codec, so they come in a second pass, and are looked up among
	// media codecs only: retransmissions are not retransmitted.
	media := mapping.Codecs
	for i := range params.Codecs {
		c := &params.Codecs[i]
		if !isRTX(c.MimeType) {
			continue
		}
		mapped, err := mapRTX(index("codecs", i), c, media, caps.Codecs)
		if err != nil {
			return proto.RTPMapping{}, err
		}
		mapping.Codecs = append(mapping.Codecs, mapped)
	}
	if err := checkRED(params, caps, mapping.Codecs); err != nil {
		return proto.RTPMapping{}, err
	}
	ssrc := randomSSRC(random)
	for i, e := range params.Encodings {
		mapping.Encodings = append(mapping.Encodings, proto.EncodingMapping{RID: e.RID, SSRC: e.SSRC, MappedSSRC: ssrc + uint32(i)})
	}
	return mapping, nil
}

// mapCodec maps a media codec to the first of the router's that matches it strictly.
func mapCodec(path string, c *proto.RTPCodecParameters, caps []proto.RTPCodecCapability) (proto.CodecMapping, *proto.Error) {
	i := findCodec(caps, func(candidate *proto.RTPCodecCapability) bool {
		return candidate.PreferredPayloadType != nil && matchCodecs(parametersFormat(c), capabilityFormat(candidate), strict)
	})
	if i < 0 {
		return proto.CodecMapping{}, at(path, proto.Unsupported("codec %s with payload type %d is not supported",
			formatName(c.MimeType, c.ClockRate, c.Channels), c.PayloadType))
	}
	negotiateLevel(c, caps[i].Parameters)
	return proto.CodecMapping{PayloadType: c.PayloadType, MappedPayloadType: *caps[i].PreferredPayloadType}, nil
}

// mapRTX maps a retransmission codec to the one of the router's codec that its media codec was mapped to.
func mapRTX(path string, c *proto.RTPCodecParameters, media []proto.CodecMapping, caps []proto.RTPCodecCapability) (proto.CodecMapping, *proto.Error) {
	for _, m := range media {
		if !sameValue(c.Parameters["apt"], m.PayloadType) {
			continue
		}
		i := findCodec(caps, func(candidate *proto.RTPCodecCapability) bool {
			return candidate.PreferredPayloadType != nil && isRTXOf(candidate.MimeType, candidate.Parameters, m.MappedPayloadType)
		})
		if i < 0 {
			return proto.CodecMapping{}, at(path, proto.Unsupported("no retransmission codec for payload type %d", m.PayloadType))
		}
		return proto.CodecMapping{PayloadType: c.PayloadType, MappedPayloadType: *caps[i].PreferredPayloadType}, nil
	}
	return proto.CodecMapping{}, proto.BadField(path+".parameters.apt", "no media codec for the retransmission codec with payload type %d", c.PayloadType)
}
