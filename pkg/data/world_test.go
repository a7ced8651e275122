package data

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gazpacho/proto"
)

// world is a producer and the sink and channel around its consumers.
type world struct {
	t      testing.TB
	now    time.Time
	p      *Producer
	events []string
	sent   []string // "consumer ppid payload"
	reset  []string
	closed []string
	refuse Result // what the sink says
	lost   []Result
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, now: time.Unix(1_700_000_000, 0)}
	p, err := NewProducer(&proto.ProduceData{DataProducerID: "p", Type: proto.DataSCTP, SCTPStreamParameters: stream1(), Label: "l", Protocol: "x"})
	if err != nil {
		t.Fatal(err)
	}
	w.p = p
	return w
}

func stream1() *proto.SCTPStreamParameters { return &proto.SCTPStreamParameters{StreamID: 1} }

func lossy() *proto.SCTPStreamParameters {
	few := uint16(1)
	return &proto.SCTPStreamParameters{StreamID: 1, MaxRetransmits: &few}
}

// limit of the consumers of these tests, in bytes of cost.
const limit = 10_000

func (w *world) consumer(id string, change ...func(*proto.ConsumeData)) *Consumer {
	w.t.Helper()
	o := &proto.ConsumeData{DataConsumerID: id, DataProducerID: "p", Type: proto.DataSCTP, SCTPStreamParameters: stream1(), Label: "l", Protocol: "x"}
	for _, f := range change {
		f(o)
	}
	c, err := NewConsumer(ConsumerConfig{
		Options: o, Sink: w, Events: w, Limit: limit, LowThreshold: 100, ProducerPaused: w.p.Paused(),
		Dropped:        func(why Result) { w.lost = append(w.lost, why) },
		ProducerClosed: func(_ time.Time, c *Consumer) { w.closed = append(w.closed, c.ID()); w.p.RemoveConsumer(c) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.p.AddConsumer(c)
	return c
}

func (w *world) say(text string) {
	w.p.HandleMessage(w.now, &Message{PPID: PPIDString, Payload: []byte(text)})
}

func (w *world) SendData(_ time.Time, c *Consumer, ppid uint32, payload []byte) Result {
	if w.refuse == Sent {
		w.sent = append(w.sent, fmt.Sprint(c.ID(), " ", ppid, " ", string(payload)))
	}
	return w.refuse
}

func (w *world) ResetData(_ time.Time, c *Consumer) { w.reset = append(w.reset, c.ID()) }

func (w *world) Emit(target string, e proto.Event) {
	text := target + " " + e.Name
	if e.Body != nil {
		text += fmt.Sprintf(" %+v", e.Body)
	}
	w.events = append(w.events, text)
}

// expect compares and forgets what was sent and told.
func (w *world) expect(what string, sent, events []string) {
	w.t.Helper()
	if !slices.Equal(w.sent, sent) {
		w.t.Errorf("%s: sent %q, want %q", what, w.sent, sent)
	}
	if !slices.Equal(w.events, events) {
		w.t.Errorf("%s: events %q, want %q", what, w.events, events)
	}
	w.sent, w.events = nil, nil
}
