package ortc

import (
	"slices"

	"gazpacho/proto"
)

// CanConsume tells whether an endpoint with these capabilities can take a producer: one of its media codecs must match,
// before any of its retransmission codecs does. A TypeError says that caps are malformed.
func CanConsume(consumable proto.RTPParameters, caps proto.RTPCapabilities) (bool, *proto.Error) {
	caps = cloneCapabilities(caps)
	if err := ValidateRTPCapabilities(&caps); err != nil {
		return false, err
	}
	for i := range consumable.Codecs {
		c := &consumable.Codecs[i]
		if isRED(c.MimeType) {
			continue // is of no use without the codec of its blocks, which is there too
		}
		if findMatch(caps.Codecs, c) >= 0 {
			// An endpoint that knows VP9 with retransmissions also matches the retransmission codec of VP8; if that is
			// what matches first, the codec before it did not.
			return !isRTX(c.MimeType), nil
		}
	}
	return false, nil
}

// findMatch is the index of the capability that a codec can be sent to, or -1.
func findMatch(caps []proto.RTPCodecCapability, c *proto.RTPCodecParameters) int {
	return findCodec(caps, func(candidate *proto.RTPCodecCapability) bool {
		return matchCodecs(capabilityFormat(candidate), parametersFormat(c), strict)
	})
}

// ConsumerOptions are what ConsumerRTPParameters works with.
type ConsumerOptions struct {
	Consumable proto.RTPParameters   // the producer, by ConsumableRTPParameters
	Remote     proto.RTPCapabilities // what the endpoint can receive, with the router's payload types and ids
	Pipe       bool                  // send every encoding as it is rather than one made of all
	EnableRTX  bool                  // retransmit, if the endpoint can
	Random     func() uint32         // where SSRCs come from
}

// ConsumerRTPParameters is what an endpoint receives of a producer: codecs, feedback and extensions are cut down to
// what the endpoint knows, feedback for congestion control to one mechanism, and encodings to a single one unless
// Pipe is set. SSRCs are new, that of retransmissions following the stream's. The MID is left to the caller.
//
// Three encodings r0, r1 and r2 of mode L1T3, limited to 100, 300 and 900 kbit/s, become
//
//	{ssrc: 435270051, rtx: {ssrc: 435270052}, scalabilityMode: "L3T3", maxBitrate: 900000}
//
// Errors: TypeError for malformed capabilities, UnsupportedError when no media codec matches.
func ConsumerRTPParameters(opts ConsumerOptions) (proto.RTPParameters, *proto.Error) {
	remote := cloneCapabilities(opts.Remote)
	if err := ValidateRTPCapabilities(&remote); err != nil {
		return proto.RTPParameters{}, err
	}
	codecs := consumerCodecs(opts.Consumable.Codecs, remote.Codecs, opts.EnableRTX)
	// The first codec is the one that an endpoint is set up for, so it must carry media.
	if len(codecs) == 0 || isRTX(codecs[0].MimeType) {
		return proto.RTPParameters{}, proto.Unsupported("no compatible media codecs: the producer has %s", codecNames(opts.Consumable.Codecs))
	}
	extensions := consumerExtensions(opts.Consumable.HeaderExtensions, remote.HeaderExtensions)
	chooseCongestionControl(codecs, extensions)
	rtx := slices.ContainsFunc(codecs, func(c proto.RTPCodecParameters) bool { return isRTX(c.MimeType) })

	params := proto.RTPParameters{Codecs: codecs, HeaderExtensions: extensions, RTCP: opts.Consumable.RTCP, MSID: opts.Consumable.MSID}
	if opts.Pipe {
		params.Encodings = renumber(opts.Consumable.Encodings, rtx, opts.Random)
	} else {
		params.Encodings = []proto.RTPEncodingParameters{singleEncoding(opts.Consumable.Encodings, rtx, opts.Random)}
	}
	return params, nil
}

