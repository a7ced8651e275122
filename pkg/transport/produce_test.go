package transport

import (
	"slices"
	"strings"
	"testing"

	"gazpacho/proto"
)

// A refused request leaves everything as it was: no stream, no id, no timer, and what was refused can be asked for again.
func TestProduceIsAllOrNothing(t *testing.T) {
	tests := []struct {
		name   string
		change func(*proto.Produce)
		code   string
	}{
		{"owner has the id", nil, proto.CodeDuplicate},
		{"codec", func(o *proto.Produce) { o.RTPParameters.Codecs[0].MimeType = "video/dirac" }, proto.CodeUnsupported},
		{"kind", func(o *proto.Produce) { o.Kind = "smell" }, proto.CodeBadField},
		{"no mapping", func(o *proto.Produce) { o.RTPMapping.Encodings = nil }, proto.CodeBadField},
		{"MID taken", func(o *proto.Produce) { o.RTPParameters.MID = "taken" }, proto.CodeBadField},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			c := b.client(b.server(), "t")
			c.produce(videoProducer("old", "taken", 100))
			before, timers := c.state(), b.timers.Len()
			o := videoProducer("new", "v", 10)
			if tt.change != nil {
				tt.change(o)
			} else {
				b.duplicate = proto.Duplicate("producer", "new")
			}
			if _, err := c.w.Produce(b.now, o); err == nil || err.Code != tt.code {
				t.Fatalf("error %v, want code %s", err, tt.code)
			}
			if after := c.state(); after != before {
				t.Errorf("changed\n%s to\n%s", before, after)
			}
			if b.timers.Len() != timers {
				t.Errorf("%d timers, %d before", b.timers.Len(), timers)
			}
			c.produce(videoProducer("new", "v", 10))
		})
	}
}

func TestConsumeIsAllOrNothing(t *testing.T) {
	tests := []struct {
		name   string
		change func(*proto.Consume)
		code   string
		path   string
	}{
		{"owner has the id", nil, proto.CodeDuplicate, ""},
		{"codec", func(o *proto.Consume) { o.RTPParameters.Codecs[0].MimeType = "video/dirac" }, proto.CodeUnsupported, ""},
		{"type", func(o *proto.Consume) { o.Type = "siphon" }, proto.CodeBadField, "type"},
		{"pipe of too few encodings", func(o *proto.Consume) { o.Type, o.RTPParameters.Encodings = "pipe", nil }, proto.CodeBadField, "rtpParameters.encodings"},
		{"no SSRC", func(o *proto.Consume) { o.RTPParameters.Encodings[0].SSRC = 0 }, proto.CodeBadField, "rtpParameters.encodings[0].ssrc"},
		{"SSRC taken", func(o *proto.Consume) { o.RTPParameters.Encodings[0].SSRC = 300 }, proto.CodeBadField, "rtpParameters.encodings[0].ssrc"},
		{"SSRC is RTX elsewhere", func(o *proto.Consume) { o.RTPParameters.Encodings[0].SSRC = 301 }, proto.CodeBadField, "rtpParameters.encodings[0].ssrc"},
		{"RTX taken", func(o *proto.Consume) { o.RTPParameters.Encodings[0].RTX.SSRC = 300 }, proto.CodeBadField, "rtpParameters.encodings[0].rtx.ssrc"},
		{"RTX is RTX elsewhere", func(o *proto.Consume) { o.RTPParameters.Encodings[0].RTX.SSRC = 301 }, proto.CodeBadField, "rtpParameters.encodings[0].rtx.ssrc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			s := b.server()
			from, to := b.client(s, "from"), b.client(s, "to")
			from.produce(videoProducer("p", "v", 10))
			to.consume(videoConsumer("old", "p", 300, 1010), from)
			from.sendRTP(frame(10, 1, true))
			b.take()
			before, timers := to.state(), b.timers.Len()
			o := videoConsumer("new", "p", 400, 1010)
			if tt.change != nil {
				tt.change(o)
			} else {
				b.duplicate = proto.Duplicate("consumer", "new")
			}
			_, err := to.w.Consume(b.now, o, from.w.producers[0])
			if err == nil || err.Code != tt.code || (tt.path != "" && err.Path != tt.path) {
				t.Fatalf("error %v, want code %s about %s", err, tt.code, tt.path)
			}
			if after := to.state(); after != before {
				t.Errorf("changed\n%s to\n%s", before, after)
			}
			if b.timers.Len() != timers || len(b.closed) != 0 {
				t.Errorf("%d timers, %d before; closed %v", b.timers.Len(), timers, b.closed)
			}
			if events := b.take(); len(events) != 0 {
				t.Errorf("events %v", events)
			}
			to.readMedia()
			from.sendRTP(frame(10, 2, false))
			if got := to.readMedia(); len(got) != 1 || got[0].SSRC != 300 {
				t.Errorf("the old consumer sent %v", got)
			}
			to.consume(videoConsumer("new", "p", 400, 1010), from)
		})
	}
}

