package consumer_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/consumer"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/golden"
	"gazpacho/proto"
)

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(o *proto.Consume)
		err    string // error name, then what message or path must have
		has    string
	}{
		{"kind", func(o *proto.Consume) { o.Kind = "chicken" }, proto.UnsupportedErrorName, "chicken"},
		{"no codecs", func(o *proto.Consume) { o.RTPParameters.Codecs = nil }, proto.TypeErrorName, "codecs"},
		{"unknown codec", func(o *proto.Consume) { o.RTPParameters.Codecs[0].MimeType = "video/H266" }, proto.UnsupportedErrorName, "video/H266"},
		{"codec of the other kind", func(o *proto.Consume) { o.Kind = proto.Audio }, proto.UnsupportedErrorName, "video/VP8"},
		{"payload type", func(o *proto.Consume) { o.RTPParameters.Codecs[0].PayloadType = 200 }, proto.TypeErrorName, "codecs[0].payloadType"},
		{"clock rate", func(o *proto.Consume) { o.RTPParameters.Codecs[0].ClockRate = -1 }, proto.TypeErrorName, "codecs[0].clockRate"},
		{"RTX of nothing", func(o *proto.Consume) { o.RTPParameters.Codecs[1].Parameters = nil }, proto.TypeErrorName, "apt"},
		{"RTX first", func(o *proto.Consume) { slices.Reverse(o.RTPParameters.Codecs) }, proto.TypeErrorName, "apt"},
		{"extension id", func(o *proto.Consume) { o.RTPParameters.HeaderExtensions[1].ID = 0 }, proto.TypeErrorName, "headerExtensions[1].id"},
		{"no encoding", func(o *proto.Consume) { o.RTPParameters.Encodings = nil }, proto.TypeErrorName, "rtpParameters.encodings"},
		{"no SSRC", func(o *proto.Consume) { o.RTPParameters.Encodings[0].SSRC = 0 }, proto.TypeErrorName, "encodings[0].ssrc"},
		{"RTX under the same SSRC", func(o *proto.Consume) { o.RTPParameters.Encodings[0].RTX.SSRC = 5000 }, proto.TypeErrorName, "rtx.ssrc"},
		{"nothing to consume", func(o *proto.Consume) { o.ConsumableRTPEncodings = nil }, proto.TypeErrorName, "consumableRtpEncodings"},
		{"a stream without SSRC", func(o *proto.Consume) { o.ConsumableRTPEncodings[1].SSRC = 0 }, proto.TypeErrorName, "consumableRtpEncodings[1].ssrc"},
		{"simple of three", func(o *proto.Consume) { o.Type = proto.Simple }, proto.TypeErrorName, "3 encodings"},
		{"simulcast of one", func(o *proto.Consume) { o.ConsumableRTPEncodings = o.ConsumableRTPEncodings[:1] }, proto.TypeErrorName, "1 encodings"},
		{"SVC of several streams", func(o *proto.Consume) { o.Type = proto.SVC }, proto.TypeErrorName, "svc consumer of 3"},
		{"pipe", func(o *proto.Consume) { o.Type = proto.Pipe }, proto.TypeErrorName, "pipe"},
		{"type", func(o *proto.Consume) { o.Type = "chicken" }, proto.TypeErrorName, "chicken"},
		{"layers", func(o *proto.Consume) { o.PreferredLayers = &proto.ConsumerLayers{SpatialLayer: -1} }, proto.TypeErrorName, "preferredLayers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, codec.VP8, 3)
			o := w.options("a")
			tt.change(o)
			_, err := consumer.New(consumer.Config{Options: o, Source: w.producer, Timers: &w.timers, Events: w, Random: func() uint32 { return 0 }})
			if err == nil {
				t.Fatal("accepted")
			}
			if err.Name != tt.err || !strings.Contains(err.Message+" "+err.Path, tt.has) {
				t.Errorf("%v, want %s about %s", err, tt.err, tt.has)
			}
		})
	}
	w := newWorld(t, codec.Opus, 1)
	o := w.options("a")
	o.Kind, o.RTPParameters.Codecs[0].MimeType = "text", "text/t140"
	if _, err := consumer.New(consumer.Config{Options: o, Source: w.producer, Timers: &w.timers, Events: w, Random: func() uint32 { return 0 }}); err == nil {
		t.Error("text is accepted")
	}
}

