package control

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// pausing is any handle that can be paused.
type pausing interface {
	Pause(context.Context) error
	Resume(context.Context) error
}

// What arrives is as paused as what is sent: as the producer, or as the pipe's consumer, whichever it is, media and data alike, between workers and
// within one. Pausing what arrives changes nothing here.
func TestPausesAreMirrored(t *testing.T) {
	one := newWorker(t)
	no := false
	for what, other := range map[string]*Worker{"between workers": newWorker(t), "within one": one} {
		keep := &no
		if other != one {
			keep = nil
		}
		here, source := stage(t, one)
		there, _ := stage(t, other)
		p, err := source.Produce(t.Context(), ProducerOptions{Kind: proto.Video, RTPParameters: vp8Streams()})
		if err != nil {
			t.Fatal(err)
		}
		d, err := source.ProduceData(t.Context(), DataProducerOptions{Paused: true})
		if err != nil {
			t.Fatal(err)
		}
		media, err := here.PipeToRouter(t.Context(), PipeToRouterOptions{ProducerID: p.ID(), Router: there, KeepID: keep})
		if err != nil {
			t.Fatal(what, err)
		}
		data, err := here.PipeToRouter(t.Context(), PipeToRouterOptions{DataProducerID: d.ID(), Router: there, KeepID: keep})
		if err != nil {
			t.Fatal(what, err)
		}
		if kept := media.Producer.ID() == p.ID() && data.DataProducer.ID() == d.ID(); kept != (keep == nil) {
			t.Errorf("%s: kept ids %t", what, kept)
		}
		if media.Near != data.Near || media.Far != data.Far || media.Near.Router() != here || !data.DataProducer.Paused() || media.Producer.Paused() {
			t.Errorf("%s: %+v, %+v", what, media, data)
		}
		for name, x := range map[string]struct {
			sent, consumer pausing
			there          interface{ Paused() bool }
		}{"media": {p, media.Consumer, media.Producer}, "data": {d, data.DataConsumer, data.DataProducer}} {
			do := func(f func(context.Context) error) {
				t.Helper()
				if err := f(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			becomes := func(paused bool) {
				t.Helper()
				soon(t, fmt.Sprint(what, " ", name, " paused ", paused), func() bool { return x.there.Paused() == paused })
			}
			do(x.sent.Resume)
			becomes(false)
			do(x.consumer.Pause)
			becomes(true)
			do(x.sent.Pause)
			do(x.consumer.Resume) // its producer is paused still
			becomes(true)
			do(x.sent.Resume)
			becomes(false)
		}
		if err := media.Producer.Pause(t.Context()); err != nil || p.Paused() || media.Consumer.Paused() {
			t.Errorf("%s: pausing what arrives: %v", what, err)
		}
	}
}

// However many pause, resume and close at once, it ends where the last word was.
func TestPausesRace(t *testing.T) {
	one, two := newWorker(t), newWorker(t)
	here, source := stage(t, one)
	there, _ := stage(t, two)
	p, err := source.Produce(t.Context(), ProducerOptions{Kind: proto.Video, RTPParameters: vp8Streams()})
	if err != nil {
		t.Fatal(err)
	}
	piped, err := here.PipeToRouter(t.Context(), PipeToRouterOptions{ProducerID: p.ID(), Router: there})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 10 {
		var wg sync.WaitGroup
		for _, h := range []pausing{p, piped.Consumer} {
			for range 3 {
				wg.Go(func() {
					for range 5 {
						_ = h.Pause(context.Background())
						_ = h.Resume(context.Background())
					}
				})
			}
		}
		wg.Wait()
		f := p.Pause
		if round%2 == 1 {
			f = piped.Consumer.Resume
		}
		if err := f(t.Context()); err != nil {
			t.Fatal(err)
		}
		soon(t, "the last word", func() bool { return piped.Producer.Paused() == piped.Consumer.silent() })
		if err := p.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "resumed", func() bool { return !piped.Producer.Paused() })
	var wg sync.WaitGroup
	for _, f := range []func(){p.Close, piped.Consumer.Close, piped.Producer.Close, piped.Near.Close, piped.Far.Close} {
		wg.Go(f)
	}
	wg.Wait()
	soon(t, "the end", func() bool { return p.Closed() && piped.Consumer.Closed() && piped.Producer.Closed() })
}

// Who waits for an end is told why: of its own Close nothing, else what it ended by, also when it is asked late.
func TestOnEnd(t *testing.T) {
	w := newWorker(t)
	_, d := stage(t, w)
	reasons := make(chan Reason, 10)
	tell := func(why Reason) { reasons <- why }
	produce := func() *Producer {
		p, err := d.Produce(t.Context(), ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1, "")})
		if err != nil {
			t.Fatal(err)
		}
		p.OnEnd(tell)
		return p
	}
	produce().Close()
	if why := <-reasons; why != "" {
		t.Errorf("its own end is %q", why)
	}
	p := produce()
	d.OnEnd(tell)
	d.Close()
	got := []Reason{<-reasons, <-reasons}
	slices.Sort(got)
	p.OnEnd(tell)
	if late := <-reasons; !slices.Equal(got, []Reason{"", TransportClosed}) || late != TransportClosed {
		t.Errorf("told %q, and late %q", got, late)
	}
}

