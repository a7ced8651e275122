package producer

import (
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// both are options of VP8 and H264, each with retransmissions.
func both() *proto.Produce {
	o := produceVideo(single())
	o.RTPParameters.Codecs = append(o.RTPParameters.Codecs,
		proto.RTPCodecParameters{
			MimeType: "video/h264", PayloadType: 98, ClockRate: 90000,
			RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}, {Type: "ccm", Parameter: "fir"}},
		},
		proto.RTPCodecParameters{MimeType: "video/rtx", PayloadType: 99, ClockRate: 90000, Parameters: proto.CodecParameters{"apt": int8(98)}})
	o.RTPMapping.Codecs = append(o.RTPMapping.Codecs, proto.CodecMapping{PayloadType: 98, MappedPayloadType: 103})
	return o
}

// A publisher may change the codec in the middle of a stream: payload type, way to look at it and feedback follow.
func TestCodecChanges(t *testing.T) {
	w := newWorld(t, both())
	r := w.tap("tap")
	sps := []byte{0x67, 0x42, 0, 31}
	slice := []byte{0x61, 0x9a, 1}
	w.must(Media, video(10, 1, keyFrame))
	w.must(Media, packet{ssrc: 10, pt: 98, seq: 2, payload: sps})
	w.must(Media, packet{ssrc: 10, pt: 98, seq: 4, payload: slice})
	w.advance(40 * time.Millisecond)
	w.must(RTX, packet{ssrc: 11, pt: 99, seq: 1, payload: append([]byte{0, 3}, slice...)})
	w.take()
	var types []uint8
	var keys []bool
	for i := range r.packets {
		types, keys = append(types, r.packets[i].PayloadType), append(keys, r.packets[i].Frame.KeyFrame)
	}
	if want := []uint8{101, 103, 103, 103}; string(types) != string(want) {
		t.Errorf("payload types %v, want %v", types, want)
	}
	if !keys[0] || !keys[1] || keys[2] || keys[3] {
		t.Errorf("key frames %v", keys)
	}
	w.producer.RequestKeyFrame(w.now, 1000)
	w.want("rtcp FIR 10 #1")
	if d := w.producer.Dump().RTPStreams[0]; d.Params.MimeType != "video/h264" || d.Params.PayloadType != 98 || d.RTXStream.Params.PayloadType != 99 {
		t.Errorf("%+v", d)
	}
	if s := w.producer.Stats(w.now)[0]; s.MimeType != "video/h264" {
		t.Errorf("%+v", s)
	}
}

// Audio is forwarded without a look for key frames; silence is marked for consumers that leave it out.
func TestAudio(t *testing.T) {
	w := newWorld(t, produceAudio())
	r := w.tap("tap")
	w.must(Media, packet{ssrc: 5, pt: opusType, seq: 1, payload: []byte{0xf8, 1, 2, 3}, extensions: map[uint8]string{levelID: "\x8a"}})
	w.must(Media, packet{ssrc: 5, pt: opusType, seq: 5, payload: []byte{0xf8, 1}})
	w.advance(10 * time.Second)
	if len(r.packets) != 2 || r.packets[0].Frame.DTX || !r.packets[1].Frame.DTX || string(r.packets[0].Extension(rtp.ExtAudioLevel)) != "\x8a" {
		t.Errorf("%+v", r.packets)
	}
	w.want( // what is missing was not negotiated to be asked for, and silence ends no simple stream
		"tap stream 1000", "event producer.score [{EncodingIdx:0 SSRC:5 RID: Score:10}]", "tap score",
		"tap packet 1000 #1 pt 100, 4 bytes", "tap packet 1000 #5 pt 100, 2 bytes",
	)
}

// Audio with NACK asks at once, and keeps packets for a second.
func TestAudioNACK(t *testing.T) {
	o := produceAudio()
	o.RTPParameters.Codecs[0].RTCPFeedback = []proto.RTCPFeedback{{Type: "nack"}}
	w := newWorld(t, o)
	send := func(seq uint16) {
		w.must(Media, packet{ssrc: 5, pt: opusType, seq: seq, payload: []byte{0xf8, 1, 2, 3}})
	}
	send(1)
	w.take()
	send(3)
	w.want("rtcp NACK 5: [2]")
	send(2) // without a retransmission stream, it comes as it is
	if s := w.producer.Stats(w.now)[0]; s.PacketsRepaired != 1 || s.NACKCount != 1 || s.NACKPacketCount != 1 {
		t.Errorf("%+v", s)
	}
	w.advance(audioCacheAge - 1)
	if _, ok := w.producer.Cached(w.now, 1000, 2); !ok {
		t.Error("a packet is forgotten too soon")
	}
	w.advance(1)
	if _, ok := w.producer.Cached(w.now, 1000, 2); ok {
		t.Error("a packet is kept too long")
	}
}

