package control

import (
	"fmt"
	"slices"
	"testing"

	"gazpacho/proto"
)

// Events change what the handles tell and call whoever asked; they come before the answer they were written before.
func TestEvents(t *testing.T) {
	f, w := newFake(t)
	var h heard
	say := func(format string, args ...any) { h.add(fmt.Sprintf(format, args...)) }
	r := newRouter(t, w, nil)
	tr := newTransportIn(t, r, WebRTCTransportOptions{
		ICEState: func(s string) { say("ice %s", s) }, DTLSState: func(s string) { say("dtls %s", s) },
		Trace: func(e proto.TraceEvent) { say("trace %s", e.Type) }, Closed: h.by("transport"),
	})
	plain, err := r.CreatePlainTransport(t.Context(), PlainTransportOptions{
		ListenInfo: listen[0], Tuple: func(x proto.TransportTuple) { say("tuple %d", x.RemotePort) },
		RTCPTuple: func(x proto.TransportTuple) { say("rtcp %d", x.RemotePort) },
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := tr.Produce(t.Context(), ProducerOptions{
		Kind: proto.Audio, RTPParameters: opus(1, ""), Score: func(s proto.ProducerScore) { say("producer %d", s[0].Score) },
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := tr.Consume(t.Context(), ConsumerOptions{
		ProducerID: p.ID(), RTPCapabilities: r.RTPCapabilities(), Score: func(s proto.ConsumerScore) { say("consumer %d", s.Score) },
		LayersChange:  func(l *proto.ConsumerLayers) { say("layers %t", l != nil) },
		ProducerPause: func() { say("paused") }, ProducerResume: func() { say("resumed") }, Closed: h.by("consumer"),
	})
	if err != nil {
		t.Fatal(err)
	}
	o, err := r.CreateAudioLevelObserver(t.Context(), AudioLevelObserverOptions{
		Volumes: func(v proto.AudioVolumes) { say("volume %d", v[0].Volume) }, Silence: func() { say("silence") },
	})
	if err != nil {
		t.Fatal(err)
	}
	active, err := r.CreateActiveSpeakerObserver(t.Context(), ActiveSpeakerObserverOptions{
		DominantSpeaker: func(id string) { say("dominant %t", id == p.ID()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	events := []struct {
		target, name string
		body         any
	}{
		{tr.ID(), proto.EventICEStateChange, proto.ICEStateChange{ICEState: proto.ICEConnected}},
		{tr.ID(), proto.EventICESelectedTupleChange, proto.ICESelectedTupleChange{ICESelectedTuple: proto.TransportTuple{RemotePort: 5}}},
		{tr.ID(), proto.EventDTLSStateChange, proto.DTLSStateChange{DTLSState: proto.DTLSConnected}},
		{tr.ID(), proto.EventTransportTrace, proto.TraceEvent{Type: "bwe"}},
		{plain.ID(), proto.EventPlainTransportTuple, proto.PlainTransportTuple{Tuple: proto.TransportTuple{RemotePort: 6}}},
		{plain.ID(), proto.EventPlainTransportRTCPTuple, proto.PlainTransportRTCPTuple{RTCPTuple: proto.TransportTuple{RemotePort: 7}}},
		{p.ID(), proto.EventProducerScore, proto.ProducerScore{{Score: 8}}},
		{c.ID(), proto.EventConsumerScore, proto.ConsumerScore{Score: 9}},
		{c.ID(), proto.EventConsumerLayersChange, proto.LayersChange{Layers: &proto.ConsumerLayers{SpatialLayer: 1}}},
		{c.ID(), proto.EventConsumerProducerPause, nil},
		{o.id, proto.EventAudioLevelObserverVolumes, proto.AudioVolumes{{ProducerID: p.ID(), Volume: -30}}},
		{o.id, proto.EventAudioLevelObserverSilence, nil},
		{active.ID(), proto.EventDominantSpeaker, proto.DominantSpeaker{ProducerID: p.ID()}},
		{active.ID(), proto.EventDominantSpeaker, []string{"malformed"}},
		{active.ID(), proto.EventAudioLevelObserverSilence, nil},
		{"nobody", proto.EventProducerScore, proto.ProducerScore{{Score: 8}}},
		{p.ID(), "producer.unknown", nil},
		{c.ID(), proto.EventConsumerScore, []string{"malformed"}},
	}
	for _, e := range events {
		f.Notify(e.target, proto.Event{Name: e.name, Body: e.body})
		w.tell(proto.WorkerDumpMethod, "", nil) // by its answer the event has been handled
	}
	want := []string{"ice connected", "dtls connected", "trace bwe", "tuple 6", "rtcp 7", "producer 8", "consumer 9", "layers true", "paused", "volume -30", "silence", "dominant true"}
	if got := h.take(); !slices.Equal(got, want) {
		t.Errorf("heard %v\nwant %v", got, want)
	}
	if tr.ICEState() != proto.ICEConnected || tr.DTLSState() != proto.DTLSConnected || tr.SelectedTuple().RemotePort != 5 ||
		plain.Tuple().RemotePort != 6 || plain.RTCPTuple().RemotePort != 7 || p.Score()[0].Score != 8 || c.Score().Score != 9 ||
		c.CurrentLayers().SpatialLayer != 1 || !c.ProducerPaused() {
		t.Error("the handles do not tell what the events said")
	}
	f.Notify(c.ID(), proto.Event{Name: proto.EventConsumerProducerResume})
	f.Notify(c.ID(), proto.Event{Name: proto.EventConsumerLayersChange, Body: proto.LayersChange{}})
	f.Notify(c.ID(), proto.Event{Name: proto.EventConsumerProducerClose})
	f.Notify(c.ID(), proto.Event{Name: proto.EventConsumerProducerClose}) // of one that has closed
	f.Notify(tr.ID(), proto.Event{Name: proto.EventTransportListenServerClose})
	w.tell(proto.WorkerDumpMethod, "", nil)
	want = []string{"resumed", "layers false", "consumer:producerclose", "transport:listenserverclose"}
	if got := h.take(); !slices.Equal(got, want) {
		t.Errorf("heard %v\nwant %v", got, want)
	}
	if c.CurrentLayers() != nil || c.ProducerPaused() || !tr.Closed() {
		t.Error("the handles do not tell what the events said")
	}
}

// Handles without callbacks take every event.
func TestNoCallbacks(t *testing.T) {
	f, w := newFake(t)
	r := newRouter(t, w, nil)
	tr := newTransportIn(t, r, WebRTCTransportOptions{})
	p, err := tr.Produce(t.Context(), ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1, "")})
	if err != nil {
		t.Fatal(err)
	}
	c, err := tr.Consume(t.Context(), ConsumerOptions{ProducerID: p.ID(), RTPCapabilities: r.RTPCapabilities()})
	if err != nil {
		t.Fatal(err)
	}
	o, err := r.CreateAudioLevelObserver(t.Context(), AudioLevelObserverOptions{})
	if err != nil {
		t.Fatal(err)
	}
	active, err := r.CreateActiveSpeakerObserver(t.Context(), ActiveSpeakerObserverOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{tr.ID(), p.ID(), c.ID(), o.ID(), active.ID()} {
		for _, e := range proto.Events {
			f.Notify(id, proto.Event{Name: e.Name, Body: e.Body})
		}
	}
	if _, err := w.Dump(t.Context()); err != nil {
		t.Error(err)
	}
}

// What an event said while the consumer was being made is newer than the answer, and stays.
func TestEventOvertakesAnswer(t *testing.T) {
	f, w := newFake(t)
	r := newRouter(t, w, nil)
	tr := newTransportIn(t, r, WebRTCTransportOptions{})
	p, err := tr.Produce(t.Context(), ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1, "")})
	if err != nil {
		t.Fatal(err)
	}
	f.answers[proto.TransportConsume] = proto.ConsumeResult{Score: proto.ConsumerScore{Score: 1}}
	f.before[proto.TransportConsume] = func(string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for id, o := range w.objects {
			if _, ok := o.object.(*Consumer); ok {
				f.Notify(id, proto.Event{Name: proto.EventConsumerProducerPause})
				f.Notify(id, proto.Event{Name: proto.EventConsumerScore, Body: proto.ConsumerScore{Score: 7}})
			}
		}
	}
	c, err := tr.Consume(t.Context(), ConsumerOptions{ProducerID: p.ID(), RTPCapabilities: r.RTPCapabilities()})
	if err != nil {
		t.Fatal(err)
	}
	if !c.ProducerPaused() || c.Score().Score != 7 {
		t.Errorf("paused %t, score %d", c.ProducerPaused(), c.Score().Score)
	}
}
