package producer

import (
	"encoding/binary"
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/proto"
	"pgregory.net/rapid"
)

func TestForwardsUnderMappedNames(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	r := w.tap("tap")
	w.must(Media, packet{ssrc: 10, pt: vp8Type, seq: 7, timestamp: 3000, payload: keyFrame, extensions: map[uint8]string{orientationID: "\x09"}})
	w.want(
		"tap stream 1000",
		"event producer.score [{EncodingIdx:0 SSRC:10 RID: Score:10}]",
		"tap score",
		"event producer.videoOrientationChange {Camera:true Flip:false Rotation:90}",
		"tap packet 1000 #7 pt 101, 5 bytes",
	)
	p := &r.packets[0]
	if !p.Frame.KeyFrame || p.Timestamp != 3000 || string(p.Extension(rtp.ExtVideoOrientation)) != "\x09" {
		t.Errorf("%+v", p)
	}
	// The same orientation is no news; another one is.
	w.must(Media, packet{ssrc: 10, pt: vp8Type, seq: 8, payload: delta, extensions: map[uint8]string{orientationID: "\x09"}})
	w.must(Media, packet{ssrc: 10, pt: vp8Type, seq: 9, payload: delta, extensions: map[uint8]string{orientationID: "\x07"}})
	w.want(
		"tap packet 1000 #8 pt 101, 5 bytes",
		"event producer.videoOrientationChange {Camera:false Flip:true Rotation:270}",
		"tap packet 1000 #9 pt 101, 5 bytes",
	)
	cached, ok := w.producer.Cached(w.now, 1000, 7)
	if !ok || cached.SSRC != 1000 || string(cached.Payload) != string(keyFrame) {
		t.Errorf("cached %+v, %t", cached, ok)
	}
	if _, ok := w.producer.Cached(w.now, 1001, 7); ok {
		t.Error("another stream has the packet")
	}
	if w.producer.Stream(1000) == nil || w.producer.Stream(1001) != nil {
		t.Error("streams are not those that were seen")
	}
}

func TestVerdicts(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	w.tap("tap")
	w.must(DropPayloadType, packet{ssrc: 10, pt: 50, seq: 1, payload: delta})
	w.must(DropStream, video(12, 1, delta))
	w.must(DropStream, video(0, 1, delta))
	w.must(DropUnasked, packet{ssrc: 11, pt: rtxType, seq: 1, payload: []byte{0, 1, 0x10, 0}}) // before any media
	w.must(Media, video(10, 1, keyFrame))
	w.must(DropDuplicate, video(10, 1, keyFrame))
	w.must(DropSequence, video(10, 30000, keyFrame))
	if s := w.producer.Stats(w.now)[0]; s.PacketsDiscarded != 2 {
		t.Errorf("%d packets discarded, want 2", s.PacketsDiscarded)
	}
	w.must(DropPayload, video(10, 2, []byte{0x80}))
	w.must(Padding, packet{ssrc: 10, pt: vp8Type, seq: 3, padding: 20})
	w.must(Padding, packet{ssrc: 11, pt: rtxType, seq: 1, padding: 20})
	w.must(DropUnasked, packet{ssrc: 11, pt: rtxType, seq: 2, payload: []byte{0, 1, 0x10, 0}})
	// Packets without a usable payload go to the taps empty: their numbers must not look lost.
	w.want(
		"tap stream 1000", "event producer.score [{EncodingIdx:0 SSRC:10 RID: Score:10}]", "tap score",
		"tap packet 1000 #1 pt 101, 5 bytes", "tap packet 1000 #2 pt 101, 0 bytes", "tap packet 1000 #3 pt 101, 0 bytes",
	)
	w.producer.Pause(w.now)
	w.must(Paused, video(10, 4, delta))
	w.producer.Close(w.now)
	w.must(DropClosed, video(10, 5, delta))
	s := Verdict(NumVerdicts)
	if s.String() != "unknown" || DropSequence.String() != "producerSequence" {
		t.Errorf("%q, %q", s, DropSequence)
	}
	for v := range NumVerdicts {
		if v.Forwarded() != (v == Media || v == RTX) || v.Accepted() == (v == DropStream || v == DropPayloadType || v == DropClosed) {
			t.Errorf("%v: forwarded %t, accepted %t", v, v.Forwarded(), v.Accepted())
		}
	}
}