func TestWhatItSaysOfItself(t *testing.T) {
	w := newWorld(t, codec.VP8, 3)
	o := w.options("a")
	temporal := 9
	o.PreferredLayers = &proto.ConsumerLayers{SpatialLayer: 12, TemporalLayer: &temporal}
	o.Paused = true
	w.producer.Pause(w.now)
	a := w.consume(o)
	if a.ID() != "a" || a.ProducerID() != "p" || a.Kind() != proto.Video || a.Type() != proto.Simulcast || a.SSRC() != 5000 ||
		a.RTXSSRC() != 5001 || a.CNAME() != "cname" || a.Active() || !a.Paused() || a.Priority() != 1 {
		t.Errorf("%+v", a)
	}
	got, _ := json.Marshal(a.Result())
	want := `{"paused":true,"producerPaused":true,"score":{"score":10,"producerScore":0,"producerScores":[0,0,0]},` +
		`"preferredLayers":{"spatialLayer":2,"temporalLayer":2}}`
	if string(got) != want {
		t.Errorf("result %s\nwant %s", got, want)
	}
	simple := newWorld(t, codec.H264, 1)
	b := simple.consume(simple.options("b"))
	if b.Result().PreferredLayers != nil {
		t.Error("a simple consumer has preferred layers")
	}
	if l, err := b.SetPreferredLayers(simple.now, proto.ConsumerLayers{SpatialLayer: 1}); err != nil || l.PreferredLayers != nil {
		t.Errorf("preferred layers of a simple consumer: %v, %v", l, err)
	}
}

func TestPriorityAndLayersAreChecked(t *testing.T) {
	w := newWorld(t, codec.VP8, 3)
	a := w.consume(w.options("a"))
	for priority, ok := range map[int]bool{-1: false, 0: false, 1: true, 255: true, 256: false} {
		if r, err := a.SetPriority(priority); (err == nil) != ok || ok && (r.Priority != priority || a.Priority() != priority) {
			t.Errorf("priority %d: %v, %v", priority, r, err)
		}
	}
	low, negative := 0, -1
	for _, tt := range []struct {
		layers proto.ConsumerLayers
		want   string
	}{
		{proto.ConsumerLayers{SpatialLayer: 1}, "1.2"},
		{proto.ConsumerLayers{SpatialLayer: 1, TemporalLayer: &low}, "1.0"},
		{proto.ConsumerLayers{SpatialLayer: 7, TemporalLayer: &low}, "2.0"},
		{proto.ConsumerLayers{SpatialLayer: -1}, ""},
		{proto.ConsumerLayers{TemporalLayer: &negative}, ""},
	} {
		got := ""
		if r, err := a.SetPreferredLayers(w.now, tt.layers); err == nil {
			got = string(rune('0'+r.PreferredLayers.SpatialLayer)) + "." + string(rune('0'+*r.PreferredLayers.TemporalLayer))
		}
		if got != tt.want {
			t.Errorf("%+v became %q, want %q", tt.layers, got, tt.want)
		}
	}
}

func TestDumpAndStats(t *testing.T) {
	w := newWorld(t, codec.VP8, 2)
	a := w.consume(w.options("a"))
	a.EnableTraceEvent([]string{"nack", "FOO", "rtp"})
	golden.JSON(t, "testdata/dump-fresh.json", a.Dump())
	golden.JSON(t, "testdata/stats-fresh.json", a.Stats(w.now))
	a.EnableTraceEvent(nil)
	a.TransportConnected(w.now)
	w.send(0, picture{key: true, packets: 3})
	w.send(1, picture{key: true, packets: 3})
	a.HandleNACK(w.now, nack(t, a.SSRC(), 1001))
	a.HandleKeyFrameRequest(w.now, true)
	a.HandleKeyFrameRequest(w.now, false)
	info, _ := a.SenderReport(w.now)
	w.advance(100 * time.Millisecond)
	a.HandleReceiverReport(w.now, rtp.ReportBlock{
		SSRC: a.SSRC(), FractionLost: 25, TotalLost: 1, Jitter: 77, LastSR: rtp.CompactNTP(info.NTP), Delay: 0,
	})
	a.HandleReceiverReport(w.now, rtp.ReportBlock{SSRC: a.RTXSSRC(), TotalLost: 99}) // of the other stream: not counted
	golden.JSON(t, "testdata/dump.json", a.Dump())
	golden.JSON(t, "testdata/stats.json", a.Stats(w.now))
	audio := newWorld(t, codec.Opus, 1)
	golden.JSON(t, "testdata/dump-audio.json", audio.consume(audio.options("b")).Dump())
}

