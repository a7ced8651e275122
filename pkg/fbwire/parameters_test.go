package fbwire

import (
	"fmt"
	"reflect"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"gazpacho/proto"
)

// Parameters of codecs come back as the values they are. What has no type on the wire becomes text.
func TestParameters(t *testing.T) {
	c := codecOf(t, latest)
	e := &encoder{b: flatbuffers.NewBuilder(1024)}
	sent := proto.CodecParameters{
		"apt": 96, "big": uint64(1) << 40, "float": 0.5, "level": "42e01f", "list": []any{1, int64(-2)}, "negative": int8(-1), "nothing": "", "off": false,
		"on": true, "strange": struct{ A int }{3}, "whole": 3.0, "zero": 0,
	}
	want := proto.CodecParameters{
		"apt": int64(96), "big": float64(1 << 40), "float": 0.5, "level": "42e01f", "list": []any{int64(1), int64(-2)}, "negative": int64(-1), "nothing": "",
		"off": false, "on": true, "strange": "{3}", "whole": int64(3), "zero": int64(0),
	}
	c.response(e, 1, proto.ProducerDumpMethod, proto.ProducerDump{
		Kind: proto.Audio, Type: proto.Simple,
		RTPParameters: proto.RTPParameters{Codecs: []proto.RTPCodecParameters{{Parameters: sent}}},
	}, nil)
	if e.wrong != "" {
		t.Fatal(e.wrong)
	}
	dump := readBody(t, c, schemaOf(t, latest), e.b.FinishedBytes())
	codec := dump["rtp_parameters"].(word)["codecs"].([]any)[0].(word)
	var names []string
	for _, p := range codec["parameters"].([]any) {
		names = append(names, p.(word)["name"].(string))
	}
	if got := fmt.Sprint(names); got != "[apt big float level list negative nothing off on strange whole zero]" {
		t.Errorf("names %s", got)
	}
	// Read again, as a library's.
	comp := &compiler{codec: c, decoders: map[pair]*objectDecoder{}, encoders: map[pair]*objectEncoder{}}
	list := schemaOf(t, latest).Tables[root+"RtpParameters.RtpCodecParameters"].field("parameters").Type
	plan, err := comp.parameters(list)
	if err != nil {
		t.Fatal(err)
	}
	decode, err := comp.decodeParameters(list)
	if err != nil {
		t.Fatal(err)
	}
	e.reset()
	e.b.Finish(plan.encode(e, reflect.ValueOf(sent)))
	d := decoder{buffer: newBuffer(e.b.FinishedBytes())}
	var got proto.CodecParameters
	if !decode(&d, 0, reflect.ValueOf(&got).Elem()) || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, d.err())
	}
}

// Optional scalars are there or not; absent ones that are not optional have their defaults.
func TestOptionalAndDefaults(t *testing.T) {
	s, c := schemaOf(t, latest), codecOf(t, latest)
	e := &encoder{b: flatbuffers.NewBuilder(1024)}
	zero := 0
	for _, tt := range []struct {
		layers *proto.ConsumerLayers
		want   string
	}{
		{nil, "map[]"},
		{&proto.ConsumerLayers{}, "map[layers:map[spatial_layer:0]]"},
		{&proto.ConsumerLayers{SpatialLayer: 1, TemporalLayer: &zero}, "map[layers:map[spatial_layer:1 temporal_layer:0]]"},
	} {
		c.event(e, "c", proto.EventConsumerLayersChange, proto.LayersChange{Layers: tt.layers}, nil)
		if got := fmt.Sprint(readBody(t, c, s, e.b.FinishedBytes())); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
	// A request with nothing but what is required.
	g := newGenerator()
	m := c.answers[proto.RouterCreateWebRTCTransport]
	request := c.envelope.requestBodies.Values[m.arm].Table
	options := request.field("options").Type.Table
	base, listen := options.field("base"), options.field("listen")
	individual := listen.Type.Enum.arm("ListenIndividual")
	g.b.StartVector(4, 0, 4)
	infos := g.b.EndVector(0)
	g.b.StartObject(individual.Table.Slots)
	g.b.PrependUOffsetTSlot(individual.Table.field("listen_infos").Slot, infos, 0)
	arm := g.b.EndObject()
	g.b.StartObject(base.Type.Table.Slots)
	common := g.b.EndObject()
	g.b.StartObject(options.Slots)
	g.b.PrependUOffsetTSlot(base.Slot, common, 0)
	g.b.PrependUOffsetTSlot(listen.Slot, arm, 0)
	g.b.PrependByteSlot(listen.Slot-1, byte(individual.Number), 0)
	all := g.b.EndObject()
	id := g.b.CreateString("t")
	g.b.StartObject(request.Slots)
	g.b.PrependUOffsetTSlot(request.field("transport_id").Slot, id, 0)
	g.b.PrependUOffsetTSlot(request.field("options").Slot, all, 0)
	message := g.request(c, 1, 9, "r", m.arm, g.b.EndObject())[prefix:]
	var got proto.WebRTCTransportOptions
	if refused := decodeBody(m.body, m.typ, message, bodyOf(c, message), &got); refused != nil {
		t.Fatal(refused)
	}
	if got.TransportID != "t" || *got.ICEConsentTimeout != 30 || got.InitialAvailableOutgoingBitrate != nil || got.EnableSCTP || got.PreferTCP {
		t.Errorf("got %+v", got)
	}
	// The union without its arm.
	message = g.request(c, 1, 9, "r", m.arm, func() flatbuffers.UOffsetT {
		g.b.StartObject(base.Type.Table.Slots)
		common := g.b.EndObject()
		g.b.StartObject(options.Slots)
		g.b.PrependUOffsetTSlot(base.Slot, common, 0)
		all := g.b.EndObject()
		id := g.b.CreateString("t")
		g.b.StartObject(request.Slots)
		g.b.PrependUOffsetTSlot(request.field("transport_id").Slot, id, 0)
		g.b.PrependUOffsetTSlot(request.field("options").Slot, all, 0)
		return g.b.EndObject()
	}())[prefix:]
	if refused := decodeBody(m.body, m.typ, message, bodyOf(c, message), &got); refused == nil || refused.Message != "listen is missing" {
		t.Errorf("without an arm: %v", refused)
	}
}
