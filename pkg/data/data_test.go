package data

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gazpacho/proto"
)

func TestFanOut(t *testing.T) {
	w := newWorld(t)
	a, b := w.consumer("a"), w.consumer("b")
	w.say("hello")
	w.expect("both", []string{"a 51 hello", "b 51 hello"}, nil)
	w.p.RemoveConsumer(a)
	w.say("you")
	w.expect("one", []string{"b 51 you"}, nil)
	b.Pause(w.now)
	w.say("nobody")
	w.expect("paused", nil, nil)
	b.Resume(w.now)
	w.say("again")
	w.expect("resumed", []string{"b 51 again"}, nil)
	if s := w.p.Stats(w.now)[0]; s.MessagesReceived != 4 || s.BytesReceived != 19 || s.Type != "data-producer" || s.Timestamp != 1_700_000_000_000 || s.Label != "l" || s.Protocol != "x" {
		t.Errorf("statistics %+v", s)
	}
	if s := b.Stats(w.now)[0]; s.MessagesSent != 3 || s.BytesSent != 13 || s.BufferedAmount != 13 || s.Type != "data-consumer" {
		t.Errorf("statistics %+v", s)
	}
}

func TestProducerPause(t *testing.T) {
	w := newWorld(t)
	c := w.consumer("a")
	w.p.Pause(w.now)
	w.p.Pause(w.now)
	w.say("held back")
	w.expect("paused", nil, []string{"a " + proto.EventDataConsumerProducerPause})
	if !c.Dump().DataProducerPaused || c.Dump().Paused || !w.p.Dump().Paused {
		t.Errorf("dump %+v", c.Dump())
	}
	if s := w.p.Stats(w.now)[0]; s.MessagesReceived != 1 {
		t.Errorf("paused producers count: %+v", s)
	}
	late := w.consumer("late")
	if !late.Dump().DataProducerPaused {
		t.Error("who comes late does not know")
	}
	w.p.Resume(w.now)
	w.say("x")
	w.expect("resumed", []string{"a 51 x", "late 51 x"},
		[]string{"a " + proto.EventDataConsumerProducerResume, "late " + proto.EventDataConsumerProducerResume})
}

func TestProducerClose(t *testing.T) {
	w := newWorld(t)
	w.consumer("a")
	w.consumer("b")
	w.p.Close(w.now)
	w.p.Close(w.now)
	w.expect("closed", nil, []string{"a " + proto.EventDataConsumerProducerClose, "b " + proto.EventDataConsumerProducerClose})
	if !slices.Equal(w.closed, []string{"a", "b"}) {
		t.Errorf("closed %v", w.closed)
	}
	w.say("into the void")
	w.expect("after", nil, nil)
}

func number(n uint16) *uint16 { return &n }

func TestSubchannels(t *testing.T) {
	for _, tt := range []struct {
		name      string
		subscribe []uint16
		m         Message
		want      bool
	}{
		{"none, none", nil, Message{}, true},
		{"some, none", []uint16{1}, Message{}, true},
		{"none, some", nil, Message{Subchannels: []uint16{1}}, false},
		{"one of them", []uint16{9, 2}, Message{Subchannels: []uint16{1, 2}}, true},
		{"none of them", []uint16{9, 3}, Message{Subchannels: []uint16{1, 2}}, false},
		{"required", []uint16{5}, Message{Required: number(5)}, true},
		{"required, missing", []uint16{4}, Message{Required: number(5)}, false},
		{"required, but not for it", []uint16{5}, Message{Required: number(5), Subchannels: []uint16{6}}, false},
		{"required and for it", []uint16{5, 6}, Message{Required: number(5), Subchannels: []uint16{6}}, true},
		{"ignored", []uint16{5}, Message{Ignored: number(5)}, false},
		{"ignored, not subscribed", []uint16{4}, Message{Ignored: number(5)}, true},
		{"for it, but ignored", []uint16{5, 6}, Message{Ignored: number(5), Subchannels: []uint16{6}}, false},
	} {
		w := newWorld(t)
		w.consumer("c", func(o *proto.ConsumeData) { o.Subchannels = tt.subscribe })
		w.p.HandleMessage(w.now, &tt.m)
		if got := len(w.sent) == 1; got != tt.want {
			t.Errorf("%s: sent %v", tt.name, got)
		}
	}
}

