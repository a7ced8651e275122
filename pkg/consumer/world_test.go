package consumer_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/consumer"
	"gazpacho/pkg/producer"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// start is when virtual time begins.
var start = time.Unix(1_700_000_000, 0)

// failer is what tests of all kinds can do.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// world is a publisher of some streams, a producer, and consumers whose packets are taken apart again.
type world struct {
	t         failer
	now       time.Time
	timers    timer.Queue
	media     codec.Kind
	producer  *producer.Producer
	streams   []*publisher
	consumers []*peer
	journal   []string        // what goes to the publisher and up
	wanted    map[uint32]bool // SSRCs that a key frame was asked for of
}

// publisher is one stream as its sender sees it.
type publisher struct {
	ssrc, rtx uint32
	seq       uint16 // next
	rtxSeq    uint16
	base      uint32 // timestamp at start
	picture   uint16
	tl0       uint8
	held      []raw // what was lost on the way
}

// raw is one packet of a publisher.
type raw struct {
	seq       uint16
	timestamp uint32
	marker    bool
	payload   []byte
}

// peer is a consumer and what it sent.
type peer struct {
	*consumer.Consumer
	w    *world
	name string
	ids  rtp.ExtensionIDs
	out  []sent
	all  []uint16 // numbers that were sent, retransmissions with numbers of their own aside
}

// sent is a packet as the peer's receiver sees it.
type sent struct {
	ssrc      uint32
	pt        uint8
	seq       uint16
	timestamp uint32
	marker    bool
	rtx       bool
	size      int // of the payload
	body      byte
	payload   string
	frame     rtp.Frame
}

func (w *world) log(format string, args ...any) {
	w.journal = append(w.journal, fmt.Sprintf(format, args...))
}

// SendRTCP writes down what the publisher is asked for.
func (w *world) SendRTCP(_ time.Time, packet []byte) {
	compound, ok := rtp.ParseRTCP(packet)
	if !ok {
		w.t.Fatalf("malformed feedback %x", packet)
	}
	var p rtp.RTCP
	for compound.Next(&p) {
		w.log("publisher: %v %d", p.Kind, p.MediaSSRC())
		if p.Kind == rtp.PLI {
			w.wanted[p.MediaSSRC()] = true
		}
	}
}

// Emit writes down events of consumers.
func (w *world) Emit(target string, e proto.Event) {
	switch body := e.Body.(type) {
	case proto.LayersChange:
		if body.Layers == nil {
			w.log("%s: no layers", target)
		} else {
			w.log("%s: layers %d.%d", target, body.Layers.SpatialLayer, *body.Layers.TemporalLayer)
		}
	case proto.ConsumerScore:
		w.log("%s: score %d, producer %d of %v", target, body.Score, body.ProducerScore, body.ProducerScores)
	case nil:
		w.log("%s: %s", target, e.Name)
	case proto.ProducerScore:
	default:
		w.log("%s: %s %+v", target, e.Name, body)
	}
}

// SendRTP puts a packet together and takes it apart again, as the receiver would.
func (p *peer) SendRTP(_ time.Time, h *rtp.Header, payload []byte) int {
	slot := make([]byte, rtp.MaxHeaderSize+rtp.MaxPacketSize)
	_, n := h.PutPacket(slot, payload, rtp.Stamp{})
	var q rtp.Packet
	if !q.Parse(slot[:n]) {
		p.w.t.Fatalf("%s sent no packet: %x", p.name, slot[:n])
	}
	q.Resolve(&p.ids)
	if got := string(q.Extension(rtp.ExtMID)); got != "m"+p.name {
		p.w.t.Errorf("%s sent MID %q", p.name, got)
	}
	if keep := !h.IsRTX && p.RTXSSRC() == 0; h.Keep != keep {
		p.w.t.Errorf("%s: #%d is to be kept: %t", p.name, q.SequenceNumber, h.Keep)
	}
	if !h.IsRTX && !h.Again && slices.Contains(p.all, q.SequenceNumber) {
		p.w.t.Errorf("%s: #%d is sent twice, and not said to be", p.name, q.SequenceNumber)
	}
	if !h.IsRTX {
		p.all = append(p.all, q.SequenceNumber)
	}
	s := sent{ssrc: q.SSRC, pt: q.PayloadType, seq: q.SequenceNumber, timestamp: q.Timestamp, marker: q.Marker, rtx: h.IsRTX}
	body := q.Payload
	if s.rtx {
		s.seq = binary.BigEndian.Uint16(body)
		body = body[2:]
	}
	s.size = len(body)
	if s.size > 0 {
		if !p.w.media.Inspect(body, &s.frame) {
			p.w.t.Fatalf("%s sent an unreadable payload %x", p.name, body)
		}
		s.body, s.payload = body[len(body)-1], string(body)
	}
	p.out = append(p.out, s)
	return n
}

