package producer

import (
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/golden"
	"gazpacho/proto"
)

// lively is a simulcast producer that saw media, loss, repair and reports on one of its streams.
func lively(t *testing.T) *world {
	w := newWorld(t, produceVideo(rids()...))
	vp8 := func(tid byte) []byte { return []byte{0x90, 0x20, tid<<6 | 0x20, 0, 1, 2, 3} }
	rid := func(id uint8) map[uint8]string { return map[uint8]string{id: "r1"} }
	w.must(Media, packet{ssrc: 50, pt: vp8Type, seq: 1, timestamp: 0, payload: vp8(0), extensions: rid(ridID)})
	for i := range uint16(99) {
		w.advance(10 * time.Millisecond)
		if i == 50 {
			continue
		}
		w.must(Media, packet{ssrc: 50, pt: vp8Type, seq: 2 + i, timestamp: uint32(i) * 900, payload: vp8(byte(i % 2))})
	}
	w.advance(15 * time.Millisecond)
	w.must(RTX, packet{ssrc: 51, pt: rtxType, seq: 7, payload: append([]byte{0, 52}, vp8(0)...), extensions: rid(rridID)})
	w.producer.SetRoundTripTime(25 * time.Millisecond)
	w.producer.HandleSenderReport(w.now, rtp.SenderInfo{SSRC: 50, NTP: rtp.NTP(w.now)})
	w.producer.HandleSenderReport(w.now, rtp.SenderInfo{SSRC: 51, NTP: rtp.NTP(w.now)})
	w.producer.HandleSenderReport(w.now, rtp.SenderInfo{SSRC: 99, NTP: rtp.NTP(w.now)})
	w.producer.RequestKeyFrame(w.now, 1001)
	w.producer.RequestKeyFrame(w.now, 1000) // which never came
	return w
}

func TestDump(t *testing.T) {
	w := lively(t)
	w.producer.EnableTraceEvent([]string{"nack", "FOO", "fir"})
	golden.JSON(t, "testdata/dump.json", w.producer.Dump())
	fresh := newWorld(t, produceAudio())
	golden.JSON(t, "testdata/dump-fresh.json", fresh.producer.Dump())
	fresh.must(Media, packet{ssrc: 5, pt: opusType, seq: 1, payload: []byte{0xf8, 1, 2, 3}})
	golden.JSON(t, "testdata/dump-audio.json", fresh.producer.Dump())
}

func TestStats(t *testing.T) {
	w := lively(t)
	golden.JSON(t, "testdata/stats.json", w.producer.Stats(w.now))
	if s := newWorld(t, produceAudio()).producer.Stats(start); s == nil || len(s) != 0 {
		t.Errorf("statistics of no streams: %v", s)
	}
	if _, ok := w.producer.StreamStats(w.now, 1000); ok {
		t.Error("statistics of a stream that never came")
	}
}

func TestReceptionReports(t *testing.T) {
	w := lively(t)
	var blocks []rtp.ReportBlock
	later := w.now.Add(time.Second)
	w.producer.ReceptionReports(later, func(b rtp.ReportBlock) { blocks = append(blocks, b) })
	if len(blocks) != 2 {
		t.Fatalf("%d blocks, want those of a stream and its retransmissions", len(blocks))
	}
	lsr := rtp.CompactNTP(rtp.NTP(w.now))
	if b := blocks[0]; b.SSRC != 50 || b.TotalLost != 1 || b.HighestSequence != 100 || b.LastSR != lsr || b.Delay != 1<<16 {
		t.Errorf("%+v", b)
	}
	if b := blocks[1]; b.SSRC != 51 || b.HighestSequence != 7 || b.LastSR != lsr || b.Delay != 1<<16 {
		t.Errorf("%+v", b)
	}
}

// With reports come scores.
func TestScoreFollowsLoss(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	w.tap("tap")
	for i := range uint16(200) {
		if i%5 != 3 { // a fifth is lost
			w.must(Media, video(10, i, delta))
		}
	}
	w.take()
	w.producer.ReceptionReports(w.now, func(rtp.ReportBlock) {})
	w.want("event producer.score [{EncodingIdx:0 SSRC:10 RID: Score:4}]", "tap score")
	if s := w.producer.Score(); len(s) != 1 || s[0] != (proto.StreamScore{SSRC: 10, Score: 4}) {
		t.Errorf("%+v", s)
	}
}

func TestTraces(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	all := []string{"rtp", "keyframe", "nack", "pli", "fir", "sr"}
	w.producer.EnableTraceEvent(all)
	if got := w.producer.Dump().TraceEventTypes; len(got) != len(all) {
		t.Errorf("%v are on", got)
	}
	w.must(Media, packet{ssrc: 10, pt: vp8Type, seq: 1, payload: keyFrame, extensions: map[uint8]string{midID: "0"}})
	w.must(Media, video(10, 3, delta))
	w.advance(40 * time.Millisecond)
	w.must(RTX, packet{ssrc: 11, pt: rtxType, seq: 1, payload: append([]byte{0, 2}, delta...)})
	w.producer.RequestKeyFrame(w.now, 1000)
	w.producer.HandleSenderReport(w.now, rtp.SenderInfo{SSRC: 10, NTP: 1<<32 | 2, Timestamp: 3, Packets: 4, Octets: 5})
	golden.JSON(t, "testdata/traces.json", w.take())
	w.producer.EnableTraceEvent(nil)
	w.must(Media, video(10, 4, delta))
	w.producer.HandleSenderReport(w.now, rtp.SenderInfo{SSRC: 10})
	w.want()
}

func TestTracesOfFIR(t *testing.T) {
	o := produceVideo(single())
	o.RTPParameters.Codecs[0].RTCPFeedback = []proto.RTCPFeedback{{Type: "ccm", Parameter: "fir"}}
	w := newWorld(t, o)
	w.must(Media, video(10, 1, delta))
	w.producer.EnableTraceEvent([]string{"fir"})
	w.take()
	w.producer.RequestKeyFrame(w.now, 1000)
	w.want("event producer.trace {Type:fir Timestamp:1700000000000 Direction:out Info:map[ssrc:10]}", "rtcp FIR 10 #1")
	if s := w.producer.Stats(w.now)[0]; s.FIRCount != 1 || s.PLICount != 0 {
		t.Errorf("%+v", s)
	}
}

// The way of a packet through a producer allocates nothing once it is warm.
func TestForwardingAllocatesNothing(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	var view rtp.Packet
	raw := video(10, 0, append([]byte{0x10, 1}, make([]byte, 1150)...)).bytes()
	seq := uint16(0)
	step := func() {
		seq++
		w.now = w.now.Add(4 * time.Millisecond)
		raw[2], raw[3] = byte(seq>>8), byte(seq)
		view.Parse(raw)
		if v := w.producer.HandleRTP(w.now, &view); v != Media {
			t.Fatal(v)
		}
		if seq%250 == 0 {
			w.producer.ReceptionReports(w.now, func(rtp.ReportBlock) {})
		}
	}
	for range 3000 {
		step()
	}
	if n := testing.AllocsPerRun(2000, step); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
}