// Payloads that are not looked into are forwarded as they are.
func TestCodecsThatAreNotLookedInto(t *testing.T) {
	for _, mime := range []string{"audio/PCMU", "audio/pcma", "audio/multiopus", "audio/CN", "audio/telephone-event", "audio/SILK"} {
		o := produceAudio()
		o.RTPParameters.Codecs[0].MimeType = mime
		w := newWorld(t, o)
		r := w.tap("tap")
		w.must(Media, packet{ssrc: 5, pt: opusType, seq: 1, payload: []byte{0}})
		if len(r.packets) != 1 || len(r.packets[0].Payload) != 1 {
			t.Errorf("%s: %+v", mime, r.packets)
		}
	}
}

// An encoding may name its codec; by default it is the first.
func TestCodecOfAnEncoding(t *testing.T) {
	o := both()
	pt := uint8(98)
	o.RTPParameters.Encodings[0].CodecPayloadType = &pt
	if got := *newWorld(t, o).producer.Dump().RTPParameters.Encodings[0].CodecPayloadType; got != 98 {
		t.Errorf("codec of the encoding is %d", got)
	}
	o = both()
	o.RTPParameters.Codecs = append(o.RTPParameters.Codecs[1:2:2], o.RTPParameters.Codecs[0]) // RTX first
	o.RTPParameters.Codecs[0].Parameters = proto.CodecParameters{"apt": vp8Type}
	if got := *newWorld(t, o).producer.Dump().RTPParameters.Encodings[0].CodecPayloadType; got != vp8Type {
		t.Errorf("codec of the encoding is %d", got)
	}
}

// What a silent stream kept is given back with the next report.
func TestReportsTrimTheCache(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	for seq := range uint16(500) {
		w.must(Media, video(10, seq, delta))
	}
	report := func() { w.producer.ReceptionReports(w.now, func(rtp.ReportBlock) {}) }
	report()
	if _, ok := w.producer.Cached(w.now, 1000, 499); !ok {
		t.Error("a report took what is fresh")
	}
	w.advance(videoCacheAge)
	report()
	// The ring, the slabs' list and a slab have to be made again.
	empty := w.producer.encodings[0].cache
	w.must(Media, video(10, 501, delta))
	if n := testing.AllocsPerRun(1, func() { c := empty; c.Put(w.now, 1, &rtp.Packet{Raw: make([]byte, 20)}) }); n < 3 {
		t.Errorf("the cache still had its memory: %v allocations", n)
	}
}

// A round trip measured elsewhere on the transport decides how often packets are asked for.
func TestRoundTripTime(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	w.producer.SetRoundTripTime(time.Second) // before the stream: nothing to tell
	w.must(Media, video(10, 1, keyFrame))
	w.producer.SetRoundTripTime(500 * time.Millisecond)
	w.must(Media, video(10, 3, delta))
	w.take()
	w.advance(499 * time.Millisecond)
	w.want("rtcp NACK 10: [2]")
	w.advance(100 * time.Millisecond)
	w.want("rtcp NACK 10: [2]")
	if s := w.producer.Stats(w.now)[0]; s.RoundTripTime != 500 {
		t.Errorf("round trip %v ms", s.RoundTripTime)
	}
}

// Only SSRCs that carry a stream at present are carried.
func TestCarries(t *testing.T) {
	w := newWorld(t, produceVideo(proto.RTPEncodingParameters{}))
	mid := map[uint8]string{midID: "0"}
	w.must(Media, video(50, 1, keyFrame))
	w.must(DropUnasked, packet{ssrc: 60, pt: rtxType, seq: 1, payload: []byte{0, 1, 2}, extensions: mid})
	w.must(Media, video(51, 1, keyFrame))
	for ssrc, want := range map[uint32]bool{50: false, 51: true, 60: true, 61: false} {
		if w.producer.Carries(ssrc) != want {
			t.Errorf("%d is carried: %t", ssrc, !want)
		}
	}
}
