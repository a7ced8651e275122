package room

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// act is a request and the rights it needs: each of needs, and one of oneOf.
type act struct {
	method string // of the type that is named in the table
	needs  []string
	oneOf  []string
	id     string // what its ids are of: transport, producer, consumer, dataProducer, dataConsumer, peer; "": it has none
	call   func(ctx context.Context, s *stage, of ids) error
}

func dtlsOf() *proto.DTLSParameters {
	return &proto.DTLSParameters{Role: "client", Fingerprints: []proto.DTLSFingerprint{{
		Algorithm: "sha-256",
		Value:     "82:5A:68:3D:36:C3:0A:DE:AF:E7:32:43:D2:88:83:57:AC:2D:65:E5:80:C4:B6:FB:AF:1A:A0:21:9F:6D:0C:AD",
	}}}
}

var anyRight = []string{"audio", "video", "data", "subscribe"}

// peerActs is every request of a peer, who is a.
var peerActs = []act{
	{method: "RouterRTPCapabilities", call: func(_ context.Context, s *stage, _ ids) error { return errOf(s.a.RouterRTPCapabilities()) }},
	{method: "CreateWebRTCTransport", oneOf: anyRight[:3], call: func(ctx context.Context, s *stage, _ ids) error {
		return errOf(s.a.CreateWebRTCTransport(ctx, CreateWebRTCTransport{Producing: true}))
	}},
	{method: "CreateWebRTCTransport", needs: []string{"subscribe"}, call: func(ctx context.Context, s *stage, _ ids) error {
		return errOf(s.a.CreateWebRTCTransport(ctx, CreateWebRTCTransport{Consuming: true}))
	}},
	{method: "CreateWebRTCTransport", needs: []string{"subscribe"}, oneOf: anyRight[:3], call: func(ctx context.Context, s *stage, _ ids) error {
		return errOf(s.a.CreateWebRTCTransport(ctx, CreateWebRTCTransport{Producing: true, Consuming: true}))
	}},
	{method: "CreateWebRTCTransport", oneOf: anyRight, call: func(ctx context.Context, s *stage, _ ids) error {
		return errOf(s.a.CreateWebRTCTransport(ctx, CreateWebRTCTransport{}))
	}},
	{method: "ConnectWebRTCTransport", id: "transport", call: func(ctx context.Context, s *stage, of ids) error {
		return s.a.ConnectWebRTCTransport(ctx, ConnectWebRTCTransport{TransportID: of.send, DTLSParameters: dtlsOf()})
	}},
	{method: "RestartICE", id: "transport", call: func(ctx context.Context, s *stage, of ids) error { return errOf(s.a.RestartICE(ctx, of.send)) }},
	{method: "TransportStats", id: "transport", call: func(ctx context.Context, s *stage, of ids) error { return errOf(s.a.TransportStats(ctx, of.send)) }},
	{method: "Join", call: func(_ context.Context, s *stage, _ ids) error {
		s.room.mu.Lock()
		s.a.joined = false // it has joined
		s.room.mu.Unlock()
		return s.a.Join(Join{DisplayName: "a"}, func(JoinResult) {})
	}},
	{method: "ChangeDisplayName", call: func(_ context.Context, s *stage, _ ids) error { return s.a.ChangeDisplayName("A") }},
	{method: "Produce", needs: []string{"audio"}, id: "transport", call: func(ctx context.Context, s *stage, of ids) error {
		return errOf(s.a.Produce(ctx, Produce{TransportID: of.send, Kind: proto.Audio, RTPParameters: opus(11)}))
	}},
	{method: "Produce", needs: []string{"video"}, id: "transport", call: func(ctx context.Context, s *stage, of ids) error {
		return errOf(s.a.Produce(ctx, Produce{TransportID: of.send, Kind: proto.Video, RTPParameters: vp8(12)}))
	}},
	{method: "CloseProducer", id: "producer", call: func(_ context.Context, s *stage, of ids) error { return s.a.CloseProducer(of.producer) }},
	{method: "PauseProducer", id: "producer", call: func(ctx context.Context, s *stage, of ids) error { return s.a.PauseProducer(ctx, of.producer) }},
	{method: "ResumeProducer", id: "producer", call: func(ctx context.Context, s *stage, of ids) error { return s.a.ResumeProducer(ctx, of.producer) }},
	{method: "ProducerStats", id: "producer", call: func(ctx context.Context, s *stage, of ids) error { return errOf(s.a.ProducerStats(ctx, of.producer)) }},
	{method: "PauseConsumer", needs: []string{"subscribe"}, id: "consumer", call: func(ctx context.Context, s *stage, of ids) error {
		return s.a.PauseConsumer(ctx, of.consumer)
	}},
	{method: "ResumeConsumer", needs: []string{"subscribe"}, id: "consumer", call: func(ctx context.Context, s *stage, of ids) error {
		return s.a.ResumeConsumer(ctx, of.consumer)
	}},
	{method: "SetConsumerPreferredLayers", needs: []string{"subscribe"}, id: "consumer", call: func(ctx context.Context, s *stage, of ids) error {
		return s.a.SetConsumerPreferredLayers(ctx, SetConsumerPreferredLayers{ConsumerID: of.consumer})
	}},
	{method: "SetConsumerPriority", needs: []string{"subscribe"}, id: "consumer", call: func(ctx context.Context, s *stage, of ids) error {
		return s.a.SetConsumerPriority(ctx, of.consumer, 1)
	}},
	{method: "RequestConsumerKeyFrame", needs: []string{"subscribe"}, id: "consumer", call: func(ctx context.Context, s *stage, of ids) error {
		return s.a.RequestConsumerKeyFrame(ctx, of.consumer)
	}},
	{method: "ConsumerStats", needs: []string{"subscribe"}, id: "consumer", call: func(ctx context.Context, s *stage, of ids) error {
		return errOf(s.a.ConsumerStats(ctx, of.consumer))
	}},
	{method: "ProduceData", needs: []string{"data"}, id: "transport", call: func(ctx context.Context, s *stage, of ids) error {
		return errOf(s.a.ProduceData(ctx, produceData(of.send, 7)))
	}},
	{method: "DataProducerStats", id: "dataProducer", call: func(ctx context.Context, s *stage, of ids) error {
		return errOf(s.a.DataProducerStats(ctx, of.dataProducer))
	}},
	{method: "DataConsumerStats", needs: []string{"subscribe"}, id: "dataConsumer", call: func(ctx context.Context, s *stage, of ids) error {
		return errOf(s.a.DataConsumerStats(ctx, of.dataConsumer))
	}},
	{method: "ClosePeer", needs: []string{"admin"}, call: func(_ context.Context, s *stage, _ ids) error { return s.a.ClosePeer("b") }},
	{method: "ClosePeerProducer", needs: []string{"admin"}, call: func(_ context.Context, s *stage, _ ids) error {
		return s.a.ClosePeerProducer("b", s.theirs.producer)
	}},
	{method: "CloseRoom", needs: []string{"admin"}, call: func(_ context.Context, s *stage, _ ids) error { return s.a.CloseRoom() }},
}

