package signaling

import (
	"encoding/json"
	"testing"

	"gazpacho/pkg/room"
	"gazpacho/proto"
)

// offered is what a client is told of a data consumer.
type offered struct {
	PeerID, DataProducerID, ID, Label, Protocol string
	SCTPStreamParameters                        proto.SCTPStreamParameters `json:"sctpStreamParameters"`
	AppData                                     map[string]any
}

// produceData makes a data producer and returns its id.
func (j *joined) produceData(stream int, label string) string {
	j.t.Helper()
	var made struct{ ID string }
	j.must("produceData", map[string]any{
		"transportId": j.send, "sctpStreamParameters": map[string]any{"streamId": stream, "ordered": false, "maxRetransmits": 3},
		"label": label, "protocol": "p", "appData": map[string]any{"info": "x"},
	}, &made)
	return made.ID
}

// Who is there, and who comes later, is offered what a peer sends; the sender is not.
func TestDataProducersAreOffered(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join("r", "alice"), w.join("r", "bob")
	id := alice.produceData(1, "chat")
	carol := w.join("r", "carol")
	for _, p := range []*joined{bob, carol} {
		var o offered
		p.next("newDataConsumer", &o)
		s := o.SCTPStreamParameters
		if o.PeerID != "alice" || o.DataProducerID != id || o.ID == "" || o.Label != "chat" || o.Protocol != "p" || o.AppData["info"] != "x" {
			t.Errorf("newDataConsumer %+v", o)
		}
		if s.StreamID != 0 || s.Ordered == nil || *s.Ordered || s.MaxRetransmits == nil || *s.MaxRetransmits != 3 {
			t.Errorf("stream %+v", s)
		}
		var stats []proto.DataConsumerStats
		p.must("getDataConsumerStats", map[string]any{"dataConsumerId": o.ID}, &stats)
		if len(stats) != 1 || stats[0].Type != "data-consumer" || stats[0].Label != "chat" {
			t.Errorf("statistics %+v", stats)
		}
	}
	var stats []proto.DataProducerStats
	alice.must("getDataProducerStats", map[string]any{"dataProducerId": id}, &stats)
	if len(stats) != 1 || stats[0].Type != "data-producer" {
		t.Errorf("statistics %+v", stats)
	}
	if alice.count("newDataConsumer") != 0 {
		t.Error("alice is offered her own data")
	}
	// The next one goes on the next stream.
	alice.produceData(2, "more")
	var o offered
	bob.next("newDataConsumer", &o)
	if o.SCTPStreamParameters.StreamID != 1 || o.Label != "more" {
		t.Errorf("newDataConsumer %+v", o)
	}
}

// Data consumers end with the peer whose data they are.
func TestDataConsumersEndWithTheirPeer(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join("r", "alice"), w.join("r", "bob")
	alice.produceData(1, "chat")
	var o offered
	bob.next("newDataConsumer", &o)
	alice.conn.CloseNow()
	var gone struct{ DataConsumerID string }
	bob.next("dataConsumerClosed", &gone)
	if gone.DataConsumerID != o.ID {
		t.Errorf("dataConsumerClosed of %s, want %s", gone.DataConsumerID, o.ID)
	}
	bob.refused("getDataConsumerStats", map[string]any{"dataConsumerId": o.ID}, 404, "dataConsumer")
	if late := w.join("r", "carol"); late.count("newDataConsumer") != 0 {
		t.Error("carol is offered data of nobody")
	}
}

// A client may refuse, and one without a consuming transport or without SCTP is no worse off.
func TestRefusedDataConsumer(t *testing.T) {
	w := newWorld(t)
	alice := w.join("r", "alice")
	bob := &joined{client: w.dial("r", "bob")}
	bob.answer = func(method string, _ json.RawMessage) (int, string) {
		if method == "newDataConsumer" {
			return 403, "no SCTP here"
		}
		return 0, ""
	}
	bob.enter("bob")
	mute := w.dial("r", "mute")
	mute.must("join", map[string]any{"displayName": "mute", "device": map[string]any{}}, nil)
	alice.produceData(1, "chat")
	var o offered
	bob.next("newDataConsumer", &o)
	for { // the refusal is under way
		if m := bob.ask("getDataConsumerStats", map[string]any{"dataConsumerId": o.ID}); m.ErrorCode == 404 {
			break
		} else if !m.OK {
			t.Fatalf("%d %s", m.ErrorCode, m.ErrorReason)
		}
	}
	mute.must("changeDisplayName", map[string]any{"displayName": "still here"}, nil)
	if mute.count("newDataConsumer") != 0 {
		t.Error("who receives nothing is offered data")
	}
}

