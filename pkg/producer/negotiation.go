package producer

import (
	"fmt"
	"strings"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
	"gazpacho/proto"
)

// maxEncodings is how many streams one source may have.
const maxEncodings = 16

// payload is what a payload type of the publisher stands for.
type payload struct {
	kind        codec.Kind // of media; a retransmission has none
	mime        string     // as the publisher wrote it, for statistics
	payloadType uint8
	mapped      uint8    // the router's payload type
	repeats     *payload // of a retransmission: what it repeats
	rtx         uint8    // of media: the payload type of its retransmissions, 0 if there are none
	clockRate   int

	// Feedback the publisher understands (RFC 4585 section 4.2), and Opus's parameters (RFC 7587 section 6.1), which dumps show.
	nack      bool
	pli       bool
	fir       bool
	inBandFEC bool
	dtx       bool
}

// payloads is the table of a producer's payload types.
type payloads struct {
	list   []payload
	byType [128]uint8 // index into list plus 1
}

// of finds a payload type, nil if it was not negotiated. Every packet goes through here, hence the table.
func (t *payloads) of(payloadType uint8) *payload {
	if i := t.byType[payloadType&0x7f]; i > 0 {
		return &t.list[i-1]
	}
	return nil
}

// mapRED makes the blocks of a RED packet say the router's payload types, as its header does.
func (t *payloads) mapRED(pkt *rtp.Packet) {
	mapped := func(payloadType uint8) (uint8, bool) {
		if pay := t.of(payloadType); pay != nil && pay.repeats == nil {
			return pay.mapped, true
		}
		return 0, false
	}
	codec.MapRED(pkt.Payload, mapped)
	pkt.Frame.PrimaryType, _ = mapped(pkt.Frame.PrimaryType)
}

// newPayloads reads the codecs and where they are mapped to.
func newPayloads(o *proto.Produce) (payloads, *proto.Error) {
	codecs := o.RTPParameters.Codecs
	if len(codecs) == 0 {
		return payloads{}, proto.BadField("rtpParameters.codecs", "there are no codecs")
	}
	t := payloads{list: make([]payload, len(codecs))}
	for i := range codecs {
		c, path := &codecs[i], fmt.Sprintf("rtpParameters.codecs[%d]", i)
		if c.PayloadType > 127 || t.byType[c.PayloadType] != 0 {
			return payloads{}, proto.BadField(path+".payloadType", "payload type %d is taken, or above 127", c.PayloadType)
		}
		if c.ClockRate <= 0 {
			return payloads{}, proto.BadField(path+".clockRate", "a clock rate of %d", c.ClockRate)
		}
		t.byType[c.PayloadType] = uint8(i + 1)
		t.list[i] = payload{mime: c.MimeType, payloadType: c.PayloadType, clockRate: c.ClockRate}
	}
	if err := unsupported(o); err != nil {
		return payloads{}, err
	}
	// Retransmissions may be listed in front of what they repeat, so the table had to be complete first.
	for i := range codecs {
		path := fmt.Sprintf("rtpParameters.codecs[%d]", i)
		var err *proto.Error
		if isRTX(&codecs[i]) {
			err = t.resolveRTX(&t.list[i], &codecs[i], path)
		} else {
			err = t.list[i].resolve(&codecs[i], o.RTPMapping.Codecs, path)
		}
		if err != nil {
			return payloads{}, err
		}
	}
	return t, nil
}

// isRTX tells the retransmission format from media (RFC 4588 section 8.1: video/rtx, audio/rtx).
func isRTX(c *proto.RTPCodecParameters) bool {
	_, subtype, _ := strings.Cut(c.MimeType, "/")
	return strings.EqualFold(subtype, "rtx")
}

// unsupported names all codecs that cannot be forwarded, or are not of the producer's kind.
func unsupported(o *proto.Produce) *proto.Error {
	var names []string
	media := 0
	for i := range o.RTPParameters.Codecs {
		c := &o.RTPParameters.Codecs[i]
		if isRTX(c) {
			continue
		}
		media++
		kind, known := codec.KindOf(c.MimeType)
		if !known || !strings.HasPrefix(kind.String(), o.Kind+"/") {
			names = append(names, c.MimeType)
		}
	}
	switch {
	case len(names) > 0:
		return proto.Unsupported("a producer of kind %s cannot have %s", o.Kind, strings.Join(names, ", "))
	case media == 0:
		return proto.BadField("rtpParameters.codecs", "there are no codecs but RTX")
	}
	return nil
}