// castActs is every request about a broadcaster, who is x.
var castActs = []act{
	{method: "CreateTransport", oneOf: anyRight, call: func(ctx context.Context, s *stage, _ ids) error {
		return errOf(s.x.CreateTransport(ctx, CreateBroadcasterTransport{Type: "webrtc"}))
	}},
	{method: "CreateTransport", oneOf: anyRight, call: func(ctx context.Context, s *stage, _ ids) error {
		return errOf(s.x.CreateTransport(ctx, CreateBroadcasterTransport{Type: "plain"}))
	}},
	{method: "ConnectTransport", oneOf: anyRight, id: "transport", call: func(ctx context.Context, s *stage, of ids) error {
		return s.x.ConnectTransport(ctx, of.send, ConnectBroadcasterTransport{DTLSParameters: dtlsOf()})
	}},
	{method: "Produce", needs: []string{"audio"}, id: "transport", call: func(ctx context.Context, s *stage, of ids) error {
		return errOf(s.x.Produce(ctx, Produce{TransportID: of.send, Kind: proto.Audio, RTPParameters: opus(21)}))
	}},
	{method: "Produce", needs: []string{"video"}, id: "transport", call: func(ctx context.Context, s *stage, of ids) error {
		return errOf(s.x.Produce(ctx, Produce{TransportID: of.send, Kind: proto.Video, RTPParameters: vp8(22)}))
	}},
	{method: "Consume", needs: []string{"subscribe"}, id: "transport", call: func(ctx context.Context, s *stage, of ids) error {
		return errOf(s.x.Consume(ctx, of.send, s.casts.roomProducer))
	}},
	{method: "ProduceData", needs: []string{"data"}, id: "transport", call: func(ctx context.Context, s *stage, of ids) error {
		return errOf(s.x.ProduceData(ctx, produceData(of.send, 7)))
	}},
	{method: "ConsumeData", needs: []string{"subscribe"}, id: "transport", call: func(ctx context.Context, s *stage, of ids) error {
		return errOf(s.x.ConsumeData(ctx, of.send, s.casts.dataProducer))
	}},
}