// Transports offer SCTP whatever a client says of its capabilities, in the fields of clients old and new.
func TestTransportsOfferSCTP(t *testing.T) {
	w := newWorld(t)
	c := w.dial("r", "p")
	for _, options := range []map[string]any{
		{"producing": true},
		{"consuming": true, "sctpCapabilities": map[string]any{"numStreams": map[string]any{"OS": 1024, "MIS": 1024}}},
		{"sctpCapabilities": nil},
	} {
		var info struct{ SCTPParameters map[string]any }
		c.must("createWebRtcTransport", options, &info)
		for key, want := range map[string]float64{
			"port": 5000, "OS": 65535, "MIS": 65535, "maxMessageSize": 262144, "maxSendMessageSize": 262144, "maxReceiveMessageSize": 262144,
		} {
			if info.SCTPParameters[key] != want {
				t.Errorf("%v: %s is %v", options, key, info.SCTPParameters[key])
			}
		}
	}
}

func TestDataLimit(t *testing.T) {
	w := newWorld(t)
	j := w.join("r", "p")
	for n := range 16 {
		j.produceData(n, "chat")
	}
	j.refused("produceData", map[string]any{"transportId": j.send, "sctpStreamParameters": map[string]any{"streamId": 16}, "label": "x"}, 429, "data-producers-per-peer")
	j.refused("produceData", map[string]any{"transportId": j.recv, "sctpStreamParameters": map[string]any{"streamId": 1}, "label": "x"}, 429, "data-producers-per-peer")
}

func TestBroadcasterData(t *testing.T) {
	w := newWorld(t)
	p := w.join("r", "p")
	id := p.produceData(1, "chat")
	get[room.BroadcasterResult](w, "POST", "/rooms/r/broadcasters", `{"id":"b","displayName":"B","device":{"name":"x"}}`)
	const b = "/rooms/r/broadcasters/b/transports"
	webrtc := get[room.WebRTCTransportInfo](w, "POST", b, `{"type":"webrtc"}`)
	if webrtc.SCTPParameters == nil {
		t.Fatal("no SCTP")
	}
	c := get[room.BroadcasterDataConsumer](w, "POST", b+"/"+webrtc.ID+"/consume/data", `{"dataProducerId":"`+id+`"}`)
	if c.ID == "" || c.StreamID != 0 {
		t.Errorf("data consumer %+v", c)
	}
	made := get[room.Created](w, "POST", b+"/"+webrtc.ID+"/produce/data", `{"sctpStreamParameters":{"streamId":5},"label":"news"}`)
	var o offered
	p.next("newDataConsumer", &o)
	if o.PeerID != "b" || o.DataProducerID != made.ID || o.Label != "news" {
		t.Errorf("newDataConsumer %+v", o)
	}
	w.call("DELETE", "/rooms/r/broadcasters/b", "")
	p.next("dataConsumerClosed", nil)
}

// Messages for the echo bot of mediasoup's demo are nobody else's: what others hear of is the bot itself, which is no peer, and then the next channel.
func TestBotMessagesAreNotOffered(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join("r", "alice"), w.join("r", "bob")
	talk := alice.produceData(1, "bot")
	chat := alice.produceData(2, "chat")
	carol := w.join("r", "carol")
	for _, p := range []*joined{bob, carol} {
		var o offered
		p.next("newDataConsumer", &o)
		if o.DataProducerID == talk || o.PeerID != "" || o.Label != "bot" {
			t.Errorf("the first newDataConsumer is %+v", o)
		}
		p.next("newDataConsumer", &o)
		if o.DataProducerID != chat || o.PeerID != "alice" {
			t.Errorf("the second newDataConsumer is %+v", o)
		}
	}
}
