package room

import (
	"strings"
	"testing"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// An administrator expels a peer: its connection closes, the others hear that it left, and what it sent ends for them.
func TestClosePeer(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	s := newStage(t, rs, "r")
	s.ca.take()
	if err := s.a.ClosePeer("b"); err != nil {
		t.Fatal(err)
	}
	if s.cb.closed() != CloseExpelled || s.ca.closed() != 0 {
		t.Errorf("closed with %d, and a with %d", s.cb.closed(), s.ca.closed())
	}
	s.ca.await(t, "peerClosed")
	s.ca.await(t, "consumerClosed")
	s.ca.await(t, "dataConsumerClosed")
	s.b.Leave() // the session's end follows
	if err := s.b.ChangeDisplayName("B"); err == nil && strings.Contains(s.ca.take(), "peerDisplayNameChanged") {
		t.Error("who was expelled is heard")
	}
	if _, err := s.b.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{}); code(err) != proto.CodeInvalidState {
		t.Errorf("a transport for who was expelled: %v", err)
	}
	if err := s.a.ClosePeer("b"); code(err) != proto.CodeNotFound {
		t.Errorf("twice: %v", err)
	}
	// A broadcaster is a peer to the others.
	if err := s.a.ClosePeer("x"); err != nil {
		t.Error(err)
	}
	if info := s.room.Info(); len(info.Peers) != 1 || len(info.Broadcasters) != 0 {
		t.Errorf("left are %+v", info)
	}
	// Oneself, too; and the last one closes the room.
	if err := s.a.ClosePeer("a"); err != nil || s.ca.closed() != CloseExpelled {
		t.Errorf("oneself: %v, closed with %d", err, s.ca.closed())
	}
	if _, err := rs.Room(auth.Everything(), "r"); code(err) != proto.CodeNotFound {
		t.Errorf("the room: %v", err)
	}
}

// An administrator closes what another sends: its owner hears why, the others that it is over, and nothing else ends.
func TestClosePeerProducer(t *testing.T) {
	rs, _ := placed(t)
	defer rs.Close()
	s := newStage(t, rs, "r")
	s.ca.take()
	s.cb.take()
	if err := s.a.ClosePeerProducer("b", s.theirs.video); err != nil {
		t.Fatal(err)
	}
	if told := s.cb.take(); told != `producerClosed{"producerId":"`+s.theirs.video+`","reason":"closed by an administrator"}` {
		t.Errorf("the owner is told %s", told)
	}
	s.ca.await(t, "consumerClosed")
	if told := s.ca.take(); strings.Contains(told, "producerClosed") {
		t.Errorf("the other is told %s", told)
	}
	if err := s.b.PauseProducer(t.Context(), s.theirs.video); code(err) != proto.CodeNotFound {
		t.Errorf("its owner pauses it: %v", err)
	}
	if err := s.a.ClosePeerProducer("b", s.theirs.video); code(err) != proto.CodeNotFound {
		t.Errorf("twice: %v", err)
	}
	if info := s.room.Info().Peers[1]; len(info.Producers) != 1 || info.Producers[0].ID != s.theirs.producer || len(info.DataProducers) != 1 {
		t.Errorf("left is %+v", info)
	}
	// A broadcaster has nobody to tell.
	made, err := s.x.Produce(t.Context(), Produce{TransportID: s.casts.send, Kind: proto.Audio, RTPParameters: opus(5)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.a.ClosePeerProducer("x", made.ID); err != nil {
		t.Error(err)
	}
	if info := s.room.Info().Broadcasters[0]; len(info.Producers) != 0 {
		t.Errorf("left is %+v", info)
	}
}

// An administrator closes a room: everybody's connection closes, and nothing of it is left.
func TestCloseRoom(t *testing.T) {
	for name, end := range map[string]func(rs *Rooms, a *Peer) error{
		"from outside": func(rs *Rooms, _ *Peer) error { return rs.CloseRoom(auth.Grant{Admin: true}, "r") },
		"from inside":  func(_ *Rooms, a *Peer) error { return a.CloseRoom() },
	} {
		rs, w := placed(t)
		s := newStage(t, rs, "r")
		other, _ := enter(t, rs, "other", "o")
		if err := end(rs, s.a); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s.ca.closed() != CloseRoomClosed || s.cb.closed() != CloseRoomClosed {
			t.Errorf("%s: closed with %d and %d", name, s.ca.closed(), s.cb.closed())
		}
		if _, err := rs.Room(auth.Everything(), "r"); code(err) != proto.CodeNotFound || w.Routers() != 1 {
			t.Errorf("%s: %v, %d routers", name, err, w.Routers())
		}
		if err := rs.CloseRoom(auth.Everything(), "r"); code(err) != proto.CodeNotFound {
			t.Errorf("%s, twice: %v", name, err)
		}
		// What those say who have not noticed yet comes to nothing, and opens nothing.
		for what, err := range map[string]error{
			"transport":   errOf(s.a.CreateWebRTCTransport(t.Context(), CreateWebRTCTransport{})),
			"produce":     errOf(s.a.Produce(t.Context(), Produce{TransportID: s.mine.send, Kind: proto.Audio, RTPParameters: opus(9)})),
			"cast":        errOf(s.x.CreateTransport(t.Context(), CreateBroadcasterTransport{Type: "plain"})),
			"broadcaster": newBroadcaster(s, "y"),
			"grant":       s.a.SetGrant(auth.Everything()),
		} {
			if err == nil {
				t.Errorf("%s: %s in a closed room", name, what)
			}
		}
		if other.room.gone() {
			t.Errorf("%s: the other room is closed", name)
		}
		rs.Close()
	}
}
