package transport

import (
	"encoding/binary"
	"fmt"
	"testing"

	"gazpacho/pkg/srtp"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// fan is how many consumers one producer has in the benchmarks.
const fan = 100

// forwarder is one producer with its hundred consumers, each on a transport of its own, all connected.
type forwarder struct {
	*bench
	server    *Server
	from      tuple.Tuple // the publisher's
	publisher *publisher
	consumers []*WebRTC
}

// publisher encrypts what the worker is to receive.
type publisher struct {
	t       testing.TB
	session *srtp.Session
	next    uint16
}

func newForwarder(t testing.TB, profile srtp.Profile, egress Egress, peer func(i int) tuple.Tuple) *forwarder {
	t.Helper()
	f := &forwarder{bench: newBench(t)}
	f.env.Egress = egress
	f.server = f.bench.server()
	source := f.webrtc(f.server, "source")
	f.from = from(f.server, peerAddress)
	f.reach(source, peerAddress)
	material := make([]byte, 60)
	k := Keys{
		Profile: uint16(profile), LocalKey: material[:profile.KeyLen()], LocalSalt: material[:profile.SaltLen()],
		RemoteKey: material[:profile.KeyLen()], RemoteSalt: material[:profile.SaltLen()],
	}
	source.DTLSConnected(f.now, k, "")
	session, err := srtp.NewSession(profile, k.RemoteKey, k.RemoteSalt, k.LocalKey, k.LocalSalt)
	if err != nil {
		t.Fatal(err)
	}
	f.publisher = &publisher{t: t, session: session}
	if _, perr := source.Produce(f.now, opusProducer("producer")); perr != nil {
		t.Fatal(perr)
	}
	for i := range fan {
		w := f.webrtc(f.server, fmt.Sprint("t", i))
		to := peer(i)
		f.server.Handle(f.now, check(t, w.agent.UsernameFragment(), w.agent.Password(), true), to)
		w.DTLSConnected(f.now, k, "")
		if _, perr := w.Consume(f.now, opusConsumer("c"+fmt.Sprint(i), "producer"), source.producers[0]); perr != nil {
			t.Fatal(perr)
		}
		f.consumers = append(f.consumers, w)
	}
	return f
}

// packets makes encrypted packets with consecutive numbers.
func (p *publisher) packets(size, count int) [][]byte {
	list := make([][]byte, count)
	for i := range list {
		b := make([]byte, 12, 12+size+20)
		b[0], b[1] = 0x90, 100
		binary.BigEndian.PutUint16(b[2:], p.next)
		binary.BigEndian.PutUint32(b[4:], uint32(p.next)*960)
		binary.BigEndian.PutUint32(b[8:], 11)
		p.next++
		b = append(b, 0xbe, 0xde, 0, 2, 0x51, byte(i>>8), byte(i), 0x42, 1, 2, 3, 0)
		header := len(b)
		b = append(b, make([]byte, size)...)
		b = append(b, make([]byte, srtp.MaxOverhead)...)
		n, ok := p.session.ProtectRTP(b, header, b[header:header+size])
		if !ok {
			p.t.Fatal("the publisher's packet was refused")
		}
		list[i] = b[:n]
	}
	return list
}

func opus() []proto.RTPCodecParameters {
	return []proto.RTPCodecParameters{{
		MimeType: "audio/opus", PayloadType: 100, ClockRate: 48000, Channels: 2,
		RTCPFeedback: []proto.RTCPFeedback{{Type: "transport-cc"}},
	}}
}

func extensions() []proto.RTPHeaderExtensionParameters {
	return []proto.RTPHeaderExtensionParameters{
		{URI: "urn:ietf:params:rtp-hdrext:sdes:mid", ID: 1},
		{URI: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", ID: 4},
		{URI: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", ID: 5},
	}
}

func opusProducer(id string) *proto.Produce {
	return &proto.Produce{
		ProducerID: id, Kind: proto.Audio,
		RTPParameters: proto.RTPParameters{
			MID: "0", Codecs: opus(), HeaderExtensions: extensions(), Encodings: []proto.RTPEncodingParameters{{SSRC: 11}},
			RTCP: proto.RTCPParameters{CNAME: "p"},
		},
		RTPMapping: proto.RTPMapping{
			Codecs:    []proto.CodecMapping{{PayloadType: 100, MappedPayloadType: 100}},
			Encodings: []proto.EncodingMapping{{SSRC: 11, MappedSSRC: 1011}},
		},
	}
}

func opusConsumer(id, producerID string) *proto.Consume {
	return &proto.Consume{
		ConsumerID: id, ProducerID: producerID, Kind: proto.Audio, Type: proto.Simple,
		RTPParameters: proto.RTPParameters{
			MID: "0", Codecs: opus(), HeaderExtensions: extensions(), Encodings: []proto.RTPEncodingParameters{{SSRC: 21}},
			RTCP: proto.RTCPParameters{CNAME: "p"},
		},
		ConsumableRTPEncodings: []proto.RTPEncodingParameters{{SSRC: 1011}},
	}
}
