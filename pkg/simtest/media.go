package simtest

import (
	"fmt"
	"time"

	"github.com/pion/webrtc/v3"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// Sending is one produced track of a peer.
type Sending struct {
	ProducerID string
	Type       string
	Kind       string
	Parameters proto.RTPParameters
	Mapping    proto.RTPMapping
	Tracks     []*webrtc.TrackLocalStaticRTP // one per encoding, lowest first
	Sender     *webrtc.RTPSender
}

// Produce sends a track: with rids, one stream for each.
func (p *Peer) Produce(kind string, rids ...string) *Sending {
	p.t.Helper()
	s := p.Offer(kind, rids...)
	s.ProducerID = p.w.ID("producer")
	r := Request[proto.ProduceResult](p.w, proto.TransportProduce, p.Transport.ID, s.Request())
	s.Type = r.Type
	return s
}

// Request is the body of transport.produce for the track.
func (s *Sending) Request() proto.Produce {
	return proto.Produce{ProducerID: s.ProducerID, Kind: s.Kind, RTPParameters: s.Parameters, RTPMapping: s.Mapping}
}

// Offer negotiates a track, and so connects the peer, but does not make a producer for it.
func (p *Peer) Offer(kind string, rids ...string) *Sending {
	p.t.Helper()
	s := &Sending{Kind: kind}
	mime := "audio/opus"
	if kind == proto.Video {
		mime = "video/VP8"
	}
	streams := rids
	if len(rids) == 0 {
		streams = []string{""}
	}
	for _, rid := range streams {
		var o []func(*webrtc.TrackLocalStaticRTP)
		if rid != "" {
			o = append(o, webrtc.WithRTPStreamID(rid))
		}
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, "track", "stream", o...)
		p.must(err)
		s.Tracks = append(s.Tracks, track)
	}
	transceiver, err := p.pc.AddTransceiverFromTrack(s.Tracks[0], webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	p.must(err)
	s.Sender = transceiver.Sender()
	for _, track := range s.Tracks[1:] {
		p.must(s.Sender.AddEncoding(track))
	}
	mid := fmt.Sprint(len(p.sections))
	p.sections = append(p.sections, section{mid: mid, kind: kind, direction: "recvonly", rids: rids})
	p.negotiate()
	s.Parameters = proto.RTPParameters{
		MID: mid, Codecs: codecs(kind), RTCP: proto.RTCPParameters{CNAME: "peer", ReducedSize: true},
		HeaderExtensions: headerExtensions(rtp.ExtMID, rtp.ExtRID, rtp.ExtRepairedRID, rtp.ExtAbsSendTime, rtp.ExtTransportCC),
	}
	s.Mapping = proto.RTPMapping{Codecs: mapping(kind)}
	encodings := s.Sender.GetParameters().Encodings
	for i, rid := range streams {
		e := proto.RTPEncodingParameters{RID: rid}
		m := proto.EncodingMapping{RID: rid, MappedSSRC: uint32(1_000_000*len(p.sections) + 1000*i + 1)}
		if rid == "" {
			e.SSRC = uint32(encodings[0].SSRC)
			m.SSRC = e.SSRC
		}
		s.Parameters.Encodings = append(s.Parameters.Encodings, e)
		s.Mapping.Encodings = append(s.Mapping.Encodings, m)
	}
	return s
}

// Receiving is one consumed track of a peer.
type Receiving struct {
	ConsumerID string
	Parameters proto.RTPParameters
	Track      *webrtc.TrackRemote // once the first packet came
	tracks     chan *webrtc.TrackRemote
	p          *Peer
}

// Consume receives what another peer sends.
func (p *Peer) Consume(s *Sending) *Receiving {
	p.t.Helper()
	mid := fmt.Sprint(len(p.sections))
	sec := section{mid: mid, kind: s.Kind, direction: "sendonly", ssrc: uint32(7_000_000 + 10*len(p.sections))}
	encoding := proto.RTPEncodingParameters{SSRC: sec.ssrc}
	if s.Kind == proto.Video {
		sec.rtx = sec.ssrc + 1
		encoding.RTX = &proto.RTXEncoding{SSRC: sec.rtx}
	}
	p.sections = append(p.sections, sec)
	r := &Receiving{
		ConsumerID: p.w.ID("consumer"), tracks: make(chan *webrtc.TrackRemote, 1), p: p,
		Parameters: proto.RTPParameters{
			MID: mid, Codecs: codecs(s.Kind), Encodings: []proto.RTPEncodingParameters{encoding},
			HeaderExtensions: headerExtensions(rtp.ExtMID, rtp.ExtAbsSendTime, rtp.ExtTransportCC),
			RTCP:             proto.RTCPParameters{CNAME: "peer", ReducedSize: true},
		},
	}
	consumable := make([]proto.RTPEncodingParameters, len(s.Mapping.Encodings))
	for i, m := range s.Mapping.Encodings {
		consumable[i].SSRC = m.MappedSSRC
	}
	Request[proto.ConsumeResult](p.w, proto.TransportConsume, p.Transport.ID, proto.Consume{
		ConsumerID: r.ConsumerID, ProducerID: s.ProducerID, Kind: s.Kind, RTPParameters: r.Parameters,
		Type: s.Type, ConsumableRTPEncodings: consumable,
	})
	p.expect(sec.ssrc, r.tracks)
	p.negotiate()
	return r
}

// Accept receives a consumer that somebody else made for the peer.
func (p *Peer) Accept(consumerID, kind string, params proto.RTPParameters) *Receiving {
	p.t.Helper()
	sec := section{mid: fmt.Sprint(len(p.sections)), kind: kind, direction: "sendonly", ssrc: params.Encodings[0].SSRC, rtx: rtxOf(params)}
	p.sections = append(p.sections, sec)
	r := &Receiving{ConsumerID: consumerID, Parameters: params, tracks: make(chan *webrtc.TrackRemote, 1), p: p}
	p.expect(sec.ssrc, r.tracks)
	p.negotiate()
	return r
}

func rtxOf(params proto.RTPParameters) uint32 {
	if rtx := params.Encodings[0].RTX; rtx != nil {
		return rtx.SSRC
	}
	return 0
}

// Played calls f with the track as soon as there is one, instead of Read.
func (p *Peer) Played(r *Receiving, f func(*webrtc.TrackRemote)) {
	go func() {
		select {
		case track := <-r.tracks:
			f(track)
		case <-time.After(patience):
		}
	}()
}

// Read returns the payload of the next packet with its sequence number, or fails the test when none comes.
func (r *Receiving) Read() (payload []byte, sequence uint16, timestamp uint32) {
	r.p.t.Helper()
	if r.Track == nil {
		select {
		case r.Track = <-r.tracks:
		case <-time.After(patience):
			r.p.t.Fatal("no track")
		}
	}
	if err := r.Track.SetReadDeadline(time.Now().Add(patience)); err != nil {
		r.p.t.Fatal(err)
	}
	packet, _, err := r.Track.ReadRTP()
	if err != nil {
		r.p.t.Fatalf("reading: %v", err)
	}
	return packet.Payload, packet.SequenceNumber, packet.Timestamp
}
