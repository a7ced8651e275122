package transport

import (
	"bytes"
	"testing"
	"time"

	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// opusWithNACK makes a producer and a consumer of audio whose peers repair losses by NACK alone, as mediasoup-client has browsers do.
func opusWithNACK(from, to *client) {
	codecs := []proto.RTPCodecParameters{{
		MimeType: "audio/opus", PayloadType: 111, ClockRate: 48000, Channels: 2, RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}},
	}}
	from.produce(&proto.Produce{
		ProducerID: "p", Kind: proto.Audio,
		RTPParameters: proto.RTPParameters{
			MID: "a", Codecs: codecs, HeaderExtensions: allExtensions(),
			Encodings: []proto.RTPEncodingParameters{{SSRC: 10}}, RTCP: proto.RTCPParameters{CNAME: "publisher"},
		},
		RTPMapping: proto.RTPMapping{
			Codecs:    []proto.CodecMapping{{PayloadType: 111, MappedPayloadType: 111}},
			Encodings: []proto.EncodingMapping{{SSRC: 10, MappedSSRC: 1010}},
		},
	})
	to.consume(&proto.Consume{
		ConsumerID: "c", ProducerID: "p", Kind: proto.Audio, Type: proto.Simple,
		RTPParameters: proto.RTPParameters{
			MID: "b", Codecs: codecs, HeaderExtensions: allExtensions(),
			Encodings: []proto.RTPEncodingParameters{{SSRC: 300}}, RTCP: proto.RTCPParameters{CNAME: "publisher"},
		},
		ConsumableRTPEncodings: []proto.RTPEncodingParameters{{SSRC: 1010}},
	}, from)
}

func speech(seq uint16) *pionrtp.Packet {
	return &pionrtp.Packet{
		Header:  pionrtp.Header{SSRC: 10, SequenceNumber: seq, Timestamp: uint32(seq) * 960, PayloadType: 111},
		Payload: bytes.Repeat([]byte{byte(seq)}, 80),
	}
}

// Without RTX a packet is repeated under its own number, with the stamps of the first time although time has passed: bit by bit what was
// lost, so that one index never encrypts two packets (RFC 3711 section 9.1).
func TestRepetitionWithoutRTX(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	opusWithNACK(from, to)
	var lost []byte
	var missing uint16
	for seq := uint16(1); seq <= 20; seq++ {
		from.sendRTP(speech(seq))
		b.now = b.now.Add(20 * time.Millisecond)
		if seq != 10 {
			missing = to.readMedia()[0].SequenceNumber
			continue
		}
		b.collect()
		lost, to.inbox = bytes.Clone(to.inbox[0]), nil
	}
	missing -= 10
	to.sendRTCP(nack(300, missing))
	b.collect()
	if len(to.inbox) != 1 || !bytes.Equal(to.inbox[0], lost) {
		t.Fatalf("the repetition is %x, the lost packet was %x; drops %v", to.inbox, lost, to.w.drops.table())
	}
	got := to.readMedia()[0]
	if got.SequenceNumber != missing || got.SSRC != 300 || !bytes.Equal(got.Payload, speech(10).Payload) {
		t.Errorf("repeated %v", got)
	}
	from.sendRTP(speech(21))
	if next := to.readMedia()[0].GetExtension(ccID); !bytes.Equal(next, []byte{0, 21}) {
		t.Errorf("the next packet has the transport-wide number %x: repetitions have that of the first time", next)
	}
}

// A repetition of what is not kept any more goes nowhere: with other stamps it would be another packet under the same index.
func TestRepetitionOfWhatIsForgotten(t *testing.T) {
	c := sender(t)
	ids := rtp.ExtensionIDs{}
	ids[rtp.ExtAbsSendTime] = absID
	send := func(seq uint16, again bool) int {
		return c.w.SendRTP(c.now, &rtp.Header{SSRC: 5, SequenceNumber: seq, PayloadType: 111, IDs: &ids, Keep: true, Again: again}, []byte("x"))
	}
	c.now = c.now.Add(time.Second) // or the stamps would be 0, by chance
	for seq := uint16(1); seq <= keptStamps+1; seq++ {
		if send(seq, false) == 0 {
			t.Fatalf("packet %d was refused", seq)
		}
	}
	c.readMedia()
	c.now = c.now.Add(time.Second)
	if send(2, true) == 0 || send(1, true) != 0 || c.w.drops[DropProtect] != 1 {
		t.Errorf("drops %v", c.w.drops.table())
	}
}

// What was remembered of a stream goes with its consumer.
func TestStampsGoWithTheConsumer(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	opusWithNACK(from, to)
	from.sendRTP(speech(1))
	if len(to.w.stamps) != 1 {
		t.Fatalf("stamps of %d streams", len(to.w.stamps))
	}
	if err := to.w.CloseConsumer(b.now, "c"); err != nil || len(to.w.stamps) != 0 {
		t.Errorf("stamps of %d streams after the consumer: %v", len(to.w.stamps), err)
	}
}