// "Retransmission packets MUST contain the original sequence number in the first two octets of the payload" (RFC 4588 section 4).
func TestRetransmissionsAreUnwrapped(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	r := w.tap("tap")
	w.must(Media, video(10, 65534, keyFrame))
	w.must(Media, video(10, 1, delta)) // 65535 and 0 are missing
	w.advance(40 * time.Millisecond)
	w.take()
	w.must(RTX, packet{ssrc: 11, pt: rtxType, seq: 500, timestamp: 99, payload: append([]byte{0xff, 0xff}, delta...), padding: 3})
	w.want("tap packet 1000 #65535 pt 101, 5 bytes")
	if p := r.packets[2]; p.Timestamp != 99 || string(p.Payload) != string(delta) {
		t.Errorf("%+v", p)
	}
	if q, ok := w.producer.Cached(w.now, 1000, 65535); !ok || string(q.Payload) != string(delta) {
		t.Error("the repaired packet is not cached")
	}
	w.must(DropUnasked, packet{ssrc: 11, pt: rtxType, seq: 501, payload: append([]byte{0xff, 0xff}, delta...)})
	// A retransmission of padding repairs a number, too.
	w.must(Padding, packet{ssrc: 11, pt: rtxType, seq: 502, payload: []byte{0, 0}})
	w.want("tap packet 1000 #0 pt 101, 0 bytes")
}

func TestLossIsAskedFor(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	w.must(Media, video(10, 1, keyFrame))
	w.must(Media, video(10, 4, delta))
	w.must(Media, video(10, 30, delta))
	w.take()
	w.advance(40 * time.Millisecond)
	w.want("rtcp NACK 10: [2 3 5 6 7 8 9 10 11 12 13 14 15 16 17 18] [19 20 21 22 23 24 25 26 27 28 29]")
	// Many losses take several packets, each within a datagram.
	w.must(Media, video(10, 831, delta))
	w.advance(40 * time.Millisecond)
	if got := len(w.take()); got != 4 {
		t.Errorf("%d NACKs for 800 packets, want 4", got)
	}
	// And too many a key frame.
	w.must(Media, video(10, 2000, delta))
	w.want("rtcp PLI 10")
}

func TestStreamsAreLearned(t *testing.T) {
	mid := map[uint8]string{midID: "0"}
	rid := func(id uint8, rid string) map[uint8]string { return map[uint8]string{midID: "0", id: rid} }
	tests := []struct {
		name    string
		options *proto.Produce
		packets []packet
		want    []Verdict
		streams map[uint32]uint32 // mapped to the publisher's
	}{
		{"by MID", produceVideo(proto.RTPEncodingParameters{}), []packet{
			{ssrc: 77, pt: vp8Type, seq: 1, payload: keyFrame, extensions: mid},
			{ssrc: 77, pt: vp8Type, seq: 3, payload: delta},
			{ssrc: 78, pt: rtxType, seq: 9, payload: append([]byte{0, 2}, delta...), extensions: mid},
		}, []Verdict{Media, Media, RTX}, map[uint32]uint32{1000: 77}},
		{"by RID", produceVideo(rids()...), []packet{
			{ssrc: 70, pt: vp8Type, seq: 1, payload: keyFrame, extensions: rid(ridID, "r2")},
			{ssrc: 72, pt: vp8Type, seq: 1, payload: keyFrame, extensions: rid(ridID, "r0")},
			{ssrc: 74, pt: vp8Type, seq: 1, payload: keyFrame, extensions: rid(ridID, "r3")},
			{ssrc: 74, pt: vp8Type, seq: 1, payload: keyFrame, extensions: mid},
			{ssrc: 70, pt: vp8Type, seq: 3, payload: delta},
			{ssrc: 71, pt: rtxType, seq: 9, payload: append([]byte{0, 2}, delta...), extensions: rid(rridID, "r2")},
			{ssrc: 73, pt: rtxType, seq: 9, payload: append([]byte{0, 2}, delta...), extensions: rid(ridID, "r0")},
			{ssrc: 75, pt: rtxType, seq: 9, payload: append([]byte{0, 2}, delta...)},
		}, []Verdict{Media, Media, DropStream, DropStream, Media, RTX, DropUnasked, DropStream}, map[uint32]uint32{1000: 72, 1002: 70}},
		{"a single RID that is not said", produceVideo(proto.RTPEncodingParameters{RID: "hi"}), []packet{
			{ssrc: 70, pt: vp8Type, seq: 1, payload: keyFrame, extensions: mid},
			{ssrc: 71, pt: vp8Type, seq: 1, payload: keyFrame, extensions: rid(ridID, "lo")},
		}, []Verdict{Media, DropStream}, map[uint32]uint32{1000: 70}},
		{"announced SSRCs do not change", produceVideo(single()), []packet{
			{ssrc: 10, pt: vp8Type, seq: 1, payload: keyFrame, extensions: mid},
			{ssrc: 77, pt: vp8Type, seq: 1, payload: keyFrame, extensions: mid},
			{ssrc: 78, pt: rtxType, seq: 1, payload: append([]byte{0, 2}, delta...), extensions: mid},
		}, []Verdict{Media, DropStream, DropStream}, map[uint32]uint32{1000: 10}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.options)
			for i, p := range tt.packets {
				if got := w.give(p); got != tt.want[i] {
					t.Errorf("packet %d: %v, want %v", i, got, tt.want[i])
				}
			}
			dump := w.producer.Dump()
			if len(dump.RTPStreams) != len(tt.streams) {
				t.Errorf("%d streams, want %d", len(dump.RTPStreams), len(tt.streams))
			}
			for mapped, ssrc := range tt.streams {
				if stats, ok := w.producer.StreamStats(w.now, mapped); !ok || stats.SSRC != ssrc {
					t.Errorf("stream %d is %d, want %d", mapped, stats.SSRC, ssrc)
				}
			}
		})
	}
}

