package worker_test

import (
	"testing"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// Between a notification and the requests around it the order is kept; what names nothing that takes it is counted, and so is what comes back.
func TestDirectTransport(t *testing.T) {
	w := simtest.StartWorker(t)
	router := w.Router()
	simtest.Request[proto.DirectTransportDump](w, proto.RouterCreateDirectTransport, router, proto.DirectTransportOptions{TransportID: "d"})
	simtest.Request[proto.DataProducerDump](w, proto.TransportProduceData, "d", proto.ProduceData{DataProducerID: "p", Type: proto.DataDirect, Label: "bot"})
	simtest.Request[proto.DataConsumerDump](w, proto.TransportConsumeData, "d", proto.ConsumeData{DataConsumerID: "c", DataProducerID: "p", Type: proto.DataDirect})
	say := func(id, text string) {
		t.Helper()
		if err := w.Client().NotifyBinary(proto.NotifyDataProducerSend, id, proto.DataProducerSend{PPID: 51}, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 {
		say("p", "before")
		w.Do(proto.DataProducerPause, "p", nil)
		say("p", "while it is paused")
		w.Do(proto.DataProducerResume, "p", nil)
		stats := simtest.Request[[]proto.DataConsumerStats](w, proto.DataConsumerGetStats, "c", nil)
		if stats[0].MessagesSent != uint64(n+1) || stats[0].BytesSent != uint64(6*(n+1)) {
			t.Fatalf("round %d: %+v", n, stats[0])
		}
	}
	simtest.Wait(w, proto.EventDataConsumerMessage, "c", func(m proto.DataConsumerMessage) bool { return m.PPID == 51 })
	// None of these is for anybody.
	say("nobody", "x")
	say("c", "x")
	if err := w.Client().Notify(proto.NotifyDataProducerSend, "p", nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Client().NotifyBinary("worker.explode", "", nil, nil); err != nil {
		t.Fatal(err)
	}
	s := simtest.Request[proto.WorkerStats](w, proto.WorkerGetStats, "", nil)
	if s.Drops["channelUnaddressed"] != 4 || s.Drops["dataPaused"] != 10 || s.Drops["channelOverrun"] != 0 || s.Objects.Transports["direct"]["open"] != 1 {
		t.Errorf("drops %v, transports %v", s.Drops, s.Objects.Transports)
	}
	w.Do(proto.RouterCloseTransport, router, proto.CloseTransport{TransportID: "d"})
	say("p", "too late")
	s = simtest.Request[proto.WorkerStats](w, proto.WorkerGetStats, "", nil)
	if s.Drops["channelUnaddressed"] != 5 || s.Objects.DataConsumers+s.Objects.DataProducers+s.Objects.Transports["direct"]["open"] != 0 {
		t.Errorf("afterwards: drops %v, %+v", s.Drops, s.Objects)
	}
}