// consumerCodecs are the codecs that the endpoint knows, with its feedback. Retransmission codecs whose media codec
// is not among them are dropped.
func consumerCodecs(consumable []proto.RTPCodecParameters, remote []proto.RTPCodecCapability, enableRTX bool) []proto.RTPCodecParameters {
	codecs := []proto.RTPCodecParameters{}
	for i := range consumable {
		if !enableRTX && isRTX(consumable[i].MimeType) {
			continue
		}
		match := findMatch(remote, &consumable[i])
		if match < 0 {
			continue
		}
		// Feedback is sent by the endpoint, so what it knows counts. Bare NACK asks for retransmissions.
		codecs = append(codecs, withFeedback(consumable[i], remote[match].RTCPFeedback, func(fb proto.RTCPFeedback) bool {
			return enableRTX || fb != nack
		}))
	}
	// Retransmission codecs match by clock rate alone, so those of codecs left out are still here.
	for i := len(codecs) - 1; i >= 0; i-- {
		if orphaned(&codecs[i], codecs) {
			codecs = slices.Delete(codecs, i, i+1)
		}
	}
	return codecs
}

// hasPayloadType tells whether one of the codecs has the payload type that an apt parameter names.
func hasPayloadType(codecs []proto.RTPCodecParameters, pt any) bool {
	return slices.ContainsFunc(codecs, func(c proto.RTPCodecParameters) bool { return sameValue(pt, c.PayloadType) })
}

// consumerExtensions are those that the endpoint knows by the same id: packets go to all consumers with the router's ids.
func consumerExtensions(consumable []proto.RTPHeaderExtensionParameters, remote []proto.RTPHeaderExtension) []proto.RTPHeaderExtensionParameters {
	extensions := []proto.RTPHeaderExtensionParameters{}
	for _, e := range consumable {
		known := func(r proto.RTPHeaderExtension) bool { return r.PreferredID == e.ID && r.URI == e.URI }
		if slices.ContainsFunc(remote, known) {
			extensions = append(extensions, cloneExtension(e))
		}
	}
	return extensions
}

// chooseCongestionControl leaves the endpoint one kind of feedback about bandwidth: transport-cc if its packets are
// numbered, else REMB if they are stamped with their send time, else none.
func chooseCongestionControl(codecs []proto.RTPCodecParameters, extensions []proto.RTPHeaderExtensionParameters) {
	useTransportCC := hasExtension(extensions, transportCCURI)
	useREMB := !useTransportCC && hasExtension(extensions, absSendTimeURI)
	for i := range codecs {
		codecs[i].RTCPFeedback = keep(codecs[i].RTCPFeedback, func(fb proto.RTCPFeedback) bool {
			return (useTransportCC || fb.Type != transportCC.Type) && (useREMB || fb.Type != googREMB.Type)
		})
	}
}

// singleEncoding is the one stream that a consumer makes of all encodings of a producer.
func singleEncoding(encodings []proto.RTPEncodingParameters, rtx bool, random func() uint32) proto.RTPEncodingParameters {
	e := proto.RTPEncodingParameters{SSRC: randomSSRC(random), ScalabilityMode: consumerScalabilityMode(encodings)}
	if rtx {
		e.RTX = &proto.RTXEncoding{SSRC: e.SSRC + 1}
	}
	// Only one of the encodings is sent at a time, so the highest limit is the limit.
	for _, encoding := range encodings {
		e.MaxBitrate = max(e.MaxBitrate, encoding.MaxBitrate)
	}
	return e
}

// renumber keeps all encodings, with consecutive new SSRCs and, if rtx is set, as many for retransmissions.
func renumber(encodings []proto.RTPEncodingParameters, rtx bool, random func() uint32) []proto.RTPEncodingParameters {
	ssrc, rtxSSRC := randomSSRCs(random, len(encodings))
	renumbered := make([]proto.RTPEncodingParameters, 0, len(encodings))
	for i, e := range encodings {
		e = cloneEncoding(e)
		e.SSRC, e.RTX = ssrc+uint32(i), nil
		if rtx {
			e.RTX = &proto.RTXEncoding{SSRC: rtxSSRC + uint32(i)}
		}
		renumbered = append(renumbered, e)
	}
	return renumbered
}

// keep is a list of those that pass.
func keep[T any](list []T, pass func(T) bool) []T {
	kept := make([]T, 0, len(list))
	for _, v := range list {
		if pass(v) {
			kept = append(kept, v)
		}
	}
	return kept
}

// codecNames lists the media codecs for an error.
func codecNames(codecs []proto.RTPCodecParameters) string {
	names := ""
	for _, c := range codecs {
		if isRTX(c.MimeType) {
			continue
		}
		if names != "" {
			names += ", "
		}
		names += formatName(c.MimeType, c.ClockRate, c.Channels)
	}
	if names == "" {
		return "none"
	}
	return names
}