// A publisher that replaces its track may begin anew under another SSRC. Stragglers of the old one must not take the stream back.
func TestStreamIsReplaced(t *testing.T) {
	w := newWorld(t, produceVideo(proto.RTPEncodingParameters{}))
	w.tap("tap")
	w.must(Media, video(50, 100, keyFrame))
	w.must(Media, video(51, 9, keyFrame))
	w.want(
		"tap stream 1000", "event producer.score [{EncodingIdx:0 SSRC:50 RID: Score:10}]", "tap score", "tap packet 1000 #100 pt 101, 5 bytes",
		"tap stream 1000", "event producer.score [{EncodingIdx:0 SSRC:51 RID: Score:10}]", "tap score", "tap packet 1000 #9 pt 101, 5 bytes",
	)
	if _, ok := w.producer.Cached(w.now, 1000, 100); ok {
		t.Error("packets of the stream before are cached")
	}
	w.must(DropStream, video(50, 101, delta))
	w.advance(formerGrace)
	w.must(Media, video(50, 200, keyFrame))
	w.take()
	// A restart under the same SSRC is told to the taps as well.
	w.must(DropSequence, video(50, 40000, delta))
	w.must(Media, video(50, 40001, delta))
	w.want("tap stream 1000", "tap packet 1000 #40001 pt 101, 5 bytes")
	if w.timers.Len() != 0 {
		t.Errorf("%d timers of former streams", w.timers.Len())
	}
}

func TestPause(t *testing.T) {
	w := newWorld(t, produceVideo(rids()...))
	w.tap("tap")
	rid := map[uint8]string{ridID: "r0"}
	w.must(Media, packet{ssrc: 50, pt: vp8Type, seq: 1, payload: keyFrame, extensions: rid})
	w.take()
	w.producer.Pause(w.now)
	w.producer.Pause(w.now)
	w.want("tap paused")
	w.must(Paused, video(50, 5, delta)) // counted, but what is missing is not asked for
	w.must(Paused, packet{ssrc: 60, pt: vp8Type, seq: 1, payload: keyFrame, extensions: map[uint8]string{ridID: "r1"}})
	w.want("tap stream 1001", "event producer.score [{EncodingIdx:0 SSRC:50 RID:r0 Score:10} {EncodingIdx:1 SSRC:60 RID:r1 Score:10}]", "tap score")
	w.producer.RequestKeyFrame(w.now, 1000)
	w.advance(10 * time.Second) // nor is it expected to go on
	w.want()
	if s, _ := w.producer.StreamStats(w.now, 1000); s.PacketCount != 2 || s.PacketsLost != 3 {
		t.Errorf("%+v", s)
	}
	w.producer.Resume(w.now)
	w.producer.Resume(w.now)
	w.want("tap resumed")
	w.must(Media, video(50, 6, delta))
	w.want("tap packet 1000 #6 pt 101, 5 bytes")
	// What was sent during the pause is not to be heard after it, even if it comes then.
	w.must(Paused, video(50, 4, delta))
	w.want()
	w.advance(maxSilence)
	w.want(
		"event producer.score [{EncodingIdx:0 SSRC:50 RID:r0 Score:0} {EncodingIdx:1 SSRC:60 RID:r1 Score:10}]", "tap score",
		"event producer.score [{EncodingIdx:0 SSRC:50 RID:r0 Score:0} {EncodingIdx:1 SSRC:60 RID:r1 Score:0}]", "tap score",
	)
}

func TestSilenceOfDTXTakesLonger(t *testing.T) {
	list := rids()
	list[0].DTX = new(true)
	w := newWorld(t, produceVideo(list...))
	w.must(Media, packet{ssrc: 50, pt: vp8Type, seq: 1, payload: keyFrame, extensions: map[uint8]string{ridID: "r0"}})
	w.take()
	w.advance(maxSilenceDTX - 1)
	w.want()
	w.advance(1)
	w.want("event producer.score [{EncodingIdx:0 SSRC:50 RID:r0 Score:0}]")
}

