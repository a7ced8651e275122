package producer

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// start is when virtual time begins.
var start = time.Unix(1_700_000_000, 0)

// Payload types and extension ids of the publisher in tests.
const (
	vp8Type, rtxType, opusType = 96, 97, 111
	midID, ridID, rridID       = 1, 2, 3
	levelID, orientationID     = 6, 8
)

// world is a producer, what surrounds it, and a journal of all it does.
type world struct {
	t        testing.TB
	now      time.Time
	timers   timer.Queue
	producer *Producer
	journal  []string
}

func (w *world) log(format string, args ...any) {
	w.journal = append(w.journal, fmt.Sprintf(format, args...))
}

// take returns the journal and begins a new one.
func (w *world) take() []string {
	j := w.journal
	w.journal = nil
	return j
}

// want compares the journal since the last call.
func (w *world) want(lines ...string) {
	w.t.Helper()
	if got := w.take(); !slices.Equal(got, lines) {
		w.t.Errorf("happened:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(lines, "\n\t"))
	}
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

// SendRTCP writes down what the publisher is asked for.
func (w *world) SendRTCP(_ time.Time, packet []byte) {
	compound, ok := rtp.ParseRTCP(packet)
	if !ok {
		w.t.Errorf("malformed feedback %x", packet)
	}
	var text []string
	var p rtp.RTCP
	for compound.Next(&p) {
		if p.SenderSSRC() != 1 {
			w.t.Errorf("feedback comes from %d", p.SenderSSRC())
		}
		switch p.Kind {
		case rtp.FIR:
			text = append(text, fmt.Sprintf("FIR %d #%d", p.FIREntry(0).SSRC, p.FIREntry(0).SequenceNumber))
		case rtp.NACK:
			line := fmt.Sprintf("NACK %d:", p.MediaSSRC())
			var room [17]uint16
			for i := range p.NACKPairs() {
				line += fmt.Sprint(" ", p.NACKPair(i).Sequences(&room))
			}
			text = append(text, line)
		default:
			text = append(text, fmt.Sprintf("%v %d", p.Kind, p.MediaSSRC()))
		}
	}
	w.log("rtcp %s", strings.Join(text, ", "))
}

// Emit writes down events.
func (w *world) Emit(target string, e proto.Event) {
	if target != w.producer.ID() {
		w.t.Errorf("event of %q", target)
	}
	w.log("event %s %+v", e.Name, e.Body)
}

// recorder is a tap that writes down what it is told and keeps copies of the packets.
type recorder struct {
	w       *world
	name    string
	packets []rtp.Packet
	on      func() // called for each packet, if set
}

func (r *recorder) ProducerPacket(_ time.Time, p *rtp.Packet) {
	var q rtp.Packet
	p.CopyTo(&q, make([]byte, len(p.Raw)))
	r.packets = append(r.packets, q)
	r.w.log("%s packet %d #%d pt %d, %d bytes", r.name, p.SSRC, p.SequenceNumber, p.PayloadType, len(p.Payload))
	if r.on != nil {
		r.on()
	}
}

func (r *recorder) ProducerStream(_ time.Time, ssrc uint32) { r.w.log("%s stream %d", r.name, ssrc) }
func (r *recorder) ProducerScore(time.Time)                 { r.w.log("%s score", r.name) }
func (r *recorder) ProducerPaused(time.Time)                { r.w.log("%s paused", r.name) }
func (r *recorder) ProducerResumed(time.Time)               { r.w.log("%s resumed", r.name) }
func (r *recorder) ProducerClosed(time.Time)                { r.w.log("%s closed", r.name) }

// newWorld makes a producer without taps. Its creation leaves nothing in the journal.
func newWorld(t testing.TB, o *proto.Produce) *world {
	t.Helper()
	w := &world{t: t, now: start}
	p, err := New(Config{Options: o, Timers: &w.timers, Feedback: w, Events: w, SSRC: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.producer = p
	return w
}

func (w *world) tap(name string) *recorder {
	r := &recorder{w: w, name: name}
	w.producer.AddTap(r)
	return r
}

// packet is an RTP packet in the making.
type packet struct {
	ssrc       uint32
	pt         uint8
	seq        uint16
	timestamp  uint32
	extensions map[uint8]string
	payload    []byte
	padding    int
}

func (p packet) bytes() []byte {
	b := []byte{0x80, p.pt, byte(p.seq >> 8), byte(p.seq)}
	b = binary.BigEndian.AppendUint32(b, p.timestamp)
	b = binary.BigEndian.AppendUint32(b, p.ssrc)
	if len(p.extensions) > 0 {
		b[0] |= 0x10
		var x []byte
		two := false // whether the two-byte form is needed (RFC 8285 section 4.3)
		for _, v := range p.extensions {
			two = two || len(v) > 16
		}
		for id, v := range p.extensions {
			if two {
				x = append(append(x, id, byte(len(v))), v...)
			} else {
				x = append(append(x, id<<4|byte(len(v)-1)), v...)
			}
		}
		for len(x)%4 != 0 {
			x = append(x, 0)
		}
		if two {
			b = append(b, 0x10, 0, 0, byte(len(x)/4))
		} else {
			b = append(b, 0xbe, 0xde, 0, byte(len(x)/4))
		}
		b = append(b, x...)
	}
	b = append(b, p.payload...)
	if p.padding > 0 {
		b[0] |= 0x20
		b = append(b, make([]byte, p.padding)...)
		b[len(b)-1] = byte(p.padding)
	}
	return b
}

// Payloads of VP8: a key frame's first packet, and one of another frame.
var (
	keyFrame = []byte{0x10, 0x00, 1, 2, 3}
	delta    = []byte{0x10, 0x01, 1, 2, 3}
)

// video is the next packet of a stream.
func video(ssrc uint32, seq uint16, payload []byte) packet {
	return packet{ssrc: ssrc, pt: vp8Type, seq: seq, timestamp: uint32(seq) * 3000, payload: payload}
}

// give hands a packet to the producer and spoils view and buffer afterwards, to catch who keeps them.
func (w *world) give(p packet) Verdict {
	w.t.Helper()
	raw := p.bytes()
	var view rtp.Packet
	if !view.Parse(raw) {
		w.t.Fatalf("%x is no packet", raw)
	}
	v := w.producer.HandleRTP(w.now, &view)
	view = rtp.Packet{}
	for i := range raw {
		raw[i] = 0xa5
	}
	return v
}

func (w *world) must(want Verdict, p packet) {
	w.t.Helper()
	if got := w.give(p); got != want {
		w.t.Errorf("#%d of %d: %v, want %v", p.seq, p.ssrc, got, want)
	}
}

// produceVideo makes options of VP8 with RTX, mapped to payload type 101 and SSRCs from 1000.
func produceVideo(encodings ...proto.RTPEncodingParameters) *proto.Produce {
	o := &proto.Produce{ProducerID: "p1", Kind: proto.Video, RTPParameters: proto.RTPParameters{
		MID: "0",
		Codecs: []proto.RTPCodecParameters{
			{MimeType: "video/VP8", PayloadType: vp8Type, ClockRate: 90000, RTCPFeedback: []proto.RTCPFeedback{
				{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"},
			}},
			{MimeType: "video/rtx", PayloadType: rtxType, ClockRate: 90000, Parameters: proto.CodecParameters{"apt": vp8Type}},
		},
		HeaderExtensions: []proto.RTPHeaderExtensionParameters{
			{URI: rtp.ExtMID.String(), ID: midID},
			{URI: rtp.ExtRID.String(), ID: ridID},
			{URI: rtp.ExtRepairedRID.String(), ID: rridID},
			{URI: rtp.ExtVideoOrientation.String(), ID: orientationID},
		},
		Encodings: encodings,
		RTCP:      proto.RTCPParameters{CNAME: "cname"},
	}, RTPMapping: proto.RTPMapping{Codecs: []proto.CodecMapping{{PayloadType: vp8Type, MappedPayloadType: 101}}}}
	for i, e := range encodings {
		o.RTPMapping.Encodings = append(o.RTPMapping.Encodings, proto.EncodingMapping{RID: e.RID, SSRC: e.SSRC, MappedSSRC: uint32(1000 + i)})
	}
	return o
}

// single is the usual encoding of one stream.
func single() proto.RTPEncodingParameters {
	return proto.RTPEncodingParameters{SSRC: 10, RTX: &proto.RTXEncoding{SSRC: 11}}
}

// rids are the encodings of simulcast as browsers announce it.
func rids() []proto.RTPEncodingParameters {
	return []proto.RTPEncodingParameters{
		{RID: "r0", ScalabilityMode: "L1T3"}, {RID: "r1", ScalabilityMode: "L1T3"}, {RID: "r2", ScalabilityMode: "L1T3"},
	}
}

func produceAudio() *proto.Produce {
	return &proto.Produce{ProducerID: "p1", Kind: proto.Audio, RTPParameters: proto.RTPParameters{
		MID: "0",
		Codecs: []proto.RTPCodecParameters{{
			MimeType: "audio/opus", PayloadType: opusType, ClockRate: 48000, Channels: 2,
			Parameters: proto.CodecParameters{"useinbandfec": 1.0, "usedtx": 1.0},
		}},
		HeaderExtensions: []proto.RTPHeaderExtensionParameters{{URI: rtp.ExtAudioLevel.String(), ID: levelID}},
		Encodings:        []proto.RTPEncodingParameters{{}},
	}, RTPMapping: proto.RTPMapping{
		Codecs:    []proto.CodecMapping{{PayloadType: opusType, MappedPayloadType: 100}},
		Encodings: []proto.EncodingMapping{{MappedSSRC: 1000}},
	}}
}

var (
	_ Feedback = (*world)(nil)
	_ Events   = (*world)(nil)
	_ Tap      = (*recorder)(nil)
)
