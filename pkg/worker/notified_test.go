package worker_test

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"testing"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// fire is a stage with a direct transport, and what was sent to it.
type fire struct {
	*bodyStage
	sent int
}

func newFire(t testing.TB) *fire {
	f := &fire{bodyStage: newBodyStage(t)}
	f.make("producer", "plays", proto.TransportProduce, "direct", f.produce("plays", proto.Video, 1, ""))
	f.make("consumer", "shows", proto.TransportConsume, "direct", f.consume("shows", "plays", proto.Video, proto.Simple, 1))
	f.make("dataProducer", "tells", proto.TransportProduceData, "direct", proto.ProduceData{DataProducerID: "tells", Type: proto.DataDirect})
	f.make("dataConsumer", "listens", proto.TransportConsumeData, "direct", proto.ConsumeData{DataConsumerID: "listens", DataProducerID: "tells", Type: proto.DataDirect})
	for _, o := range f.things() {
		f.state[o] = f.dump(o)
	}
	return f
}

// send sends a notification, and waits now and then, so that none has to make room for others.
func (f *fire) send(binary bool, event, id string, meta any, payload []byte) {
	f.t.Helper()
	var err error
	if binary {
		err = f.Client().NotifyBinary(event, id, meta, payload)
	} else {
		err = f.Client().Notify(event, id, meta)
	}
	if err != nil {
		f.t.Fatalf("%s to %s: %v", event, id, err)
	}
	if f.sent++; f.sent%50 == 0 {
		f.counted()
	}
}

// counted is how many notifications are accounted for: taken by the direct transport or its data producer, or counted as what they are.
func (f *fire) counted() int {
	f.t.Helper()
	transport := simtest.Request[proto.DirectTransportStats](f.Worker, proto.TransportGetStats, "direct", nil)
	messages := simtest.Request[[]proto.DataProducerStats](f.Worker, proto.DataProducerGetStats, "tells", nil)
	drops := simtest.Request[proto.WorkerStats](f.Worker, proto.WorkerGetStats, "", nil).Drops
	return int(transport.PacketsReceived + messages[0].MessagesReceived + transport.Drops["dataOversized"] + drops["channelUnaddressed"] + drops["channelOverrun"])
}

// payloads are what a notification may carry: what it should, and anything else.
func (f *fire) payloads() [][]byte {
	ssrc := numberOf("plays")
	packet := []byte{0x80, 100, 0, 1, 0, 0, 0, 1, byte(ssrc >> 24), byte(ssrc >> 16), byte(ssrc >> 8), byte(ssrc), 0x10, 0, 0, 0}
	report := []byte{0x80, 201, 0, 1, 0, 0, 0, 1}
	list := [][]byte{{}, packet, report, []byte("message"), bytes.Repeat([]byte{0xff}, 1600), make([]byte, 1600), make([]byte, 300_000)}
	for n := 1; n < len(packet); n += 3 {
		list = append(list, packet[:n], report[:min(n, len(report))])
	}
	for i := range packet {
		broken := bytes.Clone(packet)
		broken[i] ^= 0xff
		list = append(list, broken)
	}
	return list
}

// Every notification is tried with every payload, with a meta whose fields are absent, empty, as large as they go and of every wrong type, to objects of
// every kind and to nobody, as a binary notification and as one without bytes; and so is what is no notification of a controller's. None is answered, so
// each is counted: it was taken, or it was not for anybody. Nothing but what it was for has changed, and the worker serves on.
func TestEveryNotification(t *testing.T) {
	f := newFire(t)
	before := f.counted()
	right := map[string]string{proto.NotifyTransportSendRTCP: "direct", proto.NotifyProducerSend: "plays", proto.NotifyDataProducerSend: "tells"}
	number := uint16(7)
	metas := map[string]any{proto.NotifyDataProducerSend: proto.DataProducerSend{
		PPID: 51, Subchannels: []uint16{1, 2}, RequiredSubchannel: &number, IgnoredSubchannel: &number,
	}}
	ids := append(f.everyone(), "", "web", "plain", "pipe-true", "plays", "shows", "tells", "listens", "direct")
	for _, n := range proto.Notifications {
		id := right[n.Name]
		if id == "" {
			t.Fatalf("%s is not tried", n.Name)
		}
		for _, payload := range f.payloads() {
			f.send(true, n.Name, id, metas[n.Name], payload)
		}
		vary := func(v variant) {
			f.send(true, n.Name, id, v.body, []byte("payload"))
			f.send(false, n.Name, id, v.body, nil)
		}
		if n.Meta == nil {
			for _, body := range []any{nil, map[string]any{}, "text", []any{1}, deep(25)} { // which nobody reads
				vary(variant{body: body})
			}
		} else {
			v := varier{ids: ids, yield: vary}
			v.whole(reflect.TypeOf(n.Meta), tree(reflect.ValueOf(metas[n.Name])))
		}
		for _, other := range ids {
			f.send(true, n.Name, other, metas[n.Name], []byte("payload"))
		}
	}
	strange := []string{"", ".", "transport", "transport.explode", "producer.send\x00", proto.EventWorkerHello, proto.EventConsumerRTP}
	for _, m := range proto.Methods {
		strange = append(strange, m.Name) // a request is no notification
	}
	for _, name := range strange {
		for _, id := range []string{"", "direct", "plays", "tells", "nobody"} {
			f.send(true, name, id, nil, []byte("payload"))
			f.send(false, name, id, map[string]any{"transportId": "direct", "routerId": "router"}, nil)
		}
	}
	if got := f.counted() - before; got != f.sent {
		t.Errorf("%d notifications are accounted for, %d were sent", got, f.sent)
	}
	if f.sent < 1000 {
		t.Errorf("only %d were tried", f.sent)
	}
	for _, change := range f.changed(slices.DeleteFunc(f.things(), func(o thing) bool { return o.id == "plays" })) {
		t.Error(change)
	}
	if s := simtest.Request[proto.WorkerStats](f.Worker, proto.WorkerGetStats, "", nil); s.Drops["panic"] != 0 || s.Drops["channelOverrun"] != 0 {
		t.Errorf("drops %v", s.Drops)
	}
	t.Logf("%d notifications, reasons %v", f.sent, slices.Sorted(maps.Keys(simtest.Request[proto.DirectTransportStats](f.Worker, proto.TransportGetStats, "direct", nil).Drops)))
}