func TestClose(t *testing.T) {
	w := newWorld(t, produceVideo(rids()...))
	w.tap("a")
	w.tap("b")
	w.must(Media, packet{ssrc: 50, pt: vp8Type, seq: 1, payload: delta, extensions: map[uint8]string{ridID: "r0"}})
	w.must(Media, video(50, 3, delta))
	w.producer.RequestKeyFrame(w.now, 1000)
	w.take()
	w.producer.Close(w.now)
	w.producer.Close(w.now)
	w.want("a closed", "b closed")
	w.producer.Pause(w.now)
	w.producer.Resume(w.now)
	w.producer.RequestKeyFrame(w.now, 1000)
	w.producer.ReceptionReports(w.now, func(rtp.ReportBlock) { t.Error("a report of a closed producer") })
	w.advance(time.Minute)
	w.want()
	if w.timers.Len() != 0 {
		t.Errorf("%d timers are left", w.timers.Len())
	}
}

// Every packet is forwarded, or dropped under a reason; and the taps see exactly the forwarded ones, and empty ones.
func TestConservation(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, produceVideo(single()))
		r := w.tap("tap")
		forwarded, empty := 0, 0
		base := rapid.Uint16().Draw(rt, "base")
		for range rapid.IntRange(1, 100).Draw(rt, "packets") {
			p := packet{
				ssrc: rapid.SampledFrom([]uint32{10, 10, 10, 11, 12}).Draw(rt, "ssrc"),
				pt:   rapid.SampledFrom([]uint8{vp8Type, vp8Type, rtxType, 20}).Draw(rt, "pt"),
				seq:  base + rapid.Uint16Range(0, 40).Draw(rt, "seq"),
				payload: rapid.SampledFrom([][]byte{
					keyFrame, delta, nil,
					{0x80},
					binary.BigEndian.AppendUint16(nil, base+3),
					append(binary.BigEndian.AppendUint16(nil, base+5), delta...),
				}).Draw(rt, "payload"),
			}
			before := len(r.packets)
			v := w.give(p)
			got := len(r.packets) - before
			switch {
			case v.Forwarded():
				forwarded++
				if got != 1 || len(r.packets[before].Payload) == 0 {
					rt.Fatalf("%v: %d packets", v, got)
				}
			case got == 1:
				empty++
				if len(r.packets[before].Payload) != 0 || (v != Padding && v != DropPayload) {
					rt.Fatalf("%v was forwarded", v)
				}
			}
			if w.now = w.now.Add(time.Millisecond); v >= NumVerdicts {
				rt.Fatalf("no verdict: %d", v)
			}
		}
		if len(r.packets) != forwarded+empty {
			rt.Fatalf("%d packets, %d forwarded, %d empty", len(r.packets), forwarded, empty)
		}
		seen := map[uint16]bool{}
		for i := range r.packets {
			if n := r.packets[i].SequenceNumber; seen[n] {
				rt.Fatalf("#%d was handed over twice", n)
			} else {
				seen[n] = true
			}
		}
	})
}

func FuzzHandleRTP(f *testing.F) {
	for _, p := range []packet{
		video(10, 1, keyFrame), video(10, 3, delta),
		{ssrc: 11, pt: rtxType, seq: 1, payload: append([]byte{0, 2}, delta...)},
		{ssrc: 10, pt: vp8Type, seq: 1, padding: 9, extensions: map[uint8]string{midID: "0", ridID: "r0"}},
	} {
		b := p.bytes()
		f.Add(append([]byte{byte(len(b))}, b...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w := newWorld(t, produceVideo(rids()...))
		w.tap("tap")
		w.must(Media, packet{ssrc: 10, pt: vp8Type, seq: 1, payload: keyFrame, extensions: map[uint8]string{ridID: "r0"}})
		for len(data) > 0 {
			n := min(int(data[0]), len(data)-1)
			raw := append([]byte(nil), data[1:1+n]...)
			data = data[1+n:]
			var p rtp.Packet
			if p.Parse(raw) {
				w.producer.HandleRTP(w.now, &p)
			}
			w.advance(7 * time.Millisecond)
		}
		w.producer.ReceptionReports(w.now, func(rtp.ReportBlock) {})
		w.producer.Stats(w.now)
		w.producer.Close(w.now)
		if w.timers.Len() != 0 {
			t.Errorf("%d timers are left", w.timers.Len())
		}
	})
}
