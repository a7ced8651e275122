package router

import (
	"encoding/json"
	"testing"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// opus is a packet of SSRC 3.
var opus = []byte{0x80, 100, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0x78, 1, 2}

// tell sends a notification the way the channel does.
func (w *world) tell(name, id string, meta any, payload []byte) bool {
	w.t.Helper()
	raw, err := channel.Encode(meta)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.router.HandleNotification(w.now, Notification{
		Name: name, HandlerID: id, Payload: payload, Decode: func(into any) *proto.Error { return channel.Decode(raw, into) },
	})
}

func (w *world) direct(id string) {
	w.t.Helper()
	w.do(proto.RouterCreateDirectTransport, "r", proto.DirectTransportOptions{TransportID: id})
}

// The controller publishes, hears itself, and talks with itself.
func TestNotifications(t *testing.T) {
	w := newWorld(t)
	w.direct("d")
	w.do(proto.TransportProduce, "d", produce("a", proto.Audio, 3))
	w.do(proto.TransportConsume, "d", consume("ca", "a", proto.Audio, 11, 1003))
	w.do(proto.TransportProduceData, "d", proto.ProduceData{DataProducerID: "dp", Type: proto.DataDirect})
	w.do(proto.TransportConsumeData, "d", proto.ConsumeData{DataConsumerID: "dc", DataProducerID: "dp", Type: proto.DataDirect, Subchannels: []uint16{5}})
	w.take()
	five := uint16(5)
	for _, tt := range []struct {
		what, name, id string
		meta           any
		payload        []byte
		taken          bool
		events         []string
	}{
		{"RTP", proto.NotifyProducerSend, "a", nil, opus, true, []string{"ca " + proto.EventConsumerRTP}},
		{"noise", proto.NotifyProducerSend, "a", nil, []byte("noise"), true, nil},
		{"RTCP", proto.NotifyTransportSendRTCP, "d", nil, []byte{0x80, 201, 0, 1, 0, 0, 0, 1}, true, nil},
		{"a message", proto.NotifyDataProducerSend, "dp", proto.DataProducerSend{PPID: 51}, []byte("hi"), true, []string{"dc " + proto.EventDataConsumerMessage}},
		{"for a subchannel", proto.NotifyDataProducerSend, "dp", proto.DataProducerSend{PPID: 51, Subchannels: []uint16{5, 6}}, []byte("hi"), true, []string{"dc " + proto.EventDataConsumerMessage}},
		{"for another", proto.NotifyDataProducerSend, "dp", proto.DataProducerSend{PPID: 51, Subchannels: []uint16{6}}, []byte("hi"), true, nil},
		{"not for it", proto.NotifyDataProducerSend, "dp", proto.DataProducerSend{PPID: 51, IgnoredSubchannel: &five}, []byte("hi"), true, nil},
		{"no meta to speak of", proto.NotifyDataProducerSend, "dp", json.Number("5"), []byte("hi"), false, nil},
		{"no such producer", proto.NotifyProducerSend, "d", nil, opus, false, nil},
		{"no such transport", proto.NotifyTransportSendRTCP, "a", nil, nil, false, nil},
		{"no such data producer", proto.NotifyDataProducerSend, "dc", proto.DataProducerSend{}, nil, false, nil},
		{"no such notification", "producer.explode", "a", nil, nil, false, nil},
	} {
		if taken := w.tell(tt.name, tt.id, tt.meta, tt.payload); taken != tt.taken {
			t.Errorf("%s: taken %v", tt.what, taken)
		}
		events := w.take()
		if len(events) != len(tt.events) || len(events) > 0 && events[0] != tt.events[0] {
			t.Errorf("%s: events %q, want %q", tt.what, events, tt.events)
		}
	}
	w.do(proto.RouterCloseTransport, "r", proto.CloseTransport{TransportID: "d"})
	w.empty()
}

// Only direct transports take what the controller sends: what it says must not look as if a peer had said it.
func TestNotificationsForTheNetwork(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.populateData()
	for name, id := range map[string]string{
		proto.NotifyProducerSend: "a", proto.NotifyTransportSendRTCP: "w", proto.NotifyDataProducerSend: "dp",
	} {
		if w.tell(name, id, nil, opus) {
			t.Errorf("%s was taken by the network's %s", name, id)
		}
	}
	if events := w.take(); len(events) != 0 {
		t.Errorf("events %q", events)
	}
}
