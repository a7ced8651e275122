package consumer_test

import (
	"fmt"
	"testing"
	"time"

	"gazpacho/pkg/consumer"
	"gazpacho/pkg/producer"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// slotSink writes every header into a slot, as a transport does, and nothing else.
type slotSink struct {
	slot  [rtp.MaxHeaderSize]byte
	n     int
	again int    // retransmissions among them
	last  uint16 // number
}

func (s *slotSink) SendRTP(_ time.Time, h *rtp.Header, payload []byte) int {
	_, total := h.Put(s.slot[:], rtp.Stamp{TransportCC: uint16(s.n), AbsSendTime: uint32(s.n)})
	s.n++
	if h.IsRTX {
		s.again++
	} else {
		s.last = h.SequenceNumber
	}
	return total + len(payload)
}

type nowhere struct{}

func (nowhere) SendRTCP(time.Time, []byte) {}
func (nowhere) Emit(string, proto.Event)   {}

// fanout is one producer of VP8 with n consumers that write into one sink.
type fanout struct {
	producer  *producer.Producer
	consumers []*consumer.Consumer
	timers    timer.Queue
	sink      slotSink
	packet    rtp.Packet
	raw       []byte
	seq       uint16
	now       time.Time
}

func newFanout(tb testing.TB, simulcast bool, n int) *fanout {
	tb.Helper()
	f := &fanout{now: time.Now()} // of the clock's usual kind: arithmetic on others is slower
	encodings := 1
	if simulcast {
		encodings = 3
	}
	var err *proto.Error
	f.producer, err = producer.New(producer.Config{
		Options: benchProduce(encodings), Timers: &f.timers, Feedback: nowhere{}, Events: nowhere{}, SSRC: 1,
	})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		c, err := consumer.New(consumer.Config{
			Options: benchConsume(i, encodings), Source: f.producer, Sink: &f.sink, Timers: &f.timers, Events: nowhere{},
			Random: func() uint32 { return uint32(i) * 1e6 },
		})
		if err != nil {
			tb.Fatal(err)
		}
		f.producer.AddTap(c)
		f.consumers = append(f.consumers, c)
		c.TransportConnected(f.now)
	}
	f.raw = make([]byte, 1200)
	return f
}

func benchProduce(encodings int) *proto.Produce {
	o := &proto.Produce{ProducerID: "p", Kind: proto.Video, RTPParameters: proto.RTPParameters{
		MID: "0",
		Codecs: []proto.RTPCodecParameters{{
			MimeType: "video/VP8", PayloadType: 96, ClockRate: 90000,
			RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}},
		}},
		HeaderExtensions: []proto.RTPHeaderExtensionParameters{{URI: rtp.ExtMID.String(), ID: 1}, {URI: rtp.ExtVideoOrientation.String(), ID: 8}},
	}, RTPMapping: proto.RTPMapping{Codecs: []proto.CodecMapping{{PayloadType: 96, MappedPayloadType: 101}}}}
	for i := range encodings {
		o.RTPParameters.Encodings = append(o.RTPParameters.Encodings, proto.RTPEncodingParameters{SSRC: uint32(10 + i), ScalabilityMode: "L1T3"})
		o.RTPMapping.Encodings = append(o.RTPMapping.Encodings, proto.EncodingMapping{SSRC: uint32(10 + i), MappedSSRC: uint32(1000 + i)})
	}
	return o
}

func benchConsume(i, encodings int) *proto.Consume {
	o := &proto.Consume{ConsumerID: fmt.Sprint(i), ProducerID: "p", Kind: proto.Video, Type: proto.Simple, RTPParameters: proto.RTPParameters{
		MID: fmt.Sprint(i),
		Codecs: []proto.RTPCodecParameters{
			{MimeType: "video/VP8", PayloadType: 101, ClockRate: 90000, RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}}},
			{MimeType: "video/rtx", PayloadType: 102, ClockRate: 90000, Parameters: proto.CodecParameters{"apt": 101}},
		},
		HeaderExtensions: []proto.RTPHeaderExtensionParameters{
			{URI: rtp.ExtMID.String(), ID: 1},
			{URI: rtp.ExtAbsSendTime.String(), ID: 4},
			{URI: rtp.ExtTransportCC.String(), ID: 5},
			{URI: rtp.ExtVideoOrientation.String(), ID: 8},
		},
		Encodings: []proto.RTPEncodingParameters{{SSRC: uint32(5000 + 2*i), RTX: &proto.RTXEncoding{SSRC: uint32(5001 + 2*i)}, ScalabilityMode: "L1T3"}},
	}}
	if encodings > 1 {
		o.Type = proto.Simulcast
	}
	for i := range encodings {
		o.ConsumableRTPEncodings = append(o.ConsumableRTPEncodings, proto.RTPEncodingParameters{SSRC: uint32(1000 + i)})
	}
	return o
}

// push sends the next packet of VP8 through the producer: 10 packets a picture, temporal layers 0 2 1 2, the first one a key frame.
func (f *fanout) push(tb testing.TB, ssrc uint32) {
	picture := f.seq / 10
	b := f.raw
	b[0], b[1] = 0x80, 96
	b[2], b[3] = byte(f.seq>>8), byte(f.seq)
	timestamp := uint32(picture) * 3000
	b[4], b[5], b[6], b[7] = byte(timestamp>>24), byte(timestamp>>16), byte(timestamp>>8), byte(timestamp)
	b[8], b[9], b[10], b[11] = 0, 0, 0, byte(ssrc)
	tid := [4]byte{0, 2, 1, 2}[picture%4]
	copy(b[12:], []byte{0x80, 0xe0, 0x80 | byte(picture>>8), byte(picture), byte(picture / 4), tid<<6 | 0x20, 1})
	if f.seq%10 == 0 {
		b[12] |= 0x10
	}
	if f.seq == 0 {
		b[18] = 0
	}
	if !f.packet.Parse(b) {
		tb.Fatal("not a packet")
	}
	if v := f.producer.HandleRTP(f.now, &f.packet); v != producer.Media {
		tb.Fatal(v)
	}
	f.seq++
	f.now = f.now.Add(3 * time.Millisecond)
}

func BenchmarkFanout(b *testing.B) {
	for _, bb := range []struct {
		name      string
		simulcast bool
	}{{"simple", false}, {"simulcast", true}} {
		b.Run(bb.name, func(b *testing.B) {
			const consumers = 100
			f := newFanout(b, bb.simulcast, consumers)
			for range 5000 {
				f.push(b, 10)
			}
			sent := f.sink.n
			b.ReportAllocs()
			for b.Loop() {
				f.push(b, 10)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(f.sink.n-sent), "ns/packet")
		})
	}
}