func TestCloseUnknownStreams(t *testing.T) {
	b := newBench(t)
	c := b.client(b.server(), "t")
	if err := c.w.CloseProducer(b.now, "x"); err == nil || err.Name != proto.NotFoundErrorName {
		t.Errorf("producer: %v", err)
	}
	if err := c.w.CloseConsumer(b.now, "x"); err == nil || err.Name != proto.NotFoundErrorName {
		t.Errorf("consumer: %v", err)
	}
}

// A closed consumer's SSRC can be used again, and the new one sends under numbers that no receiver, and no cipher, has seen (R-RTP-7).
func TestSSRCIsUsedAgain(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	from.produce(videoProducer("p", "v", 10))
	sequence := uint16(0)
	used := map[uint16]bool{}
	for range 20 {
		to.consume(videoConsumer("c", "p", 300, 1010), from)
		for range 10 {
			sequence++
			from.sendRTP(frame(10, sequence, true))
		}
		for _, p := range to.readMedia() {
			if used[p.SequenceNumber] {
				t.Fatalf("number %d was used twice under one key", p.SequenceNumber)
			}
			used[p.SequenceNumber] = true
		}
		if err := to.w.CloseConsumer(b.now, "c"); err != nil {
			t.Fatal(err)
		}
		if len(to.w.bySSRC)+len(to.w.byRTX) != 0 {
			t.Fatal("the consumer is still found by its SSRCs")
		}
	}
	// Once closed and opened, a sequence may start below where the last one ended; such packets are refused, not sent under old numbers.
	if refused := to.w.drops[DropProtect]; len(used)+int(refused) != 200 {
		t.Errorf("%d sent, %d refused", len(used), refused)
	}
}

// "Who tells whom on close": a producer that ends takes its consumers along, wherever they are, and the controller hears of those.
func TestProducerCloseEndsConsumers(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, one, two := b.client(s, "from"), b.client(s, "one"), b.client(s, "two")
	from.produce(videoProducer("p", "v", 10))
	one.consume(videoConsumer("c1", "p", 300, 1010), from)
	two.consume(videoConsumer("c2", "p", 300, 1010), from)
	from.consume(videoConsumer("c0", "p", 300, 1010), from)
	b.take()
	if err := from.w.CloseProducer(b.now, "p"); err != nil {
		t.Fatal(err)
	}
	if want := []string{"c1", "c2", "c0", "p"}; !slices.Equal(b.closed, want) {
		t.Errorf("the owner heard of %v, want %v", b.closed, want)
	}
	events := b.take()
	if len(events) != 3 {
		t.Fatalf("events %v", events)
	}
	for i, id := range []string{"c1", "c2", "c0"} {
		if !strings.HasPrefix(events[i], id+" "+proto.EventConsumerProducerClose) {
			t.Errorf("event %d: %s", i, events[i])
		}
	}
	for _, c := range []*client{from, one, two} {
		if len(c.w.consumers)+len(c.w.bySSRC)+len(c.w.byRTX) != 0 {
			t.Errorf("%s still has consumers", c.w.ID())
		}
	}
}

// A transport that closes does not report the end of its own consumers, but does that of others which listened to it.
func TestTransportCloseOrder(t *testing.T) {
	b := newBench(t)
	s := b.server()
	one, two := b.client(s, "one"), b.client(s, "two")
	one.produce(videoProducer("p1", "v", 10))
	two.produce(videoProducer("p2", "v", 10))
	one.consume(videoConsumer("c12", "p2", 300, 1010), two)
	one.consume(videoConsumer("c11", "p1", 310, 1010), one)
	two.consume(videoConsumer("c21", "p1", 300, 1010), one)
	b.take()
	one.w.Close(b.now)
	one.w.Close(b.now)
	if want := []string{"c12", "c11", "c21", "p1"}; !slices.Equal(b.closed, want) {
		t.Errorf("the owner heard of %v, want %v", b.closed, want)
	}
	if events := b.take(); len(events) != 1 || !strings.HasPrefix(events[0], "c21 "+proto.EventConsumerProducerClose) {
		t.Errorf("events %v", events)
	}
	two.sendRTP(frame(10, 1, true)) // nobody listens any more
	two.w.Close(b.now)
	s.Close(b.now)
	if b.timers.Len() != 0 {
		t.Errorf("%d timers were left over", b.timers.Len())
	}
}
