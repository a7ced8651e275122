package transport

import (
	"bytes"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"
	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// Extensions of audio in this test.
const levelID, captureID, playoutID = 6, 10, 11

func redCodecs(red, opus uint8) []proto.RTPCodecParameters {
	feedback := []proto.RTCPFeedback{{Type: "nack"}, {Type: "transport-cc"}}
	return []proto.RTPCodecParameters{
		{MimeType: "audio/red", PayloadType: red, ClockRate: 48000, Channels: 2, RTCPFeedback: feedback},
		{MimeType: "audio/opus", PayloadType: opus, ClockRate: 48000, Channels: 2, RTCPFeedback: feedback},
	}
}

func redExtensions() []proto.RTPHeaderExtensionParameters {
	return append(allExtensions(), proto.RTPHeaderExtensionParameters{URI: "urn:ietf:params:rtp-hdrext:ssrc-audio-level", ID: levelID},
		proto.RTPHeaderExtensionParameters{URI: "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time", ID: captureID},
		proto.RTPHeaderExtensionParameters{URI: "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", ID: playoutID})
}

// redConsumer receives SSRC 10's audio in some of the router's codecs.
func redConsumer(id string, ssrc uint32, ignoreDTX bool, codecs ...proto.RTPCodecParameters) *proto.Consume {
	return &proto.Consume{
		ConsumerID: id, ProducerID: "p", Kind: proto.Audio, Type: proto.Simple, IgnoreDTX: ignoreDTX,
		RTPParameters: proto.RTPParameters{
			MID: "m" + id, Codecs: codecs, HeaderExtensions: redExtensions(), Encodings: []proto.RTPEncodingParameters{{SSRC: ssrc}},
		},
		ConsumableRTPEncodings: []proto.RTPEncodingParameters{{SSRC: 1010}},
	}
}

// block is a packet's Opus: of speech, or of silence now and then.
func block(n int) []byte {
	if n%10 == 9 {
		return []byte{0xf8}
	}
	return []byte{0xf8, byte(n), byte(n >> 8), 4, 5}
}

// red is a RED payload of a packet with the one before it.
func red(n int, opus byte) []byte {
	older := block(n - 1)
	b := []byte{0x80 | opus, 960 >> 6, byte(960&0x3f) << 2, byte(len(older)), opus}
	return append(append(b, older...), block(n)...)
}

// Opus with redundancy goes to a peer that knows RED as it came, but with the router's payload types in front of the blocks; to one that knows Opus alone
// goes the newest block; and when the publisher falls back to plain Opus, both get that. Levels, capture times and playout delays go along, silence is
// left out for those who want none, and what was lost is sent again as it was.
func TestRED(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, knows, plain, spared := b.client(s, "from"), b.client(s, "knows"), b.client(s, "plain"), b.client(s, "spared")
	from.produce(&proto.Produce{
		ProducerID: "p", Kind: proto.Audio,
		RTPParameters: proto.RTPParameters{MID: "a", Codecs: redCodecs(63, 111), HeaderExtensions: redExtensions(), Encodings: []proto.RTPEncodingParameters{{SSRC: 10}}},
		RTPMapping: proto.RTPMapping{
			Codecs:    []proto.CodecMapping{{PayloadType: 63, MappedPayloadType: 101}, {PayloadType: 111, MappedPayloadType: 100}},
			Encodings: []proto.EncodingMapping{{SSRC: 10, MappedSSRC: 1010}},
		},
	})
	routers := redCodecs(101, 100)
	knows.consume(redConsumer("k", 200, false, routers...), from)
	plain.consume(redConsumer("o", 300, false, routers[1]), from)
	spared.consume(redConsumer("s", 400, true, routers...), from)

	level, capture, playout := []byte{0x80 | 37}, []byte{1, 2, 3, 4, 5, 6, 7, 8}, []byte{1, 2, 3}
	got, raw := map[*client][]*pionrtp.Packet{}, map[*client][][]byte{}
	const packets, last = 60, 59 // the last ones are plain Opus
	for n := range packets {
		p := &pionrtp.Packet{Header: pionrtp.Header{
			Version: 2, SSRC: 10, SequenceNumber: uint16(65_530 + n), Timestamp: uint32(n) * 960, PayloadType: 63,
		}, Payload: red(n, 111)}
		if n >= 40 {
			p.PayloadType, p.Payload = 111, block(n)
		}
		with(t, p, levelID, level)
		with(t, p, captureID, capture)
		with(t, p, playoutID, playout)
		from.sendRTP(p)
		for _, c := range []*client{knows, plain, spared} {
			c.collect()
			for _, datagram := range c.inbox {
				if !rtp.IsRTCP(datagram) {
					raw[c] = append(raw[c], bytes.Clone(datagram))
				}
			}
			got[c] = append(got[c], c.readMedia()...)
		}
		b.pass(20 * time.Millisecond)
	}
	for _, c := range []*client{knows, plain, spared} {
		for i, p := range got[c] {
			if !bytes.Equal(p.GetExtension(levelID), level) || !bytes.Equal(p.GetExtension(captureID), capture) || !bytes.Equal(p.GetExtension(playoutID), playout) {
				t.Fatalf("packet %d lost extensions: %v", i, p)
			}
			if p.SequenceNumber != got[c][0].SequenceNumber+uint16(i) {
				t.Fatalf("packet %d has number %d", i, p.SequenceNumber)
			}
		}
	}
	check := func(name string, p *pionrtp.Packet, n int, payloadType uint8, payload []byte) {
		t.Helper()
		if p.PayloadType != payloadType || !bytes.Equal(p.Payload, payload) {
			t.Errorf("%s, packet %d: type %d, %x, want %d, %x", name, n, p.PayloadType, p.Payload, payloadType, payload)
		}
	}
	if len(got[knows]) != packets || len(got[plain]) != packets {
		t.Fatalf("%d and %d packets of %d", len(got[knows]), len(got[plain]), packets)
	}
	for n := range packets {
		if n < 40 {
			check("RED", got[knows][n], n, 101, red(n, 100))
		} else {
			check("RED, then Opus", got[knows][n], n, 100, block(n))
		}
		check("Opus", got[plain][n], n, 100, block(n))
	}
	// With redundancy, silence after speech is kept for the speech in it; behind it comes speech. Without, there are two silences to leave out.
	if len(got[spared]) != packets-2 {
		t.Errorf("%d packets for who wants no silence", len(got[spared]))
	}
	for _, c := range []struct {
		client *client
		ssrc   uint32
	}{{knows, 200}, {plain, 300}} {
		for _, n := range []int{35, last - 1} {
			want := got[c.client][n]
			c.client.sendRTCP(&pionrtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: c.ssrc, Nacks: []pionrtcp.NackPair{{PacketID: want.SequenceNumber}}})
			c.client.collect()
			// A number that was sent may only be sent again bit by bit (RFC 3711 section 9.1), since there is no stream for retransmissions.
			if in := c.client.inbox; len(in) != 1 || !bytes.Equal(in[0], raw[c.client][n]) {
				t.Errorf("asked for packet %d again, got %d others", n, len(in))
			}
			c.client.inbox = nil
		}
	}
}