// newWorld makes a producer of one or, by SSRC, several streams.
func newWorld(t failer, media codec.Kind, streams int) *world {
	return newWorldWith(t, media, streams, nil)
}

// newWorldWith makes one whose feedback goes elsewhere.
func newWorldWith(t failer, media codec.Kind, streams int, feedback producer.Feedback) *world {
	w := &world{t: t, now: start, media: media, wanted: map[uint32]bool{}}
	o := &proto.Produce{ProducerID: "p", Kind: proto.Video, RTPParameters: proto.RTPParameters{
		Codecs: []proto.RTPCodecParameters{
			{MimeType: media.String(), PayloadType: 96, ClockRate: 90000, RTCPFeedback: []proto.RTCPFeedback{
				{Type: "nack"}, {Type: "nack", Parameter: "pli"},
			}},
		},
		HeaderExtensions: []proto.RTPHeaderExtensionParameters{
			{URI: rtp.ExtMID.String(), ID: 1}, {URI: rtp.ExtVideoOrientation.String(), ID: 8},
		},
		MID: "0",
	}, RTPMapping: proto.RTPMapping{Codecs: []proto.CodecMapping{{PayloadType: 96, MappedPayloadType: 101}}}}
	if media == codec.Opus {
		o.Kind = proto.Audio
		o.RTPParameters.Codecs[0].ClockRate = 48000
	} else {
		o.RTPParameters.Codecs = append(o.RTPParameters.Codecs, proto.RTPCodecParameters{
			MimeType: "video/rtx", PayloadType: 97, ClockRate: 90000, Parameters: proto.CodecParameters{"apt": 96},
		})
	}
	for i := range streams {
		p := &publisher{
			ssrc: uint32(10 * (i + 1)), rtx: uint32(10*(i+1) + 1), seq: uint16(65530 + 1000*i), base: uint32(1_000_000 * (i + 1)),
			picture: uint16(32760 + 500*i), tl0: uint8(250 + 9*i),
		}
		e := proto.RTPEncodingParameters{}
		if streams > 1 {
			e = proto.RTPEncodingParameters{SSRC: p.ssrc, RTX: &proto.RTXEncoding{SSRC: p.rtx}, ScalabilityMode: "L1T3"}
		}
		o.RTPParameters.Encodings = append(o.RTPParameters.Encodings, e)
		o.RTPMapping.Encodings = append(o.RTPMapping.Encodings, proto.EncodingMapping{SSRC: e.SSRC, MappedSSRC: uint32(1000 + i)})
		w.streams = append(w.streams, p)
	}
	if feedback == nil {
		feedback = w
	}
	var err *proto.Error
	w.producer, err = producer.New(producer.Config{Options: o, Timers: &w.timers, Feedback: feedback, Events: w, SSRC: 1})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return w
}