// roomActs is every request that brings its own grant, which call takes from the broadcaster's.
var roomActs = []act{
	{method: "Room.CreateBroadcaster", oneOf: anyRight, call: func(_ context.Context, s *stage, _ ids) error {
		return errOf(s.room.CreateBroadcaster(s.x.grant, CreateBroadcaster{ID: "y", DisplayName: "Y", Device: &BroadcasterDevice{Name: "go"}}))
	}},
	{method: "Room.Broadcaster", call: func(_ context.Context, s *stage, _ ids) error { return errOf(s.room.Broadcaster(s.x.grant, "x")) }},
	{method: "Room.DeleteBroadcaster", call: func(_ context.Context, s *stage, _ ids) error { return s.room.DeleteBroadcaster(s.x.grant, "x") }},
	{method: "Room.ClosePeer", needs: []string{"admin"}, call: func(_ context.Context, s *stage, _ ids) error { return s.room.ClosePeer(s.x.grant, "b") }},
	{method: "Room.ClosePeerProducer", needs: []string{"admin"}, call: func(_ context.Context, s *stage, _ ids) error {
		return s.room.ClosePeerProducer(s.x.grant, "b", s.theirs.producer)
	}},
	{method: "Rooms.CloseRoom", needs: []string{"admin"}, call: func(_ context.Context, s *stage, _ ids) error {
		return s.rooms.CloseRoom(s.x.grant, s.room.id)
	}},
	{method: "Rooms.List", needs: []string{"admin"}, call: func(_ context.Context, s *stage, _ ids) error { return errOf(s.rooms.List(s.x.grant)) }},
	{method: "Rooms.Room", call: func(_ context.Context, s *stage, _ ids) error { return errOf(s.rooms.Room(s.x.grant, s.room.id)) }},
	{method: "Rooms.Enter", call: func(ctx context.Context, s *stage, _ ids) error {
		return errOf(s.rooms.Enter(ctx, Entry{RoomID: s.room.id, PeerID: "c", Grant: s.x.grant}, newFake()))
	}},
	{method: "Rooms.Enter", needs: []string{"admin"}, call: func(ctx context.Context, s *stage, _ ids) error {
		return errOf(s.rooms.Enter(ctx, Entry{RoomID: s.room.id, PeerID: "c", ConsumerReplicas: 1, Grant: s.x.grant}, newFake()))
	}},
	{method: "Peer.SetGrant", call: func(_ context.Context, s *stage, _ ids) error { return s.a.SetGrant(s.x.grant) }},
}