func TestTraces(t *testing.T) {
	w := newWorld(t, codec.VP8, 1)
	a := w.consume(w.options("a"))
	a.EnableTraceEvent([]string{"rtp", "keyframe", "nack", "pli", "fir"})
	a.TransportConnected(w.now)
	w.send(0, picture{key: true, packets: 1})
	w.send(0, picture{packets: 1})
	a.HandleNACK(w.now, nack(t, a.SSRC(), 1001))
	a.HandleKeyFrameRequest(w.now, true)
	a.HandleKeyFrameRequest(w.now, false)
	golden.JSON(t, "testdata/traces.json", w.journal)
}

// Packets of payload types the peer did not negotiate are not sent.
func TestPayloadTypesAreFiltered(t *testing.T) {
	w := newWorld(t, codec.VP8, 1)
	o := w.options("a")
	o.RTPParameters.Codecs[0].PayloadType = 120
	o.RTPParameters.Codecs[1].Parameters = proto.CodecParameters{"apt": 120}
	a := w.consume(o)
	a.TransportConnected(w.now)
	w.send(0, picture{key: true, packets: 2})
	if len(a.out) != 0 {
		t.Errorf("%d packets of a payload type that was not negotiated", len(a.out))
	}
	// A second codec of the parameters is as good as the first.
	o = w.options("b")
	o.RTPParameters.Codecs = append([]proto.RTPCodecParameters{{MimeType: "video/H264", PayloadType: 105, ClockRate: 90000}}, o.RTPParameters.Codecs...)
	b := w.consume(o)
	b.TransportConnected(w.now)
	w.send(0, picture{key: true, packets: 2})
	b.HandleNACK(w.now, nack(t, b.SSRC(), 1001))
	if len(b.out) != 3 || b.out[0].pt != 101 || b.out[2].pt != 102 || b.out[2].ssrc != b.RTXSSRC() {
		t.Errorf("%+v", b.out)
	}
}

// In the middle of a stream they leave no gap.
func TestFilteredPacketsLeaveNoGap(t *testing.T) {
	w := newWorld(t, codec.Opus, 1)
	a := w.consume(w.options("a"))
	a.TransportConnected(w.now)
	give := func(ssrc uint32, seq int, pt uint8, payload ...byte) {
		a.ProducerPacket(w.now, &rtp.Packet{SSRC: ssrc, PayloadType: pt, SequenceNumber: uint16(seq), Timestamp: uint32(seq) * 960, Payload: payload})
	}
	give(1000, 99, 101) // padding is nothing to begin with
	for seq, pt := range []uint8{101, 101, 110, 101, 110, 110, 101} {
		give(77, 50+seq, pt, 0xf8, 1, 2, 3) // a stream the consumer does not know
		give(1000, 100+seq, pt, 0xf8, 1, 2, 3)
	}
	var got []uint16
	for _, p := range a.out {
		got = append(got, p.seq)
	}
	if want := []uint16{1000, 1001, 1002, 1003}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// However often a peer asks, and however close it says it is, it gets no more repetitions than packets.
func TestNACKFloodIsBounded(t *testing.T) {
	w := newWorld(t, codec.VP8, 1)
	a := w.consume(w.options("a"))
	a.TransportConnected(w.now)
	w.send(0, picture{key: true, packets: 200})
	info, _ := a.SenderReport(w.now)
	a.HandleReceiverReport(w.now, rtp.ReportBlock{SSRC: a.SSRC(), LastSR: rtp.CompactNTP(info.NTP)}) // a round trip of nothing
	all := make([]uint16, 200)
	for i := range all {
		all[i] = uint16(1000 + i)
	}
	for range 100 {
		if asked := a.HandleNACK(w.now, nack(t, a.SSRC(), all...)); asked != len(all) {
			t.Fatalf("%d packets were asked for, want %d", asked, len(all))
		}
	}
	if again := len(a.out) - 200; again != 200 {
		t.Errorf("%d packets were sent again at once", again)
	}
	for range 100 {
		w.advance(10 * time.Millisecond)
		a.HandleNACK(w.now, nack(t, a.SSRC(), all...))
	}
	if again := len(a.out) - 200; again != 200 {
		t.Errorf("%d packets were sent again", again)
	}
}

// A consumer that is closed, or whose producer is, says and sends nothing more.
func TestClosedIsSilent(t *testing.T) {
	for _, name := range []string{"by the peer", "by the producer"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, codec.VP8, 2)
			a := w.consume(w.options("a"))
			a.TransportConnected(w.now)
			w.send(0, picture{key: true, packets: 2})
			w.send(1, picture{key: true, packets: 2})
			w.send(0, picture{packets: 2}) // stream 1 is younger than two seconds: a timer waits for it
			if name == "by the peer" {
				a.Close(w.now)
				a.Close(w.now)
			} else {
				w.journal = nil
				w.producer.Close(w.now)
				if want := []string{"a: consumer.producerClose", "a is gone"}; !slices.Equal(w.journal, want) {
					t.Errorf("%q, want %q", w.journal, want)
				}
			}
			n := len(a.out)
			w.journal = nil
			w.send(1, picture{key: true, packets: 2})
			a.ProducerClosed(w.now)
			a.ProducerPaused(w.now)
			a.ProducerResumed(w.now)
			a.ProducerScore(w.now)
			a.ProducerStream(w.now, 1000)
			a.ProducerStream(w.now, 77)
			a.Resume(w.now)
			a.TransportConnected(w.now)
			a.RequestKeyFrame(w.now)
			a.HandleNACK(w.now, nack(t, a.SSRC(), 1000))
			a.HandleReceiverReport(w.now, rtp.ReportBlock{SSRC: a.SSRC(), TotalLost: 4})
			if _, ok := a.SenderReport(w.now); ok {
				t.Error("a report of a closed consumer")
			}
			w.advance(time.Minute)
			lines := slices.DeleteFunc(w.journal, func(s string) bool { return strings.HasPrefix(s, "publisher") })
			if len(a.out) != n || len(lines) != 0 || a.Active() {
				t.Errorf("%d packets, %q", len(a.out)-n, lines)
			}
		})
	}
}

