package api

import (
	"context"
	"slices"
	"testing"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// Who has a router open is told what others make, pause and resume in it, once, and who asked is not.
func TestNews(t *testing.T) {
	w := newWorld(t, 1)
	a, b := w.bare(""), w.bare("")
	ask[any](a, proto.WorkerCreateRouter, "", proto.NewRouter{RouterID: "r", MediaCodecs: codecs})
	ask[any](b, proto.ControllerOpenRouter, "", proto.OpenRouter{RouterID: "r"})
	direct := func(id string) {
		ask[any](a, proto.RouterCreateDirectTransport, "r", proto.DirectTransportOptions{TransportID: id})
		b.hears(id, "router.newTransport of r")
	}
	direct("t")
	direct("u")
	ask[any](a, proto.TransportProduce, "t", proto.ProduceMedia{ProducerID: "p", Kind: proto.Audio, RTPParameters: opus(1)})
	ask[any](a, proto.TransportConsume, "u", proto.ConsumeMedia{ConsumerID: "c", ProducerID: "p", RTPCapabilities: capabilities(a)})
	ask[any](a, proto.TransportProduceData, "t", proto.ProduceMessages{DataProducerID: "dp"})
	ask[any](a, proto.TransportConsumeData, "u", proto.ConsumeMessages{DataConsumerID: "dc", DataProducerID: "dp"})
	ask[any](a, proto.RouterCreateActiveSpeakerObserver, "r", proto.CreateActiveSpeakerObserver{RTPObserverID: "o"})
	b.hears("what is made", "transport.newProducer of t", "transport.newConsumer of u", "transport.newDataProducer of t", "transport.newDataConsumer of u",
		"router.newRtpObserver of r")
	for _, x := range []struct{ kind, id string }{
		{"producer", "p"}, {"consumer", "c"}, {"dataProducer", "dp"}, {"dataConsumer", "dc"}, {"rtpObserver", "o"},
	} {
		for _, way := range []struct{ method, told, besides string }{{"pause", "paused", "Pause"}, {"resume", "resumed", "Resume"}} {
			want := []string{x.kind + "." + way.told + " of " + x.id}
			switch x.id {
			case "p":
				want = append(want, "consumer.producer"+way.besides+" of c")
			case "dp":
				want = append(want, "dataConsumer.dataProducer"+way.besides+" of dc")
			}
			ask[any](a, x.kind+"."+way.method, x.id, nil)
			b.hears(way.method+" of "+x.id, want...)
		}
	}
	for _, told := range a.told() {
		if !slices.Contains([]string{"consumer.producerPause of c", "consumer.producerResume of c", "dataConsumer.dataProducerPause of dc", "dataConsumer.dataProducerResume of dc"}, told) {
			t.Errorf("who asked is told %q", told)
		}
	}
	// What is refused is not told.
	a.refused(proto.TransportProduce, "t", proto.ProduceMedia{ProducerID: "p", Kind: proto.Audio, RTPParameters: opus(1)})
	a.refused(proto.TransportProduce, "t", proto.ProduceMedia{ProducerID: "q", Kind: proto.Video, RTPParameters: opus(1)})
	a.refused(proto.RTPObserverPause, "nobody", nil)
	ask[any](a, proto.TransportCloseDataConsumer, "u", proto.CloseDataConsumer{DataConsumerID: "dc"})
	b.hears("after refusals", "dataConsumer.closed of dc: close")
}

// What a pipe makes and pauses is told at its other end, too.
func TestNewsOfPipes(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.bare(""), w.bare("")
	ask[any](a, proto.WorkerCreateRouter, idOf(w.running[0]), proto.NewRouter{RouterID: "near", MediaCodecs: codecs})
	ask[any](a, proto.WorkerCreateRouter, idOf(w.running[1]), proto.NewRouter{RouterID: "far", MediaCodecs: codecs})
	ask[any](b, proto.ControllerOpenRouter, "", proto.OpenRouter{RouterID: "far"})
	ask[any](a, proto.RouterCreateDirectTransport, "near", proto.DirectTransportOptions{TransportID: "t"})
	ask[any](a, proto.TransportProduce, "t", proto.ProduceMedia{ProducerID: "p", Kind: proto.Audio, RTPParameters: opus(1)})
	piped := ask[proto.Piped](a, proto.RouterPipeToRouter, "near", proto.PipeToRouter{ProducerID: "p", RouterID: "far"})
	b.hears("the far end", "router.newTransport of far", "transport.newProducer of "+piped.RemoteTransportID)
	ask[any](a, proto.ProducerPause, "p", nil)
	b.hears("a pause that is followed", "producer.paused of "+piped.Producer.HandlerID)
	ask[any](a, proto.ProducerResume, "p", nil)
	b.hears("its end", "producer.resumed of "+piped.Producer.HandlerID)
}

// A handle knows of a pause that another client has asked for.
func TestHandleHearsOfPauses(t *testing.T) {
	w := newWorld(t, 1)
	a := w.bare("")
	furnished(a, "r")
	news := make(chan string, 100)
	all := must(w.dial(false).OpenRouter(t.Context(), "r", false, control.RouterOptions{Event: func(n channel.Notification) { news <- n.Event }}))
	for _, h := range []struct {
		kind, id string
		handle   interface {
			Paused() bool
			Pause(context.Context) error
		}
	}{
		{"producer", "r-p", all.Producers[0]},
		{"consumer", "r-c", all.Consumers[0]},
		{"dataProducer", "r-dp", all.DataProducers[0]},
		{"dataConsumer", "r-dc", all.DataConsumers[0]},
	} {
		ask[any](a, h.kind+".pause", h.id, nil)
		soon(t, h.id, h.handle.Paused)
		ask[any](a, h.kind+".resume", h.id, nil)
		soon(t, h.id, func() bool { return !h.handle.Paused() })
	}
	for len(news) > 0 {
		<-news
	}
	ask[any](a, proto.RouterCreateDirectTransport, "r", proto.DirectTransportOptions{})
	if n := <-news; n != proto.EventRouterNewTransport {
		t.Errorf("the router hears %q", n)
	}
}