// allActs is every request there is, and how its grant is set.
func allActs() map[string]struct {
	acts []act
	give func(*stage, auth.Grant)
} {
	ofCast := func(s *stage, g auth.Grant) { s.x.grant = g }
	return map[string]struct {
		acts []act
		give func(*stage, auth.Grant)
	}{
		"Peer":              {peerActs, func(s *stage, g auth.Grant) { s.a.give(g) }},
		"BroadcasterAccess": {castActs, ofCast},
		"with its grant":    {roomActs, ofCast},
	}
}

// No request can be added without being in these tables: what is exported is in them, or is no request.
func TestEveryRequestIsListed(t *testing.T) {
	listed := map[string]bool{
		// These neither tell nor do anything that a grant is about, or are for the program itself.
		"Peer.ID": true, "Peer.Leave": true, "Peer.Joined": true, "Peer.Grant": true,
		"Room.ID": true, "Room.RTPCapabilities": true, "Room.Info": true, // who has the room passed Rooms.Room
		"Rooms.Close": true, "Rooms.Stats": true,
	}
	for _, a := range peerActs {
		listed["Peer."+a.method] = true
	}
	for _, a := range castActs {
		listed["BroadcasterAccess."+a.method] = true
	}
	for _, a := range roomActs {
		listed[a.method] = true
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[*Peer](), reflect.TypeFor[BroadcasterAccess](), reflect.TypeFor[*Room](), reflect.TypeFor[*Rooms]()} {
		name := typ.Name()
		if typ.Kind() == reflect.Pointer {
			name = typ.Elem().Name()
		}
		for i := range typ.NumMethod() {
			if full := name + "." + typ.Method(i).Name; !listed[full] {
				t.Errorf("%s is in no table of rights", full)
			}
		}
	}
}

// asking are the requests that can be made again and again.
var asking = regexp.MustCompile(`Stats|Pause|Resume|SetConsumer|KeyFrame|Restart|Router|List|Room\.Broadcaster|Rooms\.Room|ChangeDisplayName`)

// Every request × every right: without what it needs it is forbidden, whatever else the grant allows, and with it it is not.
func TestRights(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	for kind, group := range allActs() {
		for i, a := range group.acts {
			t.Run(fmt.Sprintf("%s/%s-%d", kind, a.method, i), func(t *testing.T) {
				cases := map[string]bool{"": false} // rights that are missing → forbidden
				for _, r := range allRights {
					cases[r] = slices.Contains(a.needs, r)
				}
				if a.oneOf != nil {
					cases[strings.Join(a.oneOf, " ")] = true
				}
				cases[strings.Join(allRights, " ")] = a.needs != nil || a.oneOf != nil
				var s *stage
				refused := false
				for missing, forbidden := range cases {
					// What was refused has changed nothing, nor has what only asks.
					if s == nil || !refused && !asking.MatchString(a.method) {
						s = newStage(t, rs, fmt.Sprintf("%s-%d-%s", a.method, i, missing))
					}
					group.give(s, grantOf(s.room.id, "", without(strings.Fields(missing)...)...))
					before := refusals(rs, reasonForbidden)
					err := a.call(t.Context(), s, s.of(kind))
					refused = err != nil
					counted := refusals(rs, reasonForbidden) - before
					switch {
					case forbidden && (code(err) != proto.CodeForbidden || counted != 1):
						t.Errorf("without %q: %v, counted %d times", missing, err, counted)
					case !forbidden && (err != nil || counted != 0):
						t.Errorf("without %q: %v, though it is not needed", missing, err)
					}
				}
			})
		}
	}
}

func refusals(rs *Rooms, reason string) uint64 { return rs.Stats().Refusals[reason] }

func (s *stage) of(kind string) ids {
	if kind == "Peer" {
		return s.mine
	}
	return s.casts
}

