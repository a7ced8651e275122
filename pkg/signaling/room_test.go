package signaling

import (
	"testing"

	"gazpacho/pkg/room"
	"gazpacho/proto"
)

func TestTwoPeersMeet(t *testing.T) {
	w := newWorld(t)
	anna := w.join("r", "anna")
	if anna.peers == nil || len(anna.peers) != 0 {
		t.Errorf("the first peer meets %v", anna.peers)
	}
	ben := w.join("r", "ben")
	if len(ben.peers) != 1 || ben.peers[0].ID != "anna" || ben.peers[0].DisplayName != "anna" || string(ben.peers[0].Device) != `{"flag":"go","name":"Go","version":"1"}` {
		t.Errorf("the second peer meets %v", ben.peers)
	}
	var met room.PeerInfo
	anna.next("newPeer", &met)
	if met.ID != "ben" || met.DisplayName != "ben" {
		t.Errorf("newPeer says %v", met)
	}
	audio := anna.produce("audio", 1000)
	video := anna.produce("video", 2000)
	scored := map[string]bool{}
	for _, want := range []struct{ kind, producer, kindOf string }{{"audio", audio, "simple"}, {"video", video, "simulcast"}} {
		var c struct {
			PeerID, ProducerID, ID, Kind, Type string
			RTPParameters                      proto.RTPParameters
			AppData                            map[string]string
			ProducerPaused                     bool
		}
		if m := ben.next("newConsumer", &c); !m.Request {
			t.Error("newConsumer is no request")
		}
		if c.PeerID != "anna" || c.ProducerID != want.producer || c.Kind != want.kind || c.Type != want.kindOf || c.ProducerPaused {
			t.Errorf("newConsumer says %+v", c)
		}
		if c.AppData["peerId"] != "anna" || c.AppData["source"] != want.kind {
			t.Errorf("appData is %v", c.AppData)
		}
		if len(c.RTPParameters.Encodings) != 1 || c.RTPParameters.MID == "" {
			t.Errorf("rtpParameters are %+v", c.RTPParameters)
		}
		var score struct{ ConsumerID string }
		ben.next("consumerScore", &score)
		scored[score.ConsumerID], scored[c.ID] = true, true
	}
	if len(scored) != 2 {
		t.Errorf("scores come of other consumers than were made: %v", scored)
	}
	ben.conn.CloseNow()
	var gone struct{ PeerID string }
	anna.next("peerClosed", &gone)
	if gone.PeerID != "ben" {
		t.Errorf("peerClosed says %q", gone.PeerID)
	}
}

func TestVersionComesFirst(t *testing.T) {
	w := newWorld(t)
	c := w.dial("r", "p")
	var v struct{ Version string }
	c.next("mediasoup-version", &v)
	if v.Version != "Gazpacho test" || c.received[0].Method != "mediasoup-version" || !c.received[0].Notification {
		t.Errorf("%+v", c.received[0])
	}
}
