package api

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// between is two routers of a client's, on two workers.
func between(t *testing.T, w *world, c *control.Controller) (one, two *control.Router) {
	t.Helper()
	workers := must(c.Workers(t.Context()))
	one = must(workers[0].CreateRouter(t.Context(), control.RouterOptions{MediaCodecs: codecs}))
	two = must(workers[len(workers)-1].CreateRouter(t.Context(), control.RouterOptions{MediaCodecs: codecs}))
	if one.WorkerID() != workers[0].WorkerID || two.WorkerID() != workers[len(workers)-1].WorkerID {
		t.Errorf("routers on %q, %q", one.WorkerID(), two.WorkerID())
	}
	return one, two
}

// A producer that has the same id in two routers is two producers: each is paused by its own handle. Media crosses, pauses are mirrored, ends too.
func TestPipeOverTheController(t *testing.T) {
	w := newWorld(t, 2)
	c := w.dial(false)
	one, two := between(t, w, c)
	ctx := t.Context()
	source := must(one.CreateDirectTransport(ctx, control.DirectTransportOptions{}))
	sink := must(two.CreateDirectTransport(ctx, control.DirectTransportOptions{}))
	p := must(source.Produce(ctx, control.ProducerOptions{ID: "video", Kind: proto.Video, RTPParameters: vp8(10, 11)}))
	piped := must(one.PipeToRouter(ctx, control.PipeToRouterOptions{ProducerID: "video", Router: two, EnableRTX: true, EnableSRTP: true}))
	if piped.Producer.ID() != "video" || piped.Producer.Type() != proto.Simulcast || piped.Consumer.Type() != proto.Pipe || piped.Near.ID() == piped.Far.ID() ||
		len(piped.Producer.RTPParameters().Encodings) != 2 || piped.Near.SRTPParameters() == nil {
		t.Errorf("piped %+v", piped)
	}
	got := make(chan struct{}, 1)
	there := must(sink.Consume(ctx, control.ConsumerOptions{ProducerID: "video", RTPCapabilities: two.RTPCapabilities(), Pipe: true, RTP: func([]byte) {
		select {
		case got <- struct{}{}:
		default:
		}
	}}))
	number := uint16(0)
	soon(t, "a packet", func() bool {
		number++
		if err := p.Send(packet(10, number)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-got:
			return true
		default:
			return false
		}
	})
	// Pausing the producer, or what is sent through the pipe, pauses what arrives.
	for what, h := range map[string]interface {
		Pause(contextOf) error
		Resume(contextOf) error
	}{"the producer": p, "the pipe's consumer": piped.Consumer} {
		if err := h.Pause(ctx); err != nil {
			t.Fatal(err)
		}
		soon(t, what+" paused", there.ProducerPaused)
		if err := h.Resume(ctx); err != nil {
			t.Fatal(err)
		}
		soon(t, what+" resumed", func() bool { return !there.ProducerPaused() })
	}
	// The one that arrives is another than the one that is sent.
	if err := piped.Producer.Pause(ctx); err != nil {
		t.Fatal(err)
	}
	if d := must(p.Dump(ctx)); d.Paused {
		t.Error("the wrong one is paused")
	}
	if d := must(piped.Producer.Dump(ctx)); !d.Paused {
		t.Error("the right one is not paused")
	}
	p.Close()
	soon(t, "the end", func() bool { return piped.Consumer.Closed() && piped.Producer.Closed() && there.Closed() })
	// Messages go through the same pair.
	talk := must(source.ProduceData(ctx, control.DataProducerOptions{ID: "talk", Label: "l"}))
	data := must(one.PipeToRouter(ctx, control.PipeToRouterOptions{DataProducerID: "talk", Router: two}))
	if data.Near != piped.Near || data.Far != piped.Far || data.DataProducer.ID() != "talk" || data.DataConsumer.Label() != "l" {
		t.Errorf("piped %+v", data)
	}
	heard := make(chan string, 100)
	must(sink.ConsumeData(ctx, control.DataConsumerOptions{DataProducerID: "talk", Message: func(_ uint32, b []byte) {
		select {
		case heard <- string(b):
		default:
		}
	}}))
	soon(t, "a message", func() bool {
		m := control.DataMessage{Payload: []byte("hi")}
		m.PPID = 51
		if err := talk.Send(m); err != nil {
			t.Fatal(err)
		}
		return len(heard) > 0
	})
	if err := talk.Pause(ctx); err != nil {
		t.Fatal(err)
	}
	soon(t, "talk paused", func() bool { return must(data.DataProducer.Dump(ctx)).Paused })
	data.DataProducer.Close()
	soon(t, "not sent any more", data.DataConsumer.Closed)
	// A closed end takes the other with it.
	data.Near.Close()
	soon(t, "the other end", data.Far.Closed)
	for what, o := range map[string]control.PipeToRouterOptions{
		"nothing": {Router: two}, "itself": {DataProducerID: "talk", Router: one}, "unknown": {DataProducerID: "x", Router: two},
	} {
		if _, err := one.PipeToRouter(ctx, o); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// One pair for two routers, whatever clients ask for at once.
func TestOnePairForAllClients(t *testing.T) {
	w := newWorld(t, 1)
	owner := w.dial(false)
	one, two := between(t, w, owner)
	ctx := t.Context()
	no := false
	if _, err := one.PipeToRouter(ctx, control.PipeToRouterOptions{ProducerID: "x", Router: two}); codeOf(err) != proto.CodeBadField {
		t.Errorf("an id twice in a worker: %v", err)
	}
	var wg sync.WaitGroup
	failed := make(chan error, 100)
	for client := range 4 {
		b := w.bare("keep")
		for _, r := range []*control.Router{one, two} {
			ask[any](b, proto.ControllerOpenRouter, "", proto.OpenRouter{RouterID: r.ID()})
		}
		from, to := one, two
		if client%2 == 1 {
			from, to = two, one
		}
		wg.Go(func() {
			tr := fmt.Sprint("t", client)
			ask[any](b, proto.RouterCreateDirectTransport, from.ID(), proto.DirectTransportOptions{TransportID: tr})
			for i := range 3 {
				id := fmt.Sprint("p", client, i)
				ask[any](b, proto.TransportProduce, tr, proto.ProduceMedia{ProducerID: id, Kind: proto.Audio, RTPParameters: opus(uint32(i + 1))})
				if err := b.Request(ctx, proto.RouterPipeToRouter, from.ID(), proto.PipeToRouter{ProducerID: id, RouterID: to.ID(), KeepID: &no}, nil); err != nil {
					failed <- err
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	for _, r := range []*control.Router{one, two} {
		if d := must(r.Dump(ctx)); len(d.TransportIDs) != 3 { // two clients' and the pipe's end
			t.Errorf("transports %v", d.TransportIDs)
		}
	}
}

// Another client makes the same handles of what a client left, and goes on with them.
func TestTakeOver(t *testing.T) {
	w := newWorld(t, 2)
	first := w.dial(true)
	one, two := between(t, w, first)
	ctx := t.Context()
	server := must(must(first.Workers(ctx))[0].CreateWebRTCServer(ctx, []proto.ListenInfo{loopback}))
	tr := must(one.CreateWebRTCTransport(ctx, control.WebRTCTransportOptions{Server: server, SCTP: proto.SCTPOptions{EnableSCTP: true}}))
	plain := must(one.CreatePlainTransport(ctx, control.PlainTransportOptions{ListenInfo: loopback, EnableSRTP: true}))
	direct := must(one.CreateDirectTransport(ctx, control.DirectTransportOptions{}))
	p := must(direct.Produce(ctx, control.ProducerOptions{ID: "video", Kind: proto.Video, RTPParameters: vp8(10, 11)}))
	c := must(tr.Consume(ctx, control.ConsumerOptions{ProducerID: "video", RTPCapabilities: one.RTPCapabilities(), Paused: true}))
	talk := must(direct.ProduceData(ctx, control.DataProducerOptions{Label: "l", Protocol: "p", Paused: true}))
	ear := must(direct.ConsumeData(ctx, control.DataConsumerOptions{DataProducerID: talk.ID(), Subchannels: []uint16{4}}))
	levels := must(one.CreateAudioLevelObserver(ctx, control.AudioLevelObserverOptions{}))
	piped := must(one.PipeToRouter(ctx, control.PipeToRouterOptions{ProducerID: "video", Router: two}))
	for _, err := range []error{c.SetPriority(ctx, 9), c.SetPreferredLayers(ctx, proto.ConsumerLayers{SpatialLayer: 0}), p.Pause(ctx)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	first.Close()
	if !one.Closed() || !p.Closed() {
		t.Error("handles without a connection are open")
	}

	second := w.dial(false)
	var events []string
	var mu sync.Mutex
	all := must(second.OpenRouter(ctx, one.ID(), true, control.RouterOptions{Event: func(n channel.Notification) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, n.Event+" of "+n.HandlerID)
	}}))
	if all.Router.ID() != one.ID() || all.Router.WorkerID() != one.WorkerID() || len(all.Transports) != 4 || len(all.Producers) != 1 ||
		len(all.Consumers) != 2 || len(all.DataProducers) != 1 || len(all.DataConsumers) != 1 || len(all.Observers) != 1 {
		t.Fatalf("contents %+v", all)
	}
	kinds := map[string]control.TransportHandle{}
	for _, x := range all.Transports {
		kinds[fmt.Sprintf("%T", x)] = x
	}
	if x := kinds["*control.WebRTCTransport"].(*control.WebRTCTransport); x.ICEParameters() != tr.ICEParameters() || x.ICEState() != proto.ICENew || x.SCTPParameters() == nil {
		t.Errorf("webrtc %+v", x)
	}
	if x := kinds["*control.PlainTransport"].(*control.PlainTransport); x.Tuple() != plain.Tuple() || x.SRTPParameters() == nil {
		t.Errorf("plain %+v", x)
	}
	if x := kinds["*control.PipeTransport"].(*control.PipeTransport); x.Tuple() != piped.Near.Tuple() {
		t.Errorf("pipe %+v", x)
	}
	v := all.Producers[0]
	if v.ID() != "video" || v.Kind() != proto.Video || v.Type() != proto.Simulcast || !v.Paused() || len(v.RTPParameters().Encodings) != 2 {
		t.Errorf("producer %+v", v)
	}
	i := slices.IndexFunc(all.Consumers, func(x *control.Consumer) bool { return x.ID() == c.ID() })
	k := all.Consumers[i]
	if k.ProducerID() != "video" || k.Type() != proto.Simulcast || !k.Paused() || !k.ProducerPaused() || k.Priority() != 9 || k.PreferredLayers().SpatialLayer != 0 || k.RTPParameters().MID != "0" {
		t.Errorf("consumer %+v", k)
	}
	if d := all.DataProducers[0]; d.Label() != "l" || d.Protocol() != "p" || !d.Paused() {
		t.Errorf("data producer %+v", d)
	}
	if d := all.DataConsumers[0]; d.ID() != ear.ID() || d.DataProducerID() != talk.ID() || !d.ProducerPaused() || !slices.Equal(d.Subchannels(), []uint16{4}) || d.Label() != "l" {
		t.Errorf("data consumer %+v", d)
	}
	if o := all.Observers[0]; o.ID() != levels.ID() || o.Type != "audioLevel" || o.Pause(ctx) != nil {
		t.Errorf("observer %+v", o)
	}
	if !all.Router.CanConsume("video", all.Router.RTPCapabilities()) {
		t.Error("it cannot be consumed")
	}
	// They work: what is made by them and by the first client is in one router.
	if err := v.Resume(ctx); err != nil || v.Paused() || k.ProducerPaused() {
		t.Errorf("resume: %v", err)
	}
	x := kinds["*control.DirectTransport"].(*control.DirectTransport)
	must(x.Consume(ctx, control.ConsumerOptions{ProducerID: "video", RTPCapabilities: all.Router.RTPCapabilities()}))
	mu.Lock()
	if !slices.Contains(events, "consumer.producerResume of "+c.ID()) {
		t.Errorf("events %q", events)
	}
	mu.Unlock()
	if _, err := second.OpenRouter(ctx, one.ID(), true, control.RouterOptions{}); codeOf(err) != proto.CodeDuplicate {
		t.Errorf("opened twice: %v", err)
	}
	if _, err := second.OpenRouter(ctx, "nobody", true, control.RouterOptions{}); codeOf(err) != proto.CodeNotFound {
		t.Errorf("opened nothing: %v", err)
	}
	// The other end of the pipe is a producer of the same id, under another address.
	far := must(second.OpenRouter(ctx, two.ID(), false, control.RouterOptions{}))
	if len(far.Producers) != 1 || far.Producers[0].ID() != "video" || far.Owner != "" {
		t.Fatalf("far %+v", far)
	}
	if err := far.Producers[0].Pause(ctx); err != nil || must(v.Dump(ctx)).Paused || !must(far.Producers[0].Dump(ctx)).Paused {
		t.Errorf("the wrong one was paused, %v", err)
	}
	if err := second.LeaveRouter(ctx, far.Router); err != nil || !far.Producers[0].Closed() {
		t.Errorf("left: %v", err)
	}
	if infos := must(second.WebRTCServers(ctx)); len(infos) != 1 {
		t.Errorf("servers %+v", infos)
	} else {
		s := must(second.TakeWebRTCServer(ctx, infos[0], nil))
		s.Close()
		soon(t, "its transport", kinds["*control.WebRTCTransport"].Closed)
	}
	all.Router.Close()
	if !v.Closed() || !k.Closed() {
		t.Error("handles of a closed router are open")
	}
}
