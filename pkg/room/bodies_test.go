package room

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// What a request says wrong is refused with the name of the field, and changes nothing.
func TestWrongBodies(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	s := newStage(t, rs, "r")
	ctx := t.Context()
	minus, long := -1, strings.Repeat("x", 8<<10)
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	guest, _ := enter(t, rs, "r", "guest")
	join := func(b Join) error { return guest.Join(b, func(JoinResult) { t.Error("it has joined") }) }
	cast := func(b CreateBroadcaster) error { return errOf(s.room.CreateBroadcaster(auth.Everything(), b)) }
	device := &BroadcasterDevice{Name: "go"}
	before := mustJSON(s.room.Info())
	for i, tt := range []struct {
		path string
		err  error
	}{
		{"displayName", join(Join{DisplayName: long})},
		{"displayName", join(Join{DisplayName: "\xff"})},
		{"device", join(Join{Device: raw(`"chrome"`)})},
		{"device", join(Join{Device: raw(`{"name":"` + long + `"}`)})},
		{"rtpCapabilities", join(Join{RTPCapabilities: raw(`7`)})},
		{"displayName", s.a.ChangeDisplayName(long)},

		{"dtlsParameters", s.a.ConnectWebRTCTransport(ctx, ConnectWebRTCTransport{TransportID: s.mine.send})},
		{"kind", errOf(s.a.Produce(ctx, Produce{TransportID: s.mine.send, Kind: "smell", RTPParameters: opus(1)}))},
		{"kind", errOf(s.a.Produce(ctx, Produce{TransportID: s.mine.send, RTPParameters: opus(1)}))},
		{"rtpParameters", errOf(s.a.Produce(ctx, Produce{TransportID: s.mine.send, Kind: proto.Audio, RTPParameters: raw(`7`)}))},
		{"rtpParameters.codecs", errOf(s.a.Produce(ctx, Produce{TransportID: s.mine.send, Kind: proto.Audio, RTPParameters: raw(`{"codecs":7}`)}))},
		{"sctpStreamParameters", errOf(s.a.ProduceData(ctx, ProduceData{TransportID: s.mine.send}))},
		{"sctpStreamParameters", errOf(s.a.ProduceData(ctx, ProduceData{TransportID: s.mine.send, SCTPStreamParameters: raw(`[]`)}))},
		{"label", errOf(s.a.ProduceData(ctx, ProduceData{TransportID: s.mine.send, SCTPStreamParameters: raw(`{"streamId":3}`), Label: long}))},
		{"protocol", errOf(s.a.ProduceData(ctx, ProduceData{TransportID: s.mine.send, SCTPStreamParameters: raw(`{"streamId":3}`), Protocol: long}))},
		{"spatialLayer", s.a.SetConsumerPreferredLayers(ctx, SetConsumerPreferredLayers{ConsumerID: s.mine.consumer, SpatialLayer: -1})},
		{"temporalLayer", s.a.SetConsumerPreferredLayers(ctx, SetConsumerPreferredLayers{ConsumerID: s.mine.consumer, TemporalLayer: &minus})},
		{"priority", s.a.SetConsumerPriority(ctx, s.mine.consumer, 0)},
		{"priority", s.a.SetConsumerPriority(ctx, s.mine.consumer, 256)},

		{"id", cast(CreateBroadcaster{DisplayName: "X", Device: device})},
		{"id", cast(CreateBroadcaster{ID: long, DisplayName: "X", Device: device})},
		{"displayName", cast(CreateBroadcaster{ID: "y", Device: device})},
		{"displayName", cast(CreateBroadcaster{ID: "y", DisplayName: long, Device: device})},
		{"device.name", cast(CreateBroadcaster{ID: "y", DisplayName: "X"})},
		{"device.name", cast(CreateBroadcaster{ID: "y", DisplayName: "X", Device: &BroadcasterDevice{}})},
		{"device", cast(CreateBroadcaster{ID: "y", DisplayName: "X", Device: &BroadcasterDevice{Name: long}})},
		{"rtpCapabilities", cast(CreateBroadcaster{ID: "y", DisplayName: "X", Device: device, RTPCapabilities: raw(`7`)})},
		{"type", errOf(s.x.CreateTransport(ctx, CreateBroadcasterTransport{Type: "pigeon"}))},
		{"dtlsParameters", s.x.ConnectTransport(ctx, s.casts.send, ConnectBroadcasterTransport{})},
		{"kind", errOf(s.x.Produce(ctx, Produce{TransportID: s.casts.send, Kind: "smell", RTPParameters: opus(1)}))},
	} {
		var e *proto.Error
		if !errors.As(tt.err, &e) || e.Name != proto.TypeErrorName || e.Path != tt.path {
			t.Errorf("%d: %v, want one of %s", i, tt.err, tt.path)
		}
	}
	if after := mustJSON(s.room.Info()); string(after) != string(before) {
		t.Errorf("the room has changed from %s\nto %s", before, after)
	}
	if len(before) == 0 || s.room.ID() != "r" || s.a.ID() != "a" {
		t.Errorf("%s, %s", s.room.ID(), s.a.ID())
	}
}

