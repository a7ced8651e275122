package consumer_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/consumer"
	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// conduit is a pipe and what it sent.
type conduit struct {
	*consumer.Pipe
	w   *world
	out map[uint32][]rtp.Packet // by SSRC; retransmissions under their own
}

// SendRTP keeps a packet as the other router parses it.
func (c *conduit) SendRTP(_ time.Time, h *rtp.Header, payload []byte) int {
	slot := make([]byte, rtp.MaxHeaderSize+rtp.MaxPacketSize)
	_, n := h.PutPacket(slot, payload, rtp.Stamp{})
	var q rtp.Packet
	if !q.Parse(slot[:n]) {
		c.w.t.Fatalf("no packet: %x", slot[:n])
	}
	c.out[q.SSRC] = append(c.out[q.SSRC], q)
	return n
}

func pipeOptions(w *world) *proto.Consume {
	o := w.options("a")
	o.Type, o.RTPParameters.MID, o.RTPParameters.Encodings = proto.Pipe, "", nil
	for i := range w.streams {
		n := uint32(i)
		o.RTPParameters.Encodings = append(o.RTPParameters.Encodings, proto.RTPEncodingParameters{SSRC: 500 + n, RTX: &proto.RTXEncoding{SSRC: 600 + n}})
	}
	return o
}

func (w *world) pipe(o *proto.Consume) *conduit {
	c := &conduit{w: w, out: map[uint32][]rtp.Packet{}}
	p, err := consumer.NewPipe(consumer.Config{
		Options: o, Source: w.producer, Sink: c, Timers: &w.timers, Events: w, Random: func() uint32 { return 0 },
		ProducerPaused: w.producer.Paused(),
		ProducerClosed: func(_ time.Time, c *consumer.Consumer) { w.log("%s is gone", c.ID()) },
	})
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	c.Pipe = p
	w.producer.AddTap(p)
	p.TransportConnected(w.now)
	return c
}

// Every stream crosses whole and unchanged: all temporal layers, timestamps, markers and payloads with their picture ids, also after a pause. Only
// numbers are the pipe's own.
func TestPipeIsVerbatim(t *testing.T) {
	w := newWorld(t, codec.VP8, 3)
	c := w.pipe(pipeOptions(w))
	gave := make([][]raw, 3)
	film := func(pictures int, counts bool) {
		for n := range pictures {
			for i, s := range w.streams {
				list := w.make(s, picture{key: n == 0, packets: 2, tid: uint8([]int{0, 2, 1, 2}[n%4])})
				for _, r := range list {
					w.give(s, r)
				}
				if counts {
					gave[i] = append(gave[i], list...)
				}
			}
			w.advance(40 * time.Millisecond)
		}
	}
	film(20, true)
	c.Pause(w.now)
	film(20, false)
	c.Resume(w.now)
	film(20, true)
	for i := range w.streams {
		out := c.out[500+uint32(i)]
		if len(out) != len(gave[i]) {
			t.Fatalf("stream %d: %d of %d packets crossed", i, len(out), len(gave[i]))
		}
		for n, q := range out {
			r := gave[i][n]
			if q.Timestamp != r.timestamp || q.Marker != r.marker || string(q.Payload) != string(r.payload) || q.SequenceNumber != out[0].SequenceNumber+uint16(n) {
				t.Fatalf("stream %d, packet %d: #%d at %d became #%d at %d", i, n, r.seq, r.timestamp, q.SequenceNumber, q.Timestamp)
			}
		}
	}
	if stats := c.Stats(w.now); len(stats) != 3 || stats[2].PacketCount != 80 || stats[2].SSRC != 502 || stats[2].Type != "outbound-rtp" {
		t.Errorf("statistics %+v", stats)
	}
}

