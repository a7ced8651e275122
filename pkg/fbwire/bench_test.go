package fbwire

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"gazpacho/proto"
)

// message is a notification of 1,200 bytes: a message to a data consumer of a direct transport, as most that goes over a channel in numbers is.
func message(c *Codec, e *encoder, payload []byte) {
	c.event(e, "0f0b3e5a-8a3e-4c57-9d4c-6c3a2a7d3a10", proto.EventDataConsumerMessage, proto.DataConsumerMessage{PPID: 51}, payload)
}

// Encode and decode of a notification of 1,200 bytes: at most 10 µs.
func BenchmarkNotification(b *testing.B) {
	c := codecOf(b, latest)
	e := &encoder{b: flatbuffers.NewBuilder(4096)}
	payload := make([]byte, 1100)
	message(c, e, payload)
	b.SetBytes(int64(len(e.b.FinishedBytes())))
	sent := (&library{codec: c, g: newGenerator(), t: &testing.T{}}).send(payload)[prefix:]
	b.ReportAllocs()
	for b.Loop() {
		message(c, e, payload)
		m, ok := c.envelope.read(sent)
		known := c.notices[m.number]
		n := Notification{notice: known, arm: m.arm, body: m.body, b: sent}
		n.findPayload()
		var meta proto.DataProducerSend
		if refused := n.Decode(&meta); !ok || refused != nil || len(n.Payload) != len(payload) || meta.PPID != 51 {
			b.Fatal(refused)
		}
	}
}

// A request with a large body, read, and a dump of as many fields, written.
func BenchmarkRequestAndAnswer(b *testing.B) {
	c := codecOf(b, latest)
	m := c.answers[proto.TransportProduce]
	g := newGenerator()
	off, _ := g.table(c.envelope.requestBodies.Values[m.arm].Table)
	request := g.request(c, 1, 25, "t", m.arm, off)[prefix:]
	e := &encoder{b: flatbuffers.NewBuilder(4096)}
	var body proto.Produce
	if refused := decodeBody(m.body, m.typ, request, bodyOf(c, request), &body); refused != nil {
		b.Fatal(refused)
	}
	dump := proto.ProducerDump{ID: "p", Kind: proto.Audio, Type: proto.Simple, RTPParameters: body.RTPParameters, RTPMapping: body.RTPMapping}
	b.ReportAllocs()
	for b.Loop() {
		into := new(proto.Produce)
		if refused := decodeBody(m.body, m.typ, request, bodyOf(c, request), into); refused != nil {
			b.Fatal(refused)
		}
		c.response(e, 1, proto.ProducerDumpMethod, dump, nil)
	}
}

func bodyOf(c *Codec, b []byte) int {
	m, _ := c.envelope.read(b)
	return m.body
}

