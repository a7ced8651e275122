package ortc

import (
	"maps"

	"gazpacho/proto"
)

// GenerateRouterRTPCapabilities makes a router of the codecs it shall forward, in their order. Each must be one of
// SupportedRTPCapabilities, or H265 or RED, by MIME type, clock rate and channels, and takes that one's spelling and feedback; its own
// parameters override. A payload type is the one given, else the codec's static one, else the next dynamic one. Each
// video codec is followed by its retransmission codec (RFC 4588).
//
// Errors: TypeError for a malformed codec or a payload type used twice, UnsupportedError for a codec that is not
// supported, Error when there are no dynamic payload types left.
func GenerateRouterRTPCapabilities(mediaCodecs []proto.RTPCodecCapability) (proto.RTPCapabilities, *proto.Error) {
	mediaCodecs = cloneList(mediaCodecs) // which validation fills in
	caps := proto.RTPCapabilities{Codecs: []proto.RTPCodecCapability{}, HeaderExtensions: supportedHeaderExtensions()}
	supported := append(supportedCodecs(), optionalCodecs()...)
	pool := newPayloadTypes()
	for i := range mediaCodecs {
		path := index("mediaCodecs", i)
		media := &mediaCodecs[i]
		if err := validateCodecCapability(path, media); err != nil {
			return proto.RTPCapabilities{}, err
		}
		codec, err := routerCodec(path, media, supported, pool, caps.Codecs)
		if err != nil {
			return proto.RTPCapabilities{}, err
		}
		caps.Codecs = append(caps.Codecs, codec)
		if codec.Kind != proto.Video {
			continue
		}
		rtx, err := routerRTX(path, codec, pool)
		if err != nil {
			return proto.RTPCapabilities{}, err
		}
		caps.Codecs = append(caps.Codecs, rtx)
	}
	if err := nameREDBlocks(caps.Codecs); err != nil {
		return proto.RTPCapabilities{}, err
	}
	return caps, nil
}

// routerCodec is the supported codec that media asks for, with its payload type and parameters.
func routerCodec(path string, media *proto.RTPCodecCapability, supported []proto.RTPCodecCapability, pool *payloadTypes, taken []proto.RTPCodecCapability) (proto.RTPCodecCapability, *proto.Error) {
	// Loosely: which H264 or VP9 profiles a router has is up to who makes it; it looks into no bitstream that deep.
	i := findCodec(supported, func(s *proto.RTPCodecCapability) bool {
		return matchCodecs(capabilityFormat(media), capabilityFormat(s), loose)
	})
	if i < 0 {
		return proto.RTPCodecCapability{}, at(path, proto.Unsupported("media codec %s is not supported", formatName(media.MimeType, media.ClockRate, media.Channels)))
	}
	codec := supported[i] // shared by media codecs of the same format, so what it refers to is copied
	codec.RTCPFeedback = cloneList(codec.RTCPFeedback)
	codec.Parameters = cloneParameters(codec.Parameters)
	maps.Copy(codec.Parameters, media.Parameters)
	switch {
	case media.PreferredPayloadType != nil:
		// Taken out of the pool even if it is handed out already: then it is found to be used twice below.
		codec.PreferredPayloadType = payloadType(*media.PreferredPayloadType)
		pool.take(*media.PreferredPayloadType)
	case codec.PreferredPayloadType == nil:
		pt, ok := pool.next()
		if !ok {
			return proto.RTPCodecCapability{}, noPayloadTypes(path)
		}
		codec.PreferredPayloadType = payloadType(pt)
	default:
		codec.PreferredPayloadType = clonePointer(codec.PreferredPayloadType)
	}
	if findPayloadType(taken, *codec.PreferredPayloadType) >= 0 {
		return proto.RTPCodecCapability{}, proto.BadField(path+".preferredPayloadType", "payload type %d is used twice", *codec.PreferredPayloadType)
	}
	return codec, nil
}

// routerRTX is the retransmission codec that belongs to a codec: RFC 4588 section 8.6 names it by the apt parameter, one
// payload type for each payload type.
func routerRTX(path string, codec proto.RTPCodecCapability, pool *payloadTypes) (proto.RTPCodecCapability, *proto.Error) {
	pt, ok := pool.next()
	if !ok {
		return proto.RTPCodecCapability{}, noPayloadTypes(path)
	}
	return proto.RTPCodecCapability{
		Kind:                 codec.Kind,
		MimeType:             codec.Kind + "/rtx",
		PreferredPayloadType: payloadType(pt),
		ClockRate:            codec.ClockRate,
		Parameters:           proto.CodecParameters{"apt": int(*codec.PreferredPayloadType)},
		RTCPFeedback:         []proto.RTCPFeedback{},
	}, nil
}

// noPayloadTypes says that the 32 dynamic ones are used up, by 16 video codecs with their retransmissions for instance.
func noPayloadTypes(path string) *proto.Error {
	return at(path, proto.Failed(proto.CodeLimit, "cannot allocate more dynamic codec payload types"))
}
