package consumer

import (
	"fmt"
	"strings"

	mediacodec "gazpacho/pkg/codec"
	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// codec is a payload type the peer can receive.
type codec struct {
	kind        mediacodec.Kind
	mime        string
	payloadType uint8
	rtx         uint8 // payload type of its retransmissions, 0 if they come under its own
	clockRate   int

	// Feedback the peer may send, and Opus's parameters, which dumps show.
	nack      bool
	pli       bool
	fir       bool
	inBandFEC bool
	dtx       bool
}

// codecs are in the order of the parameters; the first is the one the source uses unless it changes its mind.
type codecs []codec

// of finds a payload type, nil if the peer did not negotiate it. There are few, mostly one.
func (t codecs) of(payloadType uint8) *codec {
	for i := range t {
		if t[i].payloadType == payloadType {
			return &t[i]
		}
	}
	return nil
}

// taking is the codec in which the peer gets a packet, nil if in none. One that does not know RED gets the newest block of it.
func (t codecs) taking(p *rtp.Packet) *codec {
	if c := t.of(p.PayloadType); c != nil || p.Frame.Primary == 0 {
		return c
	}
	return t.of(p.Frame.PrimaryType)
}

// unwrap is the payload type and payload that the peer gets of a packet that some codec takes. An empty payload stays empty.
func (t codecs) unwrap(p *rtp.Packet, payload []byte) (uint8, []byte) {
	if p.Frame.Primary == 0 || t.of(p.PayloadType) != nil {
		return p.PayloadType, payload
	}
	return p.Frame.PrimaryType, payload[min(int(p.Frame.Primary), len(payload)):]
}

// newCodecs reads the media codecs in their order, and after each the payload type of its retransmissions (RFC 4588 section 8.1).
func newCodecs(o *proto.Consume) (codecs, *proto.Error) {
	var t codecs
	for i := range o.RTPParameters.Codecs {
		p, path := &o.RTPParameters.Codecs[i], fmt.Sprintf("rtpParameters.codecs[%d]", i)
		if isRTX(p) {
			apt, ok := p.Parameters.Integer("apt")
			if !ok || apt < 0 || apt > 127 || t.of(uint8(apt)) == nil {
				return nil, proto.BadField(path+".parameters.apt", "RTX without a codec before it that it repeats")
			}
			t.of(uint8(apt)).rtx = p.PayloadType
			continue
		}
		kind, known := mediacodec.KindOf(p.MimeType)
		switch {
		case !known || !strings.HasPrefix(kind.String(), o.Kind+"/"):
			return nil, proto.Unsupported("a consumer of kind %s cannot have %s", o.Kind, p.MimeType)
		case p.PayloadType > 127 || t.of(p.PayloadType) != nil:
			return nil, proto.BadField(path+".payloadType", "payload type %d is taken, or above 127", p.PayloadType)
		case p.ClockRate <= 0:
			return nil, proto.BadField(path+".clockRate", "a clock rate of %d", p.ClockRate)
		}
		t = append(t, newCodec(kind, p))
	}
	if len(t) == 0 {
		return nil, proto.BadField("rtpParameters.codecs", "there are no codecs")
	}
	return t, nil
}

// isRTX tells the retransmission format from media: video/rtx, audio/rtx.
func isRTX(p *proto.RTPCodecParameters) bool {
	_, subtype, _ := strings.Cut(p.MimeType, "/")
	return strings.EqualFold(subtype, "rtx")
}

func newCodec(kind mediacodec.Kind, p *proto.RTPCodecParameters) codec {
	c := codec{kind: kind, mime: p.MimeType, payloadType: p.PayloadType, clockRate: p.ClockRate}
	for _, f := range p.RTCPFeedback {
		c.nack = c.nack || f.Type == "nack" && f.Parameter == ""
		c.pli = c.pli || f.Type == "nack" && f.Parameter == "pli"
		c.fir = c.fir || f.Type == "ccm" && f.Parameter == "fir"
	}
	fec, _ := p.Parameters.Integer("useinbandfec")
	dtx, _ := p.Parameters.Integer("usedtx")
	c.inBandFEC, c.dtx = fec == 1, dtx == 1
	return c
}

// newIDs reads the ids of the extensions we know; ids are 1 to 255 (RFC 8285 section 4). We do not write encrypted ones (RFC 6904).
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

// newStreams checks the encodings on both sides and returns the mapped SSRCs of the source's.
func newStreams(o *proto.Consume) ([]uint32, *proto.Error) {
	if o.Kind != proto.Audio && o.Kind != proto.Video {
		return nil, proto.BadField("kind", "%q is not audio or video", o.Kind)
	}
	if err := refused(o.PreferredLayers); err != nil {
		return nil, err
	}
	if len(o.RTPParameters.Encodings) != 1 {
		return nil, proto.BadField("rtpParameters.encodings", "%d encodings instead of one", len(o.RTPParameters.Encodings))
	}
	if e := o.RTPParameters.Encodings[0]; e.SSRC == 0 {
		return nil, proto.BadField("rtpParameters.encodings[0].ssrc", "there is no SSRC to send with")
	} else if e.RTX != nil && (e.RTX.SSRC == 0 || e.RTX.SSRC == e.SSRC) {
		return nil, proto.BadField("rtpParameters.encodings[0].rtx.ssrc", "SSRC %d cannot be for retransmissions", e.RTX.SSRC)
	}
	if len(o.ConsumableRTPEncodings) == 0 || len(o.ConsumableRTPEncodings) > maxStreams {
		return nil, proto.BadField("consumableRtpEncodings", "%d encodings are not 1 to %d", len(o.ConsumableRTPEncodings), maxStreams)
	}
	streams := make([]uint32, len(o.ConsumableRTPEncodings))
	for i, e := range o.ConsumableRTPEncodings {
		if e.SSRC == 0 {
			return nil, proto.BadField(fmt.Sprintf("consumableRtpEncodings[%d].ssrc", i), "there is no mapped SSRC")
		}
		streams[i] = e.SSRC
	}
	return streams, nil
}

// maxStreams is how many streams a source may have.
const maxStreams = 16
