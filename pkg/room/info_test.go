package room

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// What administrators are told of a room, word for word.
func TestInfo(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	s := newStage(t, rs, "r")
	if err := s.a.PauseProducer(t.Context(), s.mine.video); err != nil {
		t.Fatal(err)
	}
	enter(t, rs, "r", "late")
	text, err := json.Marshal(s.room.Info())
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	for id, name := range map[string]string{
		s.mine.producer: "A1", s.mine.video: "A2", s.mine.dataProducer: "A3", s.theirs.producer: "B1", s.theirs.video: "B2", s.theirs.dataProducer: "B3",
	} {
		got = strings.ReplaceAll(got, id, name)
	}
	want := `{"id":"r","peers":[` +
		`{"id":"a","displayName":"a","joined":true,` +
		`"producers":[{"id":"A1","kind":"audio","type":"simple","paused":false},{"id":"A2","kind":"video","type":"simple","paused":true}],` +
		`"dataProducers":[{"id":"A3","label":"chat","protocol":""}],"transports":2,"consumers":2,"dataConsumers":1},` +
		`{"id":"b","displayName":"b","joined":true,` +
		`"producers":[{"id":"B1","kind":"audio","type":"simple","paused":false},{"id":"B2","kind":"video","type":"simple","paused":false}],` +
		`"dataProducers":[{"id":"B3","label":"chat","protocol":""}],"transports":2,"consumers":2,"dataConsumers":1},` +
		`{"id":"late","displayName":"","joined":false,"producers":[],"dataProducers":[],"transports":0,"consumers":0,"dataConsumers":0}],` +
		`"broadcasters":[{"id":"x","displayName":"X","device":{"flag":"broadcaster","name":"go"},"joined":true,` +
		`"producers":[],"dataProducers":[],"transports":1,"consumers":0,"dataConsumers":0}]}`
	if got != want {
		t.Errorf("is  %s\nnot %s", got, want)
	}
}

// An administrator sees the rooms that the grant covers, and nobody else any.
func TestList(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	for _, id := range []string{"b", "a", "c"} {
		enter(t, rs, id, "p")
	}
	for _, tt := range []struct {
		g    auth.Grant
		want []string
	}{
		{auth.Everything(), []string{"a", "b", "c"}},
		{auth.Grant{Admin: true}, []string{"a", "b", "c"}},
		{auth.Grant{Admin: true, Room: "b"}, []string{"b"}},
		{auth.Grant{Admin: true, Room: "none"}, nil},
	} {
		list, err := rs.List(tt.g)
		var ids []string
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		if err != nil || list == nil || !reflect.DeepEqual(ids, tt.want) {
			t.Errorf("%+v: %v, %v", tt.g, ids, err)
		}
	}
	for _, g := range []auth.Grant{{}, {Room: "a"}, grantOf("a", "p", without("admin")...)} {
		if list, err := rs.List(g); code(err) != proto.CodeForbidden || list != nil {
			t.Errorf("%+v: %v, %v", g, list, err)
		}
	}
}

func TestStats(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	check := func(step string, want Stats) {
		t.Helper()
		if got := rs.Stats(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", step, got, want)
		}
	}
	check("at first", Stats{Refusals: map[string]uint64{}})
	s := newStage(t, rs, "r")
	late, _ := enter(t, rs, "r", "late")
	enter(t, rs, "s", "p")
	check("all here", Stats{Rooms: 2, Peers: 4, JoinedPeers: 2, Broadcasters: 1, RoomsOpened: 2, PeersEntered: 4, Refusals: map[string]uint64{}})
	late.Leave()
	enter(t, rs, "r", "a") // replaces the first one, and does not join
	check("replaced", Stats{Rooms: 2, Peers: 3, JoinedPeers: 1, Broadcasters: 1, RoomsOpened: 2, PeersEntered: 5, Refusals: map[string]uint64{}})
	_, _ = rs.Room(auth.Grant{}, "r")
	_, _ = rs.Room(auth.Grant{Expires: clock}, "r")
	s.b.give(auth.Grant{})
	_ = s.b.CloseRoom()
	if err := s.room.ClosePeer(auth.Everything(), "b"); err != nil {
		t.Fatal(err)
	}
	if err := rs.CloseRoom(auth.Everything(), "r"); err != nil {
		t.Fatal(err)
	}
	check("closed", Stats{
		Rooms: 1, Peers: 1, RoomsOpened: 2, PeersEntered: 5, Refusals: map[string]uint64{reasonForbidden: 2, reasonUnauthorized: 1},
	})
	got := rs.Stats()
	got.Refusals["x"] = 1 // is the caller's own
	if rs.Stats().Refusals["x"] != 0 {
		t.Error("the counters are handed out")
	}
}
