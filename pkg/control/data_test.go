package control

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"gazpacho/proto"
)

func stream(id uint16) *proto.SCTPStreamParameters { return &proto.SCTPStreamParameters{StreamID: id} }

// data is a router of a real worker with two transports that have SCTP, and a data producer on the first.
func dataTransports(t *testing.T) (r *Router, a, b *WebRTCTransport, p *DataProducer, h *heard) {
	t.Helper()
	h = &heard{}
	r = newRouter(t, newWorker(t), nil)
	o := WebRTCTransportOptions{SCTP: proto.SCTPOptions{EnableSCTP: true}}
	a, b = newTransportIn(t, r, o), newTransportIn(t, r, o)
	p, err := a.ProduceData(t.Context(), DataProducerOptions{SCTPStreamParameters: stream(4), Label: "chat", Protocol: "x", Closed: h.by("producer")})
	if err != nil {
		t.Fatal(err)
	}
	return r, a, b, p, h
}

func TestDataHandles(t *testing.T) {
	_, a, b, p, h := dataTransports(t)
	ctx := t.Context()
	if a.SCTPParameters() == nil || a.SCTPState() != proto.SCTPNew {
		t.Errorf("state %q, %+v", a.SCTPState(), a.SCTPParameters())
	}
	c, err := b.ConsumeData(ctx, DataConsumerOptions{
		DataProducerID: p.ID(), Subchannels: []uint16{7, 3}, Closed: h.by("consumer"),
		ProducerPause: func() { h.add("paused") }, ProducerResume: func() { h.add("resumed") },
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.DataProducerID() != p.ID() || c.Label() != "chat" || c.Protocol() != "x" || c.SCTPStreamParameters().StreamID != 0 || !*c.SCTPStreamParameters().Ordered {
		t.Errorf("consumer %+v", c.SCTPStreamParameters())
	}
	if !slices.Equal(c.Subchannels(), []uint16{3, 7}) {
		t.Errorf("subchannels %v", c.Subchannels())
	}
	steps := []struct {
		name string
		do   func() error
		want any
		got  func() any
	}{
		{"add", func() error { return c.AddSubchannel(ctx, 5) }, []uint16{3, 5, 7}, func() any { return c.Subchannels() }},
		{"remove", func() error { return c.RemoveSubchannel(ctx, 3) }, []uint16{5, 7}, func() any { return c.Subchannels() }},
		{"set", func() error { return c.SetSubchannels(ctx, 1) }, []uint16{1}, func() any { return c.Subchannels() }},
		{"pause", func() error { return c.Pause(ctx) }, true, func() any { return c.Paused() }},
		{"resume", func() error { return c.Resume(ctx) }, false, func() any { return c.Paused() }},
		{"pause the producer", func() error { return p.Pause(ctx) }, []any{true, true}, func() any { return []any{p.Paused(), c.ProducerPaused()} }},
		{"resume the producer", func() error { return p.Resume(ctx) }, []any{false, false}, func() any { return []any{p.Paused(), c.ProducerPaused()} }},
		{"threshold", func() error { return c.SetBufferedAmountLowThreshold(ctx, 77) }, 77, func() any { d, _ := c.Dump(ctx); return d.BufferedAmountLowThreshold }},
		{"buffered", func() error { _, err := c.BufferedAmount(ctx); return err }, 0, func() any { n, _ := c.BufferedAmount(ctx); return n }},
		{"statistics", func() error { _, err := c.Stats(ctx); return err }, "data-consumer", func() any { s, _ := c.Stats(ctx); return s[0].Type }},
		{"the producer's", func() error { _, err := p.Stats(ctx); return err }, "data-producer", func() any { s, _ := p.Stats(ctx); return s[0].Type }},
		{"dump", func() error { _, err := p.Dump(ctx); return err }, p.ID(), func() any { d, _ := p.Dump(ctx); return d.ID }},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		} else if got := s.got(); fmt.Sprint(got) != fmt.Sprint(s.want) {
			t.Errorf("%s: %v, want %v", s.name, got, s.want)
		}
	}
	if _, err := c.Send(ctx, 51, []byte("x")); err == nil {
		t.Error("sent without an association")
	}
	if got := h.take(); !slices.Equal(got, []string{"paused", "resumed"}) {
		t.Errorf("heard %v", got)
	}
	p.Close()
	p.Close()
	if _, err := c.Stats(ctx); err == nil {
		t.Error("the consumer outlived its producer")
	}
	if got := h.take(); !slices.Equal(got, []string{"consumer:" + string(ProducerClosed)}) {
		t.Errorf("heard %v", got)
	}
}

func TestDataEndsWithTransport(t *testing.T) {
	_, a, b, p, h := dataTransports(t)
	if _, err := b.ConsumeData(t.Context(), DataConsumerOptions{DataProducerID: p.ID(), Closed: h.by("consumer")}); err != nil {
		t.Fatal(err)
	}
	b.Close()
	a.Close()
	if got := h.take(); !slices.Equal(got, []string{"consumer:" + string(TransportClosed), "producer:" + string(TransportClosed)}) {
		t.Errorf("heard %v", got)
	}
	for what, err := range map[string]error{
		"produce": errOf(a.ProduceData(t.Context(), DataProducerOptions{SCTPStreamParameters: stream(1)})),
		"consume": errOf(b.ConsumeData(t.Context(), DataConsumerOptions{DataProducerID: p.ID()})),
	} {
		if err == nil {
			t.Errorf("%s on a closed transport", what)
		}
	}
}

func TestDataRefusals(t *testing.T) {
	r, a, b, p, _ := dataTransports(t)
	plain := newTransportIn(t, r, WebRTCTransportOptions{})
	yes, few := true, uint16(3)
	ctx := context.Background()
	for what, tt := range map[string]struct {
		err  error
		code string
	}{
		"no stream":   {errOf(a.ProduceData(ctx, DataProducerOptions{})), proto.CodeBadField},
		"bad stream":  {errOf(a.ProduceData(ctx, DataProducerOptions{SCTPStreamParameters: &proto.SCTPStreamParameters{Ordered: &yes, MaxRetransmits: &few}})), proto.CodeBadField},
		"taken id":    {errOf(b.ProduceData(ctx, DataProducerOptions{ID: p.ID(), SCTPStreamParameters: stream(1)})), proto.CodeDuplicate},
		"no SCTP":     {errOf(plain.ProduceData(ctx, DataProducerOptions{SCTPStreamParameters: stream(1)})), proto.CodeBadField},
		"nor here":    {errOf(plain.ConsumeData(ctx, DataConsumerOptions{DataProducerID: p.ID()})), proto.CodeBadField},
		"nobody's":    {errOf(b.ConsumeData(ctx, DataConsumerOptions{DataProducerID: "?"})), proto.CodeNotFound},
		"both limits": {errOf(b.ConsumeData(ctx, DataConsumerOptions{DataProducerID: p.ID(), MaxRetransmits: &few, MaxPacketLifeTime: &few})), proto.CodeBadField},
	} {
		if e, ok := tt.err.(*proto.Error); !ok || e.Code != tt.code {
			t.Errorf("%s: %v", what, tt.err)
		}
	}
	if p2, err := b.ProduceData(ctx, DataProducerOptions{ID: "mine", SCTPStreamParameters: stream(1)}); err != nil || p2.ID() != "mine" {
		t.Errorf("a given id: %v", err)
	}
}

// Streams are given out in turn, around those that the peer uses and within what it agreed to.
func TestStreamNumbers(t *testing.T) {
	f, w := newFake(t)
	r := newRouter(t, w, nil)
	tr := newTransportIn(t, r, WebRTCTransportOptions{})
	p, err := tr.ProduceData(t.Context(), DataProducerOptions{SCTPStreamParameters: stream(2)})
	if err != nil {
		t.Fatal(err)
	}
	consume := func() (*DataConsumer, uint16) {
		t.Helper()
		c, err := tr.ConsumeData(t.Context(), DataConsumerOptions{DataProducerID: p.ID()})
		if err != nil {
			t.Fatal(err)
		}
		return c, c.SCTPStreamParameters().StreamID
	}
	var ids []uint16
	var consumers []*DataConsumer
	for range 3 {
		c, id := consume()
		consumers, ids = append(consumers, c), append(ids, id)
	}
	if !slices.Equal(ids, []uint16{0, 1, 3}) {
		t.Errorf("streams %v", ids)
	}
	consumers[0].Close()
	if _, id := consume(); id != 4 {
		t.Errorf("stream %d, want the next one, not one that the peer may not have let go of", id)
	}
	f.Notify(tr.ID(), proto.Event{Name: proto.EventSCTPNegotiatedCapabilities, Body: proto.SCTPNegotiated{
		SCTPNegotiatedCapabilities: proto.SCTPNegotiatedCapabilities{NegotiatedMaxOutboundStreams: 5},
	}})
	w.tell(proto.WorkerDumpMethod, "", nil)
	if _, id := consume(); id != 0 {
		t.Errorf("stream %d of 5", id)
	}
	if _, err := tr.ConsumeData(t.Context(), DataConsumerOptions{DataProducerID: p.ID()}); err == nil || err.(*proto.Error).Code != proto.CodeLimit {
		t.Errorf("a sixth stream of five: %v", err)
	}
}

func TestDataEvents(t *testing.T) {
	f, w := newFake(t)
	var h heard
	r := newRouter(t, w, nil)
	tr := newTransportIn(t, r, WebRTCTransportOptions{SCTPState: func(s string) { h.add("sctp " + s) }})
	p, err := tr.ProduceData(t.Context(), DataProducerOptions{SCTPStreamParameters: stream(2)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := tr.ConsumeData(t.Context(), DataConsumerOptions{
		DataProducerID: p.ID(), BufferedAmountLow: func(n int) { h.add(fmt.Sprint("low ", n)) }, SendBufferFull: func() { h.add("full") },
		Closed: h.by("consumer"),
	})
	if err != nil {
		t.Fatal(err)
	}
	quiet, err := tr.ConsumeData(t.Context(), DataConsumerOptions{DataProducerID: p.ID()})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct {
		target, name string
		body         any
	}{
		{tr.ID(), proto.EventSCTPStateChange, proto.SCTPStateChange{SCTPState: proto.SCTPConnected}},
		{c.ID(), proto.EventDataConsumerAmountLow, proto.BufferedAmount{BufferedAmount: 5}},
		{c.ID(), proto.EventDataConsumerBufferFull, nil},
		{quiet.ID(), proto.EventDataConsumerAmountLow, proto.BufferedAmount{BufferedAmount: 5}},
		{quiet.ID(), proto.EventDataConsumerBufferFull, nil},
		{quiet.ID(), proto.EventDataConsumerProducerPause, nil},
		{quiet.ID(), proto.EventDataConsumerProducerClose, nil},
		{c.ID(), proto.EventDataConsumerAmountLow, []string{"malformed"}},
		{c.ID(), proto.EventDataConsumerProducerClose, nil},
		{c.ID(), proto.EventDataConsumerBufferFull, nil}, // nobody's any more
	} {
		f.Notify(e.target, proto.Event{Name: e.name, Body: e.body})
		w.tell(proto.WorkerDumpMethod, "", nil) // by its answer the event has been handled
	}
	if got, want := h.take(), []string{"sctp connected", "low 5", "full", "consumer:" + string(ProducerClosed)}; !slices.Equal(got, want) {
		t.Errorf("heard %v, want %v", got, want)
	}
	if tr.SCTPState() != proto.SCTPConnected || !quiet.ProducerPaused() {
		t.Errorf("state %q", tr.SCTPState())
	}
}