// What comes at the wrong time is told from what is wrong.
func TestWrongTimes(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	s := newStage(t, rs, "r")
	ctx := t.Context()
	guest, _ := enter(t, rs, "r", "guest")
	deaf, err := s.room.CreateBroadcaster(auth.Everything(), CreateBroadcaster{ID: "deaf", DisplayName: "X", Device: &BroadcasterDevice{Name: "go"}})
	if err != nil || deaf.Peers == nil || len(deaf.Peers) != 0 {
		t.Fatalf("%+v, %v", deaf, err)
	}
	cast, err := s.room.Broadcaster(auth.Everything(), "deaf")
	if err != nil {
		t.Fatal(err)
	}
	info, err := cast.CreateTransport(ctx, CreateBroadcasterTransport{Type: "plain"})
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"a name before joining":     guest.ChangeDisplayName("g"),
		"media before joining":      errOf(guest.Produce(ctx, Produce{TransportID: "t", Kind: proto.Audio, RTPParameters: opus(1)})),
		"messages before joining":   errOf(guest.ProduceData(ctx, produceData("t", 1))),
		"a producer before joining": guest.CloseProducer("p"),
		"a consumer before joining": guest.PauseConsumer(ctx, "c"),
		"joining twice":             s.a.Join(Join{}, func(JoinResult) { t.Error("it joins twice") }),
		"consuming without a codec": errOf(cast.Consume(ctx, info.(PlainTransportInfo).ID, s.mine.producer)),
		"a broadcaster's end, twice": func() error {
			body := ConnectBroadcasterTransport{IP: "127.0.0.1", Port: 9}
			if err := cast.ConnectTransport(ctx, info.(PlainTransportInfo).ID, body); err != nil {
				t.Error(err) // comedia does not mind what it is told
			}
			return cast.ConnectTransport(ctx, info.(PlainTransportInfo).ID, body)
		}(),
		"a peer who left, its grant": func() error { guest.Leave(); return guest.SetGrant(auth.Everything()) }(),
	} {
		if err == nil || code(err) == proto.CodeForbidden || code(err) == proto.CodeNotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := newBroadcaster(s, "x"); code(err) != proto.CodeDuplicate {
		t.Errorf("an id that is taken: %v", err)
	}
}

// Who may not receive is told nothing of what there is to receive; who may, of what it can take.
func TestConsumables(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	s := newStage(t, rs, "r")
	caps := mustJSON(s.room.RTPCapabilities())
	for i, tt := range []struct {
		g    auth.Grant
		caps json.RawMessage
		want int // producers
	}{
		{grantOf("r", "", "subscribe"), caps, 4},
		{grantOf("r", "", "subscribe"), nil, 0},
		{grantOf("r", "", "subscribe"), json.RawMessage(`{"codecs":[{"kind":"audio","mimeType":"audio/opus","preferredPayloadType":100,"clockRate":48000,"channels":2}]}`), 2},
		{grantOf("r", "", without("subscribe")...), caps, 0},
	} {
		made, err := s.room.CreateBroadcaster(tt.g, CreateBroadcaster{
			ID: fmt.Sprint("y", i), DisplayName: "Y", Device: &BroadcasterDevice{Name: "go"}, RTPCapabilities: tt.caps,
		})
		n := 0
		for _, p := range made.Peers {
			n += len(p.Producers)
		}
		if err != nil || made.Peers == nil || n != tt.want {
			t.Errorf("%d: %+v, %v", i, made, err)
		}
	}
}