// A picture is forwarded as a whole or not at all, even if the wish changes in the middle of it.
func TestPicturesAreWhole(t *testing.T) {
	w := newWorld(t, codec.VP8, 2)
	for range 30 {
		w.send(0, picture{packets: 1})
		w.send(1, picture{packets: 1})
		w.advance(100 * time.Millisecond)
	}
	a := w.consume(w.options("a"))
	a.TransportConnected(w.now)
	prefer := func(temporal int) {
		if _, err := a.SetPreferredLayers(w.now, proto.ConsumerLayers{SpatialLayer: 1, TemporalLayer: &temporal}); err != nil {
			t.Fatal(err)
		}
	}
	prefer(0)
	w.send(1, picture{key: true, packets: 1})
	for i, tid := range []uint8{2, 1, 2, 1} { // every other picture begins under a wish for nothing but the base
		w.advance(33 * time.Millisecond)
		prefer(2 * (i % 2))
		for j, r := range w.make(w.streams[1], picture{packets: 4, tid: tid, sync: true}) {
			w.give(w.streams[1], r)
			if j == 1 {
				prefer(2 * (1 - i%2))
			}
		}
	}
	packets := map[uint32]int{}
	for _, p := range a.out {
		packets[p.timestamp]++
	}
	if len(packets) != 3 { // the key frame, and both that began under a wish for all
		t.Errorf("%d pictures were forwarded, want 3", len(packets))
	}
	for timestamp, n := range packets {
		if timestamp != a.out[0].timestamp && n != 4 {
			t.Errorf("%d packets of a picture of 4 were forwarded", n)
		}
	}
}

// A new wish is asked for at once, not when the last request is old enough.
func TestNewWishesAreAskedFor(t *testing.T) {
	w := newWorld(t, codec.VP8, 3)
	for range 30 {
		for i := range 3 {
			w.send(i, picture{packets: 1})
		}
		w.advance(100 * time.Millisecond)
	}
	a := w.consume(w.options("a"))
	a.TransportConnected(w.now)
	w.send(2, picture{key: true, packets: 1})
	for _, layer := range []int{0, 1} {
		w.advance(500 * time.Millisecond)
		w.journal = nil
		if _, err := a.SetPreferredLayers(w.now, proto.ConsumerLayers{SpatialLayer: layer}); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("publisher: PLI %d", w.streams[layer].ssrc); !slices.Contains(w.journal, want) {
			t.Errorf("%q, want %q", w.journal, want)
		}
		w.send(layer, picture{key: true, packets: 1})
	}
}