// Retransmissions are asked for by stream, and come on that stream's own.
func TestPipeRepairs(t *testing.T) {
	w := newWorld(t, codec.VP8, 3)
	c := w.pipe(pipeOptions(w))
	for i := range w.streams {
		w.send(i, picture{key: true, packets: 3})
	}
	lane := c.Lanes()[1]
	lost := c.out[501][1]
	lane.HandleNACK(w.now, nack(t, 501, lost.SequenceNumber))
	again := c.out[601]
	if len(again) != 1 || len(c.out[600])+len(c.out[602]) != 0 || string(again[0].Payload[2:]) != string(lost.Payload) || again[0].Timestamp != lost.Timestamp {
		t.Errorf("sent again: %d packets of %v", len(again), c.out)
	}
	w.journal = nil
	c.RequestKeyFrame(w.now.Add(time.Second))
	w.advance(3 * time.Second)
	asked := strings.Join(w.journal, "\n")
	for _, s := range w.streams {
		if !w.wanted[s.ssrc] {
			t.Errorf("no key frame was asked for of %d:\n%s", s.ssrc, asked)
		}
	}
}

// What a pipe says, it says once, whatever the number of its streams.
func TestPipeEvents(t *testing.T) {
	w := newWorld(t, codec.VP8, 3)
	o := pipeOptions(w)
	o.Paused = true
	c := w.pipe(o)
	r := c.Result()
	if !r.Paused || r.Score.Score != 10 || r.Score.ProducerScore != 10 || !slices.Equal(r.Score.ProducerScores, []int{0, 0, 0}) {
		t.Errorf("result %+v", r)
	}
	w.send(1, picture{key: true, packets: 1})
	c.Resume(w.now)
	w.producer.Pause(w.now)
	w.producer.Resume(w.now)
	w.producer.Close(w.now)
	c.Close(w.now)
	told := slices.DeleteFunc(w.journal, func(s string) bool { return strings.HasPrefix(s, "publisher") })
	want := []string{
		"a: score 10, producer 10 of [0 10 0]", "a: consumer.producerPause", "a: consumer.producerResume", "a: consumer.producerClose", "a is gone",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if n := w.timers.Len(); n != 0 {
		t.Errorf("%d timers left", n)
	}
}

func TestPipeDump(t *testing.T) {
	w := newWorld(t, codec.VP8, 3)
	o := pipeOptions(w)
	c := w.pipe(o)
	c.EnableTraceEvent([]string{"keyframe"})
	w.send(0, picture{key: true, packets: 1})
	traced := 0
	for _, line := range w.journal {
		if strings.HasPrefix(line, "a: "+proto.EventConsumerTrace) {
			traced++
		}
	}
	if traced != 1 {
		t.Errorf("traced %d key frames of 1", traced)
	}
	if r, err := c.SetPriority(7); err != nil || r.Priority != 7 {
		t.Errorf("priority %+v, %v", r, err)
	}
	if _, err := c.SetPriority(0); err == nil {
		t.Error("priority 0")
	}
	if r, err := c.SetPreferredLayers(w.now, proto.ConsumerLayers{SpatialLayer: 1}); err != nil || r.PreferredLayers != nil {
		t.Errorf("layers %+v, %v", r, err)
	}
	d := c.Dump()
	if d.Type != proto.Pipe || d.Priority != 7 || len(d.RTPStreams) != 3 || d.RTPStream != nil || len(d.ConsumableRTPEncodings) != 3 || len(d.RTPParameters.Encodings) != 3 ||
		d.PreferredSpatialLayer != nil || !slices.Equal(d.TraceEventTypes, []string{"keyframe"}) {
		t.Errorf("dump %+v", d)
	}
	for i, s := range d.RTPStreams {
		if s.Params.EncodingIdx != i || s.Params.SSRC != 500+uint32(i) || s.Params.RTXSSRC != 600+uint32(i) || d.RTPParameters.Encodings[i].SSRC != s.Params.SSRC {
			t.Errorf("stream %d: %+v", i, s.Params)
		}
	}
	if len(o.RTPParameters.Encodings) != 3 || o.Type != proto.Pipe {
		t.Error("the options were changed")
	}
}