// A worker starts as fast as its schema is read: libraries give it a second.
func BenchmarkStart(b *testing.B) {
	dir, err := schemaDir(latest)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := Load(dir)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Compile(s, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// A message costs nothing but what a body needs: the loop writes thousands in a second.
func TestEventsDoNotAllocate(t *testing.T) {
	c := codecOf(t, latest)
	e := &encoder{b: flatbuffers.NewBuilder(4096)}
	payload := make([]byte, 1100)
	var body any = proto.DataConsumerMessage{PPID: 51}
	if n := testing.AllocsPerRun(100, func() { c.event(e, "c", proto.EventDataConsumerMessage, body, payload) }); n > 1 {
		t.Errorf("%v allocations for a message", n)
	}
	if n := testing.AllocsPerRun(100, func() { c.event(e, "c", proto.EventConsumerProducerPause, nil, nil) }); n > 1 {
		t.Errorf("%v allocations for an event", n)
	}
}

func TestTraces(t *testing.T) {
	s := schemaOf(t, latest)
	c := codecOf(t, latest)
	e := &encoder{b: flatbuffers.NewBuilder(4096)}
	packet := map[string]any{
		"payloadType": uint8(96), "sequenceNumber": uint16(7), "marker": true, "ssrc": uint32(1), "size": 1200, "mid": "m", "wideSequenceNumber": uint16(9),
		"mood": "none", "spatialLayer": "not a number",
	}
	for _, tt := range []struct {
		event string
		body  proto.TraceEvent
		want  string
	}{
		{
			proto.EventProducerTrace,
			proto.TraceEvent{Type: "keyframe", Timestamp: 5, Direction: "in", Info: map[string]any{"rtpPacket": packet, "isRtx": true}},
			"map[direction:0 info:map[KeyFrameTraceInfo:map[is_rtx:1 rtp_packet:map[is_key_frame:0 marker:1 mid:m payload_size:0 payload_type:96 " +
				"sequence_number:7 size:1200 spatial_layer:0 ssrc:1 temporal_layer:0 timestamp:0 wide_sequence_number:9]]] timestamp:5 type:0]",
		},
		{
			proto.EventConsumerTrace,
			proto.TraceEvent{Type: "pli", Timestamp: 5, Direction: "out", Info: map[string]any{"ssrc": uint32(9)}},
			"map[direction:1 info:map[PliTraceInfo:map[ssrc:9]] timestamp:5 type:3]",
		},
		{proto.EventConsumerTrace, proto.TraceEvent{Type: "nack", Timestamp: 5, Direction: "in"}, "map[direction:0 timestamp:5 type:2]"},
		{
			proto.EventTransportTrace,
			proto.TraceEvent{Type: "bwe", Timestamp: 5, Direction: "out", Info: map[string]any{"bweType": "remb", "minBitrate": -1, "maxBitrate": 1 << 40}},
			"map[direction:1 info:map[BweTraceInfo:map[available_bitrate:0 bwe_type:1 desired_bitrate:0 effective_desired_bitrate:0 max_bitrate:1099511627776 " +
				"max_padding_bitrate:0 min_bitrate:0 start_bitrate:0]] timestamp:5 type:1]",
		},
	} {
		if !c.event(e, "p", tt.event, tt.body, nil) || e.wrong != "" {
			t.Fatalf("%s: %s", tt.event, e.wrong)
		}
		if got := fmt.Sprint(readBody(t, c, s, e.b.FinishedBytes())); got != "map["+strings.TrimPrefix(tt.want, "map[") {
			t.Errorf("%s\n%s, want\n%s", tt.body.Type, got, tt.want)
		}
	}
}

// Results that have no place on the wire are faults of ours, and answered as such; events of that kind are lost, and told.
func TestWhatCannotBeWritten(t *testing.T) {
	s, c := schemaOf(t, latest), codecOf(t, latest)
	e := &encoder{b: flatbuffers.NewBuilder(4096)}
	for name, result := range map[string]any{
		proto.ProducerDumpMethod: proto.ProducerDump{Kind: "smell"},
		proto.RouterDumpMethod:   proto.WorkerDump{},
	} {
		c.response(e, 3, name, result, nil)
		w := readMessageOf(t, s, e.b.FinishedBytes())["data"].(word)["Response"].(word)
		if w["accepted"] != uint64(0) || w["error"] != "Error" || !strings.Contains(w["reason"].(string), "the result: ") {
			t.Errorf("%s: %v", name, w)
		}
	}
	if !c.event(e, "c", proto.EventConsumerScore, proto.RouterDump{}, nil) || e.wrong == "" {
		t.Error("a wrong body was written")
	}
	if c.event(e, "t", proto.EventTransportListenServerClose, nil, nil) {
		t.Error("an event that libraries do not know was written")
	}
	// Numbers that do not fit become the nearest that do; -1 and 300 as bytes are 0 and 255.
	c.event(e, "c", proto.EventConsumerScore, proto.ConsumerScore{ProducerScores: []int{-1, 300}}, nil)
	if got := fmt.Sprint(readBody(t, c, s, e.b.FinishedBytes())["score"].(word)["producer_scores"]); got != "[0 255]" {
		t.Errorf("scores %s", got)
	}
}

// What libraries say in their way is read in ours.
func TestAdapted(t *testing.T) {
	c, err := Compile(schemaOf(t, latest), &proto.PortRange{Min: 4000, Max: 4100})
	if err != nil {
		t.Fatal(err)
	}
	info := proto.ListenInfo{PortRange: &proto.PortRange{}}
	c.listenInfo(&info)
	if info.PortRange == nil || info.PortRange.Min != 4000 {
		t.Errorf("no port and no range is %+v", info.PortRange)
	}
	info = proto.ListenInfo{Port: 7, PortRange: &proto.PortRange{}}
	if c.listenInfo(&info); info.PortRange != nil {
		t.Errorf("a port and no range is %+v", info.PortRange)
	}
	no := false
	o := proto.WebRTCTransportOptions{EnableTCP: &no, PreferUDP: true}
	if listenTogether(&o); !*o.EnableTCP || !*o.EnableUDP || o.PreferUDP {
		t.Errorf("options %+v", o)
	}
	o = proto.WebRTCTransportOptions{WebRTCServerID: "s", EnableTCP: &no, PreferUDP: true}
	if listenTogether(&o); *o.EnableTCP || o.EnableUDP != nil || !o.PreferUDP {
		t.Errorf("options with a server %+v", o)
	}
	sizes := proto.SCTPOptions{MaxSendMessageSize: 1 << 28, SCTPSendBufferSize: 5}
	if fit(&sizes); sizes.MaxSendMessageSize != maxSize || sizes.SCTPSendBufferSize != 5 {
		t.Errorf("sizes %+v", sizes)
	}
	words := []string{"b", "a", "b", "b"}
	if once(&words); !reflect.DeepEqual(words, []string{"b", "a"}) {
		t.Errorf("words %v", words)
	}
	for from, to := range map[string]string{"VIDEO/h264": "video/H264", "audio/Opus": "audio/opus", "audio/Mine": "audio/Mine", "odd": "odd"} {
		if canonical(&from); from != to {
			t.Errorf("%s, want %s", from, to)
		}
	}
}