// A packet that the transport does not take is not counted, and its number is spent.
func TestPacketsThatAreNotSent(t *testing.T) {
	w := newWorld(t, codec.VP8, 1)
	c, err := consumer.New(consumer.Config{
		Options: w.options("a"), Source: w.producer, Sink: refusing{}, Timers: &w.timers, Events: w, Random: func() uint32 { return 5 },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.producer.AddTap(c)
	c.TransportConnected(w.now)
	w.send(0, picture{key: true, packets: 2})
	c.HandleNACK(w.now, nack(t, c.SSRC(), 1005))
	if s := c.Stats(w.now)[0]; s.PacketCount != 0 || s.ByteCount != 0 || s.NACKCount != 1 || s.PacketsRetransmitted != 0 {
		t.Errorf("%+v", s)
	}
	if _, ok := c.SenderReport(w.now); ok {
		t.Error("a report of nothing")
	}
}

type refusing struct{}

func (refusing) SendRTP(time.Time, *rtp.Header, []byte) int { return 0 }

// Fan-out, retransmission and reports allocate nothing once they are warm.
func TestForwardingAllocatesNothing(t *testing.T) {
	for name, simulcast := range map[string]bool{"simple": false, "simulcast": true} {
		t.Run(name, func(t *testing.T) {
			f := newFanout(t, simulcast, 100)
			temporal := 1 // leave out every other picture
			for _, c := range f.consumers {
				if _, err := c.SetPreferredLayers(f.now, proto.ConsumerLayers{TemporalLayer: &temporal}); err != nil {
					t.Fatal(err)
				}
			}
			var w rtp.RTCPWriter
			buf := make([]byte, 100)
			ask := func() {
				for _, c := range f.consumers {
					w.Reset(buf)
					info, ok := c.SenderReport(f.now)
					if !ok {
						t.Fatal("no report")
					}
					w.NACK(1, c.SSRC(), []uint16{f.sink.last, f.sink.last - 2})
					compound, _ := rtp.ParseRTCP(w.Bytes())
					var p rtp.RTCP
					compound.Next(&p)
					c.HandleNACK(f.now, &p)
					c.HandleReceiverReport(f.now, rtp.ReportBlock{SSRC: c.SSRC(), LastSR: rtp.CompactNTP(info.NTP)})
				}
			}
			for range 3000 {
				f.push(t, 10)
			}
			ask()
			n := testing.AllocsPerRun(20, func() {
				for range 50 {
					f.push(t, 10)
				}
				ask()
			})
			if n != 0 {
				t.Errorf("%v allocations in 50 packets to 100 consumers", n)
			}
			if f.sink.again == 0 {
				t.Error("nothing was sent again")
			}
		})
	}
}

// An idle consumer is small, and so is a busy one: it keeps no packets.
func TestMemory(t *testing.T) {
	perConsumer := func(busy bool) uint64 {
		const consumers = 200
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		f := newFanout(t, true, consumers)
		if busy {
			for range 3000 {
				f.push(t, 10)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(f)
		return (after.HeapAlloc - before.HeapAlloc) / consumers
	}
	perConsumer(false)
	idle, busy := perConsumer(false), perConsumer(true)
	t.Logf("idle %d bytes, busy %d bytes", idle, busy)
	if idle > 4<<10 || busy > 12<<10 {
		t.Errorf("a consumer takes %d bytes idle and %d busy, parameters and its share of the producer included", idle, busy)
	}
}

func FuzzHandleNACK(f *testing.F) {
	var w rtp.RTCPWriter
	w.Reset(make([]byte, 200))
	w.NACK(1, 5000, []uint16{1000, 1001, 1005, 1030})
	f.Add(w.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		compound, ok := rtp.ParseRTCP(b)
		if !ok {
			return
		}
		w := newWorld(t, codec.VP8, 1)
		a := w.consume(w.options("a"))
		a.TransportConnected(w.now)
		for range 30 {
			w.send(0, picture{key: true, packets: 2})
		}
		n := len(a.out)
		var p rtp.RTCP
		for compound.Next(&p) {
			a.HandleNACK(w.now, &p)
		}
		// Each packet once, however often a compound asks.
		if again := len(a.out) - n; again > n {
			t.Errorf("%d packets were sent %d times", n, again)
		}
	})
}
