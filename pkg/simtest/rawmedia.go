package simtest

import (
	"strconv"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// SendRTP protects and sends a packet whose header is the caller's, and tells whether SRTP could make sense of it.
func (r *Raw) SendRTP(header, payload []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.session.ProtectRTP(r.packet, copy(r.packet, header), payload)
	if ok {
		r.Send(r.packet[:n])
	}
	return ok
}

// SendRTCP protects and sends a compound, which may be anything with a header.
func (r *Raw) SendRTCP(compound []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.session.ProtectRTCP(r.packet, copy(r.packet, compound))
	if ok {
		r.Send(r.packet[:n])
	}
	return ok
}

// Source is what others may consume.
type Source struct {
	ProducerID, Kind, Type string
	SSRC                   uint32 // by which consumers know it
	Codecs                 []proto.RTPCodecParameters
}

// Source is what others may consume of a peer's track.
func (s *Sending) Source() Source {
	return Source{ProducerID: s.ProducerID, Kind: s.Kind, Type: s.Type, SSRC: s.Mapping.Encodings[0].MappedSSRC, Codecs: codecs(s.Kind)}
}

// Produce announces a stream that the client will send, of its kind's codecs unless others are given. Video has retransmissions under the SSRC above.
func (r *Raw) Produce(kind string, ssrc uint32, own ...proto.RTPCodecParameters) Source {
	r.t.Helper()
	s := Source{ProducerID: r.w.ID("producer"), Kind: kind, SSRC: ssrc + 100_000, Codecs: codecs(kind)}
	mapped := mapping(kind)
	if own != nil {
		s.Codecs, mapped = own, nil
		for _, c := range own {
			mapped = append(mapped, proto.CodecMapping{PayloadType: c.PayloadType, MappedPayloadType: c.PayloadType})
		}
	}
	r.sections++
	s.Type = Request[proto.ProduceResult](r.w, proto.TransportProduce, r.Transport.ID, proto.Produce{
		ProducerID: s.ProducerID, Kind: kind,
		RTPParameters: r.parameters(s, ssrc, rtp.ExtMID, rtp.ExtRID, rtp.ExtRepairedRID, rtp.ExtAbsSendTime, rtp.ExtTransportCC),
		RTPMapping:    proto.RTPMapping{Codecs: mapped, Encodings: []proto.EncodingMapping{{SSRC: ssrc, MappedSSRC: s.SSRC}}},
	}).Type
	return s
}

// Consume makes the worker send a source under an SSRC, and retransmissions of video under the one above. It returns the consumer's id.
func (r *Raw) Consume(s Source, ssrc uint32) string {
	r.t.Helper()
	id := r.w.ID("consumer")
	r.sections++
	Request[proto.ConsumeResult](r.w, proto.TransportConsume, r.Transport.ID, proto.Consume{
		ConsumerID: id, ProducerID: s.ProducerID, Kind: s.Kind, Type: s.Type,
		RTPParameters:          r.parameters(s, ssrc, rtp.ExtMID, rtp.ExtAbsSendTime, rtp.ExtTransportCC),
		ConsumableRTPEncodings: []proto.RTPEncodingParameters{{SSRC: s.SSRC}},
	})
	return id
}

func (r *Raw) parameters(s Source, ssrc uint32, extensions ...rtp.Extension) proto.RTPParameters {
	e := proto.RTPEncodingParameters{SSRC: ssrc}
	if s.Kind == proto.Video {
		e.RTX = &proto.RTXEncoding{SSRC: ssrc + 1}
	}
	return proto.RTPParameters{
		MID: strconv.Itoa(r.sections), Codecs: s.Codecs, Encodings: []proto.RTPEncodingParameters{e},
		HeaderExtensions: headerExtensions(extensions...), RTCP: proto.RTCPParameters{CNAME: "raw", ReducedSize: true},
	}
}