// options are those of a consumer of everything.
func (w *world) options(name string) *proto.Consume {
	n := uint32(len(w.consumers))
	o := &proto.Consume{ConsumerID: name, ProducerID: "p", Kind: w.producer.Kind(), Type: w.producer.Type(), RTPParameters: proto.RTPParameters{
		MID: "m" + name,
		Codecs: []proto.RTPCodecParameters{{
			MimeType: w.media.String(), PayloadType: 101,
			ClockRate: w.producer.Parameters().Codecs[0].ClockRate, RTCPFeedback: []proto.RTCPFeedback{
				{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"},
			},
		}},
		HeaderExtensions: []proto.RTPHeaderExtensionParameters{
			{URI: rtp.ExtMID.String(), ID: 1}, {URI: rtp.ExtTransportCC.String(), ID: 5}, {URI: rtp.ExtVideoOrientation.String(), ID: 8},
		},
		Encodings: []proto.RTPEncodingParameters{{SSRC: 5000 + 2*n}},
		RTCP:      proto.RTCPParameters{CNAME: "cname"},
	}}
	if w.producer.Kind() == proto.Video {
		o.RTPParameters.Codecs = append(o.RTPParameters.Codecs, proto.RTPCodecParameters{
			MimeType: "video/rtx", PayloadType: 102, ClockRate: 90000, Parameters: proto.CodecParameters{"apt": 101},
		})
		o.RTPParameters.Encodings[0].RTX = &proto.RTXEncoding{SSRC: 5001 + 2*n}
		o.RTPParameters.Encodings[0].ScalabilityMode = fmt.Sprintf("L%dT3", len(w.streams))
	}
	for i := range w.streams {
		o.ConsumableRTPEncodings = append(o.ConsumableRTPEncodings, proto.RTPEncodingParameters{SSRC: uint32(1000 + i)})
	}
	return o
}

// consume adds a consumer whose first sequence number is 1000.
func (w *world) consume(o *proto.Consume) *peer { return w.consumeWith(o, nil) }

// consumeWith adds one whose demand is told.
func (w *world) consumeWith(o *proto.Consume, demand func(now time.Time, atOnce bool)) *peer {
	p := &peer{w: w, name: o.ConsumerID, ids: rtp.ExtensionIDs{rtp.ExtMID: 1, rtp.ExtTransportCC: 5, rtp.ExtVideoOrientation: 8}}
	c, err := consumer.New(consumer.Config{
		Options: o, Source: w.producer, Sink: p, Timers: &w.timers, Events: w, Random: func() uint32 { return 0 },
		ProducerPaused: w.producer.Paused(), Demand: demand,
		ProducerClosed: func(_ time.Time, c *consumer.Consumer) { w.log("%s is gone", c.ID()) },
	})
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	p.Consumer = c
	w.consumers = append(w.consumers, p)
	w.producer.AddTap(c)
	return p
}

// advance lets time pass, timers included.
func (w *world) advance(d time.Duration) {
	until := w.now.Add(d)
	for next := w.timers.Next(); !next.IsZero() && !next.After(until); next = w.timers.Next() {
		w.now = next
		w.timers.Advance(next)
	}
	w.now = until
}

// timestamp is what the stream's clock showed a while ago.
func (w *world) timestamp(s *publisher, age time.Duration) uint32 {
	rate := int64(w.producer.Parameters().Codecs[0].ClockRate)
	return s.base + uint32(int64(w.now.Sub(start)-age)*rate/int64(time.Second))
}

// picture is what to send of a stream.
type picture struct {
	key     bool
	packets int
	tid     uint8
	sync    bool
	dtx     bool
	age     time.Duration // since it was captured
	lose    map[int]bool
}

// make makes the packets of one picture, or frame of audio.
func (w *world) make(s *publisher, v picture) []raw {
	if v.tid == 0 {
		s.tl0++
	}
	var list []raw
	for i := range v.packets {
		r := raw{seq: s.seq, timestamp: w.timestamp(s, v.age), marker: i == v.packets-1}
		switch w.media {
		case codec.VP8:
			descriptor := []byte{0x80, 0xe0, 0x80 | byte(s.picture>>8&0x7f), byte(s.picture), s.tl0, v.tid << 6, 1}
			if i == 0 {
				descriptor[0] |= 0x10
				if v.key {
					descriptor[6] = 0
				}
			}
			if v.sync {
				descriptor[5] |= 0x20
			}
			r.payload = append(descriptor, 1, 2, byte(s.seq))
		case codec.H264:
			nal := byte(0x61)
			if v.key && i == 0 {
				nal = 0x67
			}
			r.payload = []byte{nal, 0x9a, byte(s.seq)}
		default:
			r.payload = []byte{0xf8, 1, 2, byte(s.seq)}
			if v.dtx {
				r.payload = []byte{0xf8, byte(s.seq)}
			}
		}
		s.seq++
		list = append(list, r)
	}
	s.picture++
	return list
}

// send sends a picture; what is to be lost is held.
func (w *world) send(stream int, v picture) {
	s := w.streams[stream]
	for i, r := range w.make(s, v) {
		if v.lose[i] {
			s.held = append(s.held, r)
			continue
		}
		w.give(s, r)
	}
}

// give hands a packet to the producer and spoils view and buffer afterwards, to catch who keeps them.
func (w *world) give(s *publisher, r raw) producer.Verdict {
	b := []byte{0x80, 96, byte(r.seq >> 8), byte(r.seq)}
	if r.marker {
		b[1] |= 0x80
	}
	b = binary.BigEndian.AppendUint32(b, r.timestamp)
	b = binary.BigEndian.AppendUint32(b, s.ssrc)
	return w.hand(append(b, r.payload...))
}

// repair sends a packet on the stream's retransmission stream.
func (w *world) repair(s *publisher, r raw) producer.Verdict {
	s.rtxSeq++
	b := []byte{0x80, 97, byte(s.rtxSeq >> 8), byte(s.rtxSeq)}
	if r.marker {
		b[1] |= 0x80
	}
	b = binary.BigEndian.AppendUint32(b, r.timestamp)
	b = binary.BigEndian.AppendUint32(b, s.rtx)
	return w.hand(append(append(b, byte(r.seq>>8), byte(r.seq)), r.payload...))
}

func (w *world) hand(b []byte) producer.Verdict {
	var view rtp.Packet
	if !view.Parse(b) {
		w.t.Fatalf("%x is no packet", b)
	}
	v := w.producer.HandleRTP(w.now, &view)
	view = rtp.Packet{}
	for i := range b {
		b[i] = 0xa5
	}
	return v
}

// restart makes the publisher of a stream begin anew, under another SSRC if none was announced.
func (w *world) restart(stream int) {
	s := w.streams[stream]
	if len(w.streams) == 1 {
		s.ssrc += 5
	}
	s.seq += 20000
	s.base += 50_000_000
}

// report sends a sender report of a stream. All streams share the publisher's clock, an hour ahead of ours.
func (w *world) report(stream int) {
	s := w.streams[stream]
	w.producer.HandleSenderReport(w.now, rtp.SenderInfo{SSRC: s.ssrc, NTP: rtp.NTP(w.now.Add(time.Hour)), Timestamp: w.timestamp(s, 0)})
}

// nack makes a NACK as a peer sends it.
func nack(t failer, ssrc uint32, sequences ...uint16) *rtp.RTCP {
	var w rtp.RTCPWriter
	w.Reset(make([]byte, 1500))
	w.NACK(2, ssrc, sequences)
	compound, ok := rtp.ParseRTCP(w.Bytes())
	var p rtp.RTCP
	if !ok || !compound.Next(&p) {
		t.Fatalf("no NACK of %v", sequences)
	}
	return &p
}

var (
	_ producer.Feedback = (*world)(nil)
	_ producer.Tap      = (*consumer.Consumer)(nil)
	_ consumer.Source   = (*producer.Producer)(nil)
	_ consumer.Sink     = (*peer)(nil)
)