// What has expired allows nothing, whatever it allowed; one moment before, it does.
func TestExpiry(t *testing.T) {
	now := newClock()
	rs, _ := placed(t, now.configure)
	defer rs.Close()
	for kind, group := range allActs() {
		for i, a := range group.acts {
			now.set(clock)
			id := fmt.Sprintf("%s-%d", a.method, i)
			s := newStage(t, rs, id)
			g := grantOf(id, "", allRights...)
			g.Expires = clock.Add(time.Minute)
			group.give(s, g)
			now.set(g.Expires)
			before := s.room.Info()
			if err := a.call(t.Context(), s, s.of(kind)); code(err) != proto.CodeUnauthorized {
				t.Errorf("%s.%s after the end: %v", kind, a.method, err)
			}
			after := s.room.Info()
			if a.method != "Join" && !reflect.DeepEqual(before, after) {
				t.Errorf("%s.%s after the end has changed the room from %+v to %+v", kind, a.method, before, after)
			}
			now.set(g.Expires.Add(-1))
			if err := a.call(t.Context(), s, s.of(kind)); err != nil {
				t.Errorf("%s.%s before the end: %v", kind, a.method, err)
			}
		}
	}
	if refusals(rs, reasonUnauthorized) == 0 {
		t.Error("nothing is counted")
	}
}

// SECURITY.md R-WS-3: ids are resolved among what is the caller's own. Another's id, of the same room or of another one, is answered
// as one that never existed: but for the id, with the same words.
func TestForeignIDs(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	here, there := newStage(t, rs, "here"), newStage(t, rs, "there")
	never := ids{send: "never", recv: "never", producer: "never", video: "never", dataProducer: "never", consumer: "never", dataConsumer: "never"}
	before, _ := json.Marshal([]RoomInfo{here.room.Info(), there.room.Info()})
	for kind, group := range allActs() {
		for _, a := range group.acts {
			if a.id == "" {
				continue
			}
			mate := here.theirs
			if kind != "Peer" {
				mate = here.mine
			}
			for whose, of := range map[string]ids{"a mate's": mate, "another room's": there.of(kind), "never": never} {
				err := a.call(t.Context(), here, of)
				var e *proto.Error
				if !errors.As(err, &e) || e.Code != proto.CodeNotFound {
					t.Errorf("%s.%s of %s: %v", kind, a.method, whose, err)
					continue
				}
				id := map[string]string{
					"transport": of.send, "producer": of.producer, "consumer": of.consumer, "dataProducer": of.dataProducer, "dataConsumer": of.dataConsumer,
				}[a.id]
				if want := fmt.Sprintf("%s %q not found", a.id, id); e.Message != want {
					t.Errorf("%s.%s of %s: %q, want %q", kind, a.method, whose, e.Message, want)
				}
			}
		}
	}
	// What a broadcaster may take of the room must be of this room.
	for _, id := range []string{there.mine.producer, "never", here.mine.consumer, here.mine.dataProducer} {
		if err := errOf(here.x.Consume(t.Context(), here.casts.send, id)); err == nil || err.Error() != proto.NotFound("producer", id).Error() {
			t.Errorf("consume %s: %v", id, err)
		}
	}
	for _, id := range []string{there.mine.dataProducer, "never", here.mine.producer} {
		if err := errOf(here.x.ConsumeData(t.Context(), here.casts.send, id)); err == nil || err.Error() != proto.NotFound("dataProducer", id).Error() {
			t.Errorf("consume data %s: %v", id, err)
		}
	}
	// An administrator's ids are of the room, too, and a producer is its owner's.
	for _, of := range [][2]string{{"a", there.mine.producer}, {"b", here.mine.producer}, {"x", here.mine.producer}, {"nobody", "never"}} {
		if err := here.a.ClosePeerProducer(of[0], of[1]); err == nil || err.Error() != proto.NotFound("producer", of[1]).Error() {
			t.Errorf("close %v: %v", of, err)
		}
	}
	if err := here.a.ClosePeer("nobody"); code(err) != proto.CodeNotFound {
		t.Errorf("expel nobody: %v", err)
	}
	if after, _ := json.Marshal([]RoomInfo{here.room.Info(), there.room.Info()}); string(after) != string(before) {
		t.Errorf("the rooms have changed from %s\nto %s", before, after)
	}
}