// resolve fills in what a media codec says of itself and the payload type the router knows it by.
func (p *payload) resolve(c *proto.RTPCodecParameters, mapping []proto.CodecMapping, path string) *proto.Error {
	p.kind, _ = codec.KindOf(c.MimeType)
	for _, f := range c.RTCPFeedback {
		p.nack = p.nack || f.Type == "nack" && f.Parameter == ""
		p.pli = p.pli || f.Type == "nack" && f.Parameter == "pli"
		p.fir = p.fir || f.Type == "ccm" && f.Parameter == "fir"
	}
	fec, _ := c.Parameters.Integer("useinbandfec")
	dtx, _ := c.Parameters.Integer("usedtx")
	p.inBandFEC, p.dtx = fec == 1, dtx == 1
	for _, m := range mapping {
		if m.PayloadType == p.payloadType {
			p.mapped = m.MappedPayloadType
			return nil
		}
	}
	return proto.BadField("rtpMapping.codecs", "%s has no mapping for payload type %d", path, p.payloadType)
}

// resolveRTX ties a retransmission format to the codec it repeats: "apt (associated payload type): the value of this parameter is the
// payload type of the associated original payload" (RFC 4588 section 8.1).
func (t *payloads) resolveRTX(p *payload, c *proto.RTPCodecParameters, path string) *proto.Error {
	apt, ok := c.Parameters.Integer("apt")
	if !ok || apt < 0 || apt > 127 {
		return proto.BadField(path+".parameters.apt", "RTX without the payload type it repeats")
	}
	repeated := t.of(uint8(apt))
	if repeated == nil || repeated == p || strings.EqualFold(repeated.mime, p.mime) {
		return proto.BadField(path+".parameters.apt", "payload type %d is no codec that could be repeated", apt)
	}
	p.repeats, repeated.rtx = repeated, p.payloadType
	return nil
}

// newIDs reads the ids of the extensions we know; ids are 1 to 255 (RFC 8285 section 4). Encrypted ones (RFC 6904) we cannot read: they
// are as if they were not there.
func newIDs(list []proto.RTPHeaderExtensionParameters) (ids rtp.ExtensionIDs, err *proto.Error) {
	for i, x := range list {
		if x.ID < 1 || x.ID > 255 {
			return ids, proto.BadField(fmt.Sprintf("rtpParameters.headerExtensions[%d].id", i), "id %d is not 1 to 255", x.ID)
		}
		if e, known := rtp.ExtensionOf(x.URI); known && !x.Encrypt {
			ids[e] = uint8(x.ID)
		}
	}
	return ids, nil
}

// newType tells what kind of producer the encodings make: several are simulcast, one of several layers is scalable video.
func newType(o *proto.Produce) (string, *proto.Error) {
	encodings, mapping := o.RTPParameters.Encodings, o.RTPMapping.Encodings
	switch {
	case len(encodings) == 0 || len(encodings) > maxEncodings:
		return "", proto.BadField("rtpParameters.encodings", "%d encodings are not 1 to %d", len(encodings), maxEncodings)
	case len(mapping) != len(encodings):
		return "", proto.BadField("rtpMapping.encodings", "%d mappings for %d encodings", len(mapping), len(encodings))
	}
	for i := range encodings {
		if len(encodings) > 1 && stream.ParseScalabilityMode(encodings[i].ScalabilityMode).Spatial > 1 {
			return "", proto.BadField(fmt.Sprintf("rtpParameters.encodings[%d].scalabilityMode", i), "%s in one of several encodings", encodings[i].ScalabilityMode)
		}
		if mapping[i].MappedSSRC == 0 {
			return "", proto.BadField(fmt.Sprintf("rtpMapping.encodings[%d].mappedSsrc", i), "there is no mapped SSRC")
		}
		for j := range i {
			if mapping[j].MappedSSRC == mapping[i].MappedSSRC {
				return "", proto.BadField(fmt.Sprintf("rtpMapping.encodings[%d].mappedSsrc", i), "SSRC %d is mapped to twice", mapping[i].MappedSSRC)
			}
		}
	}
	mode := stream.ParseScalabilityMode(encodings[0].ScalabilityMode)
	switch {
	case len(encodings) > 1:
		return proto.Simulcast, nil
	case o.Kind == proto.Video && (mode.Spatial > 1 || mode.Temporal > 1):
		return proto.SVC, nil
	default:
		return proto.Simple, nil
	}
}