// Codecs that are updated are those of the next producer; what is made already stays.
func TestUpdateMediaCodecs(t *testing.T) {
	w := newWorker(t)
	var events []string
	var mu sync.Mutex
	r, err := w.CreateRouter(t.Context(), RouterOptions{MediaCodecs: codecs[:1], Event: func(n channel.Notification) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, n.Event)
	}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.CreateDirectTransport(t.Context(), DirectTransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	audio, err := d.Produce(t.Context(), ProducerOptions{Kind: proto.Audio, RTPParameters: opus(1, "")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Produce(t.Context(), ProducerOptions{Kind: proto.Video, RTPParameters: vp8(2)}); codeOf(err) != proto.CodeUnsupported {
		t.Errorf("video before: %v", err)
	}
	before := r.RTPCapabilities()
	if err := r.UpdateMediaCodecs(t.Context(), []proto.RTPCodecCapability{{Kind: "audio", MimeType: "audio/chicken", ClockRate: 1}}); codeOf(err) == "" {
		t.Error("chicken is forwarded")
	}
	if len(r.RTPCapabilities().Codecs) != len(before.Codecs) {
		t.Error("what was refused has changed something")
	}
	if err := r.UpdateMediaCodecs(t.Context(), codecs); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Produce(t.Context(), ProducerOptions{Kind: proto.Video, RTPParameters: vp8(2)}); err != nil {
		t.Errorf("video after: %v", err)
	}
	if _, err := d.Consume(t.Context(), ConsumerOptions{ProducerID: audio.ID(), RTPCapabilities: r.RTPCapabilities()}); err != nil {
		t.Errorf("audio after: %v", err)
	}
	if err := audio.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Contains(events, proto.EventConsumerProducerPause) {
		t.Errorf("the router's events are %q", events)
	}
}

// An id that is taken is refused before who has it loses its events.
func TestIDsThatAreTaken(t *testing.T) {
	w := newWorker(t)
	paused := 0
	r, d := stage(t, w)
	p, err := d.Produce(t.Context(), ProducerOptions{ID: "p", Kind: proto.Audio, RTPParameters: opus(1, "")})
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Consume(t.Context(), ConsumerOptions{ID: "c", ProducerID: "p", RTPCapabilities: r.RTPCapabilities(), ProducerPause: func() { paused++ }})
	if err != nil {
		t.Fatal(err)
	}
	level := AudioLevelObserverOptions{ID: "c"}
	for what, err := range map[string]error{
		"consumer":      errOf(d.Consume(t.Context(), ConsumerOptions{ID: "c", ProducerID: "p", RTPCapabilities: r.RTPCapabilities()})),
		"producer":      errOf(d.Produce(t.Context(), ProducerOptions{ID: "c", Kind: proto.Audio, RTPParameters: opus(2, "")})),
		"transport":     errOf(r.CreateDirectTransport(t.Context(), DirectTransportOptions{ID: "c"})),
		"router":        errOf(w.CreateRouter(t.Context(), RouterOptions{ID: "c"})),
		"observer":      errOf(r.CreateAudioLevelObserver(t.Context(), level)),
		"data producer": errOf(d.ProduceData(t.Context(), DataProducerOptions{ID: "c"})),
		"server":        errOf(w.OpenWebRTCServer(t.Context(), WebRTCServerOptions{ID: "c", ListenInfos: listen})),
	} {
		if codeOf(err) != proto.CodeDuplicate {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := p.Pause(t.Context()); err != nil || paused != 1 || c.Closed() {
		t.Errorf("paused %d times, %v", paused, err)
	}
	if w.Load() != 2 {
		t.Errorf("load %d", w.Load())
	}
}