// Who a grant is for: a room and an id, of which an administrator may leave the room open, and anybody the id.
func TestCovers(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	s := newStage(t, rs, "r")
	later := clock.AddDate(100, 0, 0)
	for name, tt := range map[string]struct {
		g                 auth.Grant
		enter, room, cast string // the code of the refusal
	}{
		"nothing":                 {auth.Grant{}, proto.CodeForbidden, proto.CodeForbidden, proto.CodeForbidden},
		"all rights, no room":     {grantOf("", "", "audio", "video", "data", "subscribe"), proto.CodeForbidden, proto.CodeForbidden, proto.CodeForbidden},
		"another room":            {grantOf("s", "x", allRights...), proto.CodeForbidden, proto.CodeForbidden, proto.CodeForbidden},
		"a prefix":                {grantOf("", "x", without("admin")...), proto.CodeForbidden, proto.CodeForbidden, proto.CodeForbidden},
		"the room":                {grantOf("r", ""), "", "", ""},
		"the room and id":         {grantOf("r", "x"), "", "", ""},
		"the room, another id":    {grantOf("r", "y"), proto.CodeForbidden, "", proto.CodeForbidden},
		"administrator":           {grantOf("", "", "admin"), "", "", ""},
		"administrator, other id": {grantOf("", "y", "admin"), proto.CodeForbidden, "", ""},
		"everything":              {auth.Everything(), "", "", ""},
		"expired":                 {auth.Grant{Room: "r", Expires: clock}, proto.CodeUnauthorized, proto.CodeUnauthorized, proto.CodeUnauthorized},
		"not expired":             {auth.Grant{Room: "r", Expires: later}, "", "", ""},
	} {
		if _, err := rs.Enter(t.Context(), Entry{RoomID: "r", PeerID: "x", Grant: tt.g}, newFake()); code(err) != tt.enter || (err == nil) != (tt.enter == "") {
			t.Errorf("%s enters: %v", name, err)
		}
		if _, err := rs.Room(tt.g, "r"); code(err) != tt.room || (err == nil) != (tt.room == "") {
			t.Errorf("%s finds the room: %v", name, err)
		}
		if _, err := s.room.Broadcaster(tt.g, "x"); code(err) != tt.cast || (err == nil) != (tt.cast == "") {
			t.Errorf("%s finds the broadcaster: %v", name, err)
		}
	}
	// A grant for another room does not tell whether a room is there.
	g := grantOf("s", "", allRights...)
	if a, b := errOf(rs.Room(g, "r")), errOf(rs.Room(g, "nowhere")); a == nil || b == nil || a.Error() != b.Error() {
		t.Errorf("a room that is there: %v; that is not: %v", a, b)
	}
	if err := errOf(rs.Room(g, "s")); code(err) != proto.CodeNotFound {
		t.Errorf("its own room, which is not there: %v", err)
	}
	for _, id := range []string{"r", "nowhere"} {
		if err := rs.CloseRoom(g, id); code(err) != proto.CodeForbidden {
			t.Errorf("close %s: %v", id, err)
		}
	}
	// A broadcaster has an id like everybody else.
	for id, want := range map[string]string{"mine": "", "yours": proto.CodeForbidden} {
		_, err := s.room.CreateBroadcaster(grantOf("r", "mine", "audio"), CreateBroadcaster{ID: id, DisplayName: "X", Device: &BroadcasterDevice{Name: "go"}})
		if code(err) != want || (err == nil) != (want == "") {
			t.Errorf("broadcaster %s: %v", id, err)
		}
	}
}