// The list of subchannels is a set, in order, whatever is done to it.
func TestSubchannelsAreASet(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := newWorld(t).consumer("c")
		model := map[uint16]bool{}
		for range rapid.IntRange(0, 50).Draw(r, "steps") {
			s := rapid.Uint16Range(0, 9).Draw(r, "subchannel")
			switch rapid.IntRange(0, 2).Draw(r, "what") {
			case 0:
				c.AddSubchannel(s)
				model[s] = true
			case 1:
				c.RemoveSubchannel(s)
				delete(model, s)
			case 2:
				c.SetSubchannels([]uint16{s, 3, s})
				model = map[uint16]bool{s: true, 3: true}
			}
			got := c.Dump().Subchannels
			if !slices.IsSorted(got) || len(got) != len(model) {
				r.Fatalf("got %v, want %v", got, model)
			}
			for _, s := range got {
				if !model[s] {
					r.Fatalf("got %v, want %v", got, model)
				}
			}
		}
	})
}

func TestParameters(t *testing.T) {
	yes, no, few := true, false, uint16(3)
	for _, tt := range []struct {
		name       string
		kind       string
		p          *proto.SCTPStreamParameters
		code, path string
		ordered    bool
		reliable   bool
	}{
		{name: "default", kind: "sctp", p: stream1(), ordered: true, reliable: true},
		{name: "unordered", kind: "sctp", p: &proto.SCTPStreamParameters{Ordered: &no}, reliable: true},
		{name: "limit", kind: "sctp", p: lossy()},
		{name: "life", kind: "sctp", p: &proto.SCTPStreamParameters{Ordered: &no, MaxPacketLifeTime: &few}},
		{name: "no stream", kind: "sctp", code: proto.CodeBadField, path: "sctpStreamParameters"},
		{name: "stream 65535", kind: "sctp", p: &proto.SCTPStreamParameters{StreamID: 65535}, code: proto.CodeBadField, path: "sctpStreamParameters.streamId"},
		{name: "both limits", kind: "sctp", p: &proto.SCTPStreamParameters{MaxRetransmits: &few, MaxPacketLifeTime: &few}, code: proto.CodeBadField, path: "sctpStreamParameters.maxRetransmits"},
		{name: "ordered limit", kind: "sctp", p: &proto.SCTPStreamParameters{Ordered: &yes, MaxRetransmits: &few}, code: proto.CodeBadField, path: "sctpStreamParameters.ordered"},
		{name: "nothing", code: proto.CodeBadField, path: "type"},
	} {
		p, err := NewProducer(&proto.ProduceData{Type: tt.kind, SCTPStreamParameters: tt.p})
		_, errConsumer := NewConsumer(ConsumerConfig{Options: &proto.ConsumeData{Type: tt.kind, SCTPStreamParameters: tt.p}})
		if tt.code != "" {
			if err == nil || err.Code != tt.code || err.Path != tt.path || errConsumer == nil || *errConsumer != *err {
				t.Errorf("%s: %v, %v", tt.name, err, errConsumer)
			}
			continue
		}
		if err != nil || errConsumer != nil {
			t.Errorf("%s: %v, %v", tt.name, err, errConsumer)
			continue
		}
		if r := p.Reliability(); r.Ordered != tt.ordered || r.Reliable() != tt.reliable || *p.Dump().SCTPStreamParameters.Ordered != tt.ordered {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

// What is direct has no stream, and nobody at its other end but the controller.
func TestDirect(t *testing.T) {
	w := newWorld(t)
	p, err := NewProducer(&proto.ProduceData{DataProducerID: "d", Type: proto.DataDirect, SCTPStreamParameters: stream1()})
	if err != nil || p.Type() != proto.DataDirect || p.Dump().SCTPStreamParameters != nil || !p.Reliability().Reliable() {
		t.Errorf("producer: %+v, %v", p.Dump(), err)
	}
	c := w.consumer("c", func(o *proto.ConsumeData) { o.Type, o.SCTPStreamParameters = proto.DataDirect, nil })
	if c.Dump().SCTPStreamParameters != nil || c.Dump().Type != proto.DataDirect {
		t.Errorf("consumer: %+v", c.Dump())
	}
	_, unsent := c.Send(w.now, PPIDString, []byte("x"))
	_, unknown := c.BufferedAmount()
	for what, err := range map[string]*proto.Error{"send": unsent, "amount": unknown, "threshold": c.SetBufferedAmountLowThreshold(1)} {
		if err == nil || err.Name != proto.TypeErrorName || err.Path != "type" || len(w.sent) != 0 || c.Dump().BufferedAmountLowThreshold == 1 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// R-SCTP-2: what waits for a reliable reader is bounded, and when the bound is met, its stream ends: of what comes nothing may be
// missing in the middle.
func TestReliableOverrun(t *testing.T) {
	w := newWorld(t)
	c := w.consumer("a")
	text := strings.Repeat("x", 1000)
	for range limit/Cost(1000, 1) + 5 {
		w.say(text)
	}
	if n := len(w.sent); n != limit/Cost(1000, 1) {
		t.Errorf("sent %d messages", n)
	}
	if want := []string{"a " + proto.EventDataConsumerBufferFull}; !slices.Equal(w.events, want) || !slices.Equal(w.reset, []string{"a"}) {
		t.Errorf("events %q, reset %q", w.events, w.reset)
	}
	if !slices.Equal(w.lost, []Result{Full}) {
		t.Errorf("lost %v", w.lost)
	}
	if n, _ := c.Waiting(); n != 0 || c.Stats(w.now)[0].MessagesDropped != 1 {
		t.Errorf("statistics %+v", c.Stats(w.now))
	}
	if _, err := c.Send(w.now, PPIDString, []byte("x")); err == nil || err.Code != proto.CodeInvalidState {
		t.Errorf("send: %v", err)
	}
}

func TestUnreliableOverrun(t *testing.T) {
	w := newWorld(t)
	c := w.consumer("a", func(o *proto.ConsumeData) { o.SCTPStreamParameters = lossy() })
	text := strings.Repeat("x", 1000)
	fits := limit / Cost(1000, 1)
	for range fits + 5 {
		w.say(text)
	}
	if len(w.sent) != fits || len(w.reset) != 0 || len(w.events) != 1 || c.Stats(w.now)[0].MessagesDropped != 5 {
		t.Errorf("sent %d, reset %q, events %q, %+v", len(w.sent), w.reset, w.events, c.Stats(w.now))
	}
	w.sent, w.events = nil, nil
	c.Released(w.now, 1000, 1)
	w.say(text)
	w.say(text)
	if len(w.sent) != 1 || len(w.events) != 0 {
		t.Errorf("sent %d, events %q: told again though it never recovered", len(w.sent), w.events)
	}
	c.Released(w.now, 1000*fits, fits)
	w.events, w.sent = nil, nil
	for range fits + 1 {
		w.say(text)
	}
	if want := []string{"a " + proto.EventDataConsumerBufferFull}; !slices.Equal(w.events, want) {
		t.Errorf("events %q", w.events)
	}
}

// A flood of tiny messages costs more than its bytes.
func TestTinyMessagesAreNotFree(t *testing.T) {
	w := newWorld(t)
	w.consumer("a", func(o *proto.ConsumeData) { o.SCTPStreamParameters = lossy() })
	for range 1000 {
		w.say("x")
	}
	if n := len(w.sent); n != limit/Cost(1, 1) {
		t.Errorf("%d messages wait", n)
	}
}

func TestBufferedAmountLow(t *testing.T) {
	w := newWorld(t)
	c := w.consumer("a")
	low := func(n int) string {
		return fmt.Sprintf("a %s {BufferedAmount:%d}", proto.EventDataConsumerAmountLow, n)
	}
	w.say(strings.Repeat("x", 150))
	w.say(strings.Repeat("x", 60))
	w.sent = nil
	c.Released(w.now, 100, 0)
	w.expect("110 left", nil, nil)
	c.Released(w.now, 50, 1)
	w.expect("60 left", nil, []string{low(60)})
	c.Released(w.now, 60, 1)
	w.expect("none left", nil, nil)
	if err := c.SetBufferedAmountLowThreshold(0); err != nil {
		t.Fatal(err)
	}
	w.say("abc")
	w.sent = nil
	c.Released(w.now, 2, 0)
	w.expect("one left", nil, nil)
	c.Released(w.now, 1, 1)
	w.expect("threshold 0", nil, []string{low(0)})
	if err := c.SetBufferedAmountLowThreshold(-1); err == nil || err.Path != "threshold" || c.Dump().BufferedAmountLowThreshold != 0 {
		t.Errorf("%v, %+v", err, c.Dump())
	}
	c.Released(w.now, 1000, 10) // about a stream that was given up
	if b, m := c.Waiting(); b != 0 || m != 0 {
		t.Errorf("%d bytes in %d messages", b, m)
	}
}

// The controller's messages are sent whatever is paused; empty ones become the byte that SCTP needs.
func TestSend(t *testing.T) {
	w := newWorld(t)
	c := w.consumer("a")
	c.Pause(w.now)
	for _, tt := range []struct {
		ppid    uint32
		payload string
		sent    string
	}{
		{PPIDString, "x", "a 51 x"},
		{PPIDBinary, "x", "a 53 x"},
		{PPIDString, "", "a 56 \x00"},
		{PPIDBinary, "", "a 57 \x00"},
		{PPIDStringEmpty, "ignored", "a 56 \x00"},
		{PPIDBinaryEmpty, "", "a 57 \x00"},
	} {
		before, _ := c.BufferedAmount()
		amount, err := c.Send(w.now, tt.ppid, []byte(tt.payload))
		if err != nil || amount != before+1 {
			t.Errorf("%d bytes wait, %v", amount, err)
		}
		w.expect(tt.sent, []string{tt.sent}, nil)
	}
	for result, code := range map[Result]string{NotConnected: proto.CodeInvalidState, TooLarge: proto.CodeBadField, Full: proto.CodeLimit} {
		w.refuse = result
		if _, err := c.Send(w.now, PPIDString, []byte("x")); err == nil || err.Code != code {
			t.Errorf("%v: %v", result, err)
		}
	}
	if len(w.reset) != 0 {
		t.Error("the controller was told; the stream goes on")
	}
}

// What cannot be sent now is not sent later.
func TestNotConnected(t *testing.T) {
	w := newWorld(t)
	c := w.consumer("a")
	for _, r := range []Result{NotConnected, TooLarge} {
		w.refuse = r
		w.say("lost")
	}
	w.refuse = Sent
	w.say("found")
	w.expect("afterwards", []string{"a 51 found"}, nil)
	if s := c.Stats(w.now)[0]; s.MessagesDropped != 2 || s.BufferedAmount != 5 {
		t.Errorf("statistics %+v", s)
	}
	c.Forget()
	if n, err := c.BufferedAmount(); n != 0 || err != nil {
		t.Error("something waits")
	}
}

func TestBudget(t *testing.T) {
	worker := NewBudget(100, nil)
	a, b := NewBudget(60, worker), NewBudget(60, worker)
	steps := []struct {
		budget *Budget
		n      int
		ok     bool
	}{{a, 60, true}, {a, 1, false}, {b, 41, false}, {b, 40, true}, {b, 1, false}}
	for i, s := range steps {
		if s.budget.Take(s.n) != s.ok {
			t.Errorf("step %d: want %v", i, s.ok)
		}
	}
	if a.Used() != 60 || b.Used() != 40 || worker.Used() != 100 {
		t.Errorf("used %d, %d, %d", a.Used(), b.Used(), worker.Used())
	}
	a.Give(60)
	if !b.Take(20) || b.Take(1) || worker.Used() != 60 {
		t.Errorf("used %d of %d", b.Used(), worker.Used())
	}
}

// Forwarding a message to many consumers allocates nothing here: what waits is the sink's.
func TestFanOutDoesNotAllocate(t *testing.T) {
	w := newWorld(t)
	quiet := &silent{}
	for i := range 10 {
		c := w.consumer(fmt.Sprint(i))
		c.cfg.Sink = quiet
		c.cfg.Limit = 1 << 40
	}
	m := &Message{PPID: PPIDBinary, Payload: make([]byte, 100)}
	if n := testing.AllocsPerRun(100, func() { w.p.HandleMessage(w.now, m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

type silent struct{ n int }

func (s *silent) SendData(time.Time, *Consumer, uint32, []byte) Result { s.n++; return Sent }
func (s *silent) ResetData(time.Time, *Consumer)                       {}
