package control

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"gazpacho/proto"
)

// soon waits for what must come.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it does not come to that", what)
		}
	}
}

// inbox collects what direct transports get.
type inbox struct {
	mu       sync.Mutex
	packets  map[uint32]int // by SSRC
	messages []string
}

func (b *inbox) rtp(packet []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.packets[binary.BigEndian.Uint32(packet[8:])]++
}

func (b *inbox) message(ppid uint32, payload []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, fmt.Sprint(ppid, " ", string(payload)))
}

func (b *inbox) received() map[uint32]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.packets)
}

func (b *inbox) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.messages
	b.messages = nil
	return m
}

var pipeCodecs = []proto.RTPCodecCapability{
	{Kind: proto.Audio, MimeType: "audio/opus", ClockRate: 48000, Channels: 2}, {Kind: proto.Video, MimeType: "video/VP8", ClockRate: 90000},
}

func stage(t testing.TB, w *Worker) (*Router, *DirectTransport) {
	t.Helper()
	r, err := w.CreateRouter(t.Context(), RouterOptions{MediaCodecs: pipeCodecs})
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.CreateDirectTransport(t.Context(), DirectTransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r, d
}

// vp8Streams is what a publisher of three streams of VP8 sends, of payload type 110.
func vp8Streams() proto.RTPParameters {
	p := proto.RTPParameters{Codecs: []proto.RTPCodecParameters{{
		MimeType: "video/VP8", PayloadType: 110, ClockRate: 90000,
		RTCPFeedback: []proto.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}},
	}}}
	for i := range uint32(3) {
		p.Encodings = append(p.Encodings, proto.RTPEncodingParameters{SSRC: 10 + i})
	}
	return p
}

// play sends a key frame of every stream again and again until is is true.
func play(t *testing.T, p *Producer, sequence *uint16, is func() bool) {
	t.Helper()
	soon(t, "playing", func() bool {
		*sequence++
		for i := range uint32(3) {
			b := []byte{0x80, 0x80 | 110}
			b = binary.BigEndian.AppendUint16(b, *sequence)
			b = binary.BigEndian.AppendUint32(b, uint32(*sequence)*3000)
			b = binary.BigEndian.AppendUint32(b, 10+i)
			b = append(b, 0x90, 0x80, 0x80|byte(*sequence>>8)&0x7f, byte(*sequence), 0, 0x9d, 0x01, 0x2a, byte(i))
			if err := p.Send(b); err != nil {
				t.Fatal(err)
			}
		}
		return is()
	})
}

// Real media from a controller through two workers and back: a direct producer, a pipe over UDP, and a direct consumer of the other router.
func TestPipeToRouter(t *testing.T) {
	for _, o := range []PipeToRouterOptions{{}, {EnableRTX: true, EnableSRTP: true}} {
		t.Run(fmt.Sprint("RTX and SRTP ", o.EnableSRTP), func(t *testing.T) {
			one, two := newWorker(t), newWorker(t)
			here, source := stage(t, one)
			there, sink := stage(t, two)
			o.Router = there
			p, err := source.Produce(t.Context(), ProducerOptions{Kind: proto.Video, RTPParameters: vp8Streams()})
			if err != nil || p.Type() != proto.Simulcast {
				t.Fatal(err)
			}
			o.ProducerID = p.ID()
			piped, err := here.PipeToRouter(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if piped.Consumer.Type() != proto.Pipe || piped.Producer.ID() != p.ID() || piped.Producer.Type() != proto.Simulcast || len(piped.Producer.RTPParameters().Encodings) != 3 {
				t.Fatalf("%s, %s of %d streams", piped.Consumer.Type(), piped.Producer.Type(), len(piped.Producer.RTPParameters().Encodings))
			}
			box := &inbox{packets: map[uint32]int{}}
			all := true
			c, err := sink.Consume(t.Context(), ConsumerOptions{ProducerID: p.ID(), RTPCapabilities: there.RTPCapabilities(), Pipe: all, RTP: box.rtp})
			if err != nil {
				t.Fatal(err)
			}
			sequence := uint16(0)
			play(t, p, &sequence, func() bool {
				got := box.received()
				for _, e := range c.RTPParameters().Encodings {
					if got[e.SSRC] < 20 {
						return false
					}
				}
				return true
			})
			rows, err := piped.Producer.Stats(t.Context())
			if err != nil || len(rows) != 3 || rows[2].PacketCount < 20 {
				t.Errorf("what crossed: %+v, %v", rows, err)
			}
			// Pausing is mirrored, however often it changes; so is the end.
			for range 5 {
				for _, f := range []func(context.Context) error{p.Pause, p.Resume} {
					if err := f(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := p.Pause(t.Context()); err != nil {
				t.Fatal(err)
			}
			soon(t, "paused", func() bool { return c.ProducerPaused() && piped.Producer.Paused() })
			if err := p.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			soon(t, "resumed", func() bool { return !c.ProducerPaused() && !piped.Producer.Paused() })
			before := box.received()
			play(t, p, &sequence, func() bool {
				return box.received()[c.RTPParameters().Encodings[0].SSRC] > before[c.RTPParameters().Encodings[0].SSRC]+20
			})
			p.Close()
			soon(t, "closed", func() bool {
				_, err := c.Stats(t.Context())
				return err != nil && there.producer(p.ID()) == nil
			})
		})
	}
}

// What is closed at the other end is not sent any more.
func TestPipedProducerCloses(t *testing.T) {
	one, two := newWorker(t), newWorker(t)
	here, source := stage(t, one)
	there, _ := stage(t, two)
	p, err := source.Produce(t.Context(), ProducerOptions{Kind: proto.Video, RTPParameters: vp8Streams(), Paused: true})
	if err != nil {
		t.Fatal(err)
	}
	piped, err := here.PipeToRouter(t.Context(), PipeToRouterOptions{ProducerID: p.ID(), Router: there})
	if err != nil {
		t.Fatal(err)
	}
	if !piped.Producer.Paused() {
		t.Error("the producer is not as paused as its source")
	}
	piped.Producer.Close()
	soon(t, "closed", func() bool { _, err := piped.Consumer.Stats(t.Context()); return err != nil })
	if _, err := p.Stats(t.Context()); err != nil {
		t.Error(err)
	}
	// A closed transport takes its other end with it, and the next who wants one gets a new pair.
	again, err := here.PipeToRouter(t.Context(), PipeToRouterOptions{ProducerID: p.ID(), Router: there})
	if err != nil {
		t.Fatal(err)
	}
	near, far := again.Consumer.transport, again.Producer.transport
	near.Close()
	soon(t, "the other end", far.Closed)
	soon(t, "a new pair", func() bool {
		third, err := here.PipeToRouter(t.Context(), PipeToRouterOptions{ProducerID: p.ID(), Router: there})
		return err == nil && third.Consumer.transport != near
	})
}

// "One pair per router pair whatever the concurrency", in both directions, and within one worker, where ids cannot be the same.
func TestOnePair(t *testing.T) {
	w := newWorker(t)
	one, left := stage(t, w)
	two, right := stage(t, w)
	no := false
	var wg sync.WaitGroup
	errs := make(chan error, 40)
	for i := range 20 {
		from, to, d := one, two, left
		if i%2 == 1 {
			from, to, d = two, one, right
		}
		wg.Go(func() {
			p, err := d.Produce(t.Context(), ProducerOptions{Kind: proto.Audio, RTPParameters: proto.RTPParameters{
				Codecs:    []proto.RTPCodecParameters{{MimeType: "audio/opus", PayloadType: 111, ClockRate: 48000, Channels: 2}},
				Encodings: []proto.RTPEncodingParameters{{SSRC: uint32(100 + i)}},
			}})
			if err != nil {
				errs <- err
				return
			}
			piped, err := from.PipeToRouter(t.Context(), PipeToRouterOptions{ProducerID: p.ID(), Router: to, KeepID: &no})
			if err != nil {
				errs <- err
			} else if piped.Producer.ID() == p.ID() {
				errs <- fmt.Errorf("the id was kept")
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	for _, r := range []*Router{one, two} {
		if d, err := r.Dump(t.Context()); err != nil || len(d.TransportIDs) != 2 {
			t.Errorf("transports %v, %v", d.TransportIDs, err)
		}
	}
	p := values(one.producers)[0]
	if _, err := one.PipeToRouter(t.Context(), PipeToRouterOptions{ProducerID: p.ID(), Router: two}); err == nil {
		t.Error("one id for two producers of a worker")
	}
	for what, o := range map[string]PipeToRouterOptions{
		"nothing": {Router: two}, "both": {Router: two, ProducerID: "a", DataProducerID: "b"}, "itself": {Router: one, ProducerID: p.ID()},
		"nowhere": {ProducerID: p.ID()}, "unknown": {Router: two, ProducerID: "x"}, "unknown data": {Router: two, DataProducerID: "x"},
	} {
		if _, err := one.PipeToRouter(t.Context(), o); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// Messages cross with their subchannels, over SCTP between the workers.
func TestPipeData(t *testing.T) {
	one, two := newWorker(t), newWorker(t)
	here, source := stage(t, one)
	there, sink := stage(t, two)
	p, err := source.ProduceData(t.Context(), DataProducerOptions{Label: "bot", Protocol: "x"})
	if err != nil {
		t.Fatal(err)
	}
	piped, err := here.PipeToRouter(t.Context(), PipeToRouterOptions{DataProducerID: p.ID(), Router: there})
	if err != nil {
		t.Fatal(err)
	}
	if piped.DataProducer.ID() != p.ID() || piped.DataProducer.Label() != "bot" || piped.DataProducer.Protocol() != "x" {
		t.Errorf("piped %+v", piped.DataProducer)
	}
	box := &inbox{}
	c, err := sink.ConsumeData(t.Context(), DataConsumerOptions{DataProducerID: p.ID(), Subchannels: []uint16{5}, Message: box.message})
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string, subchannels ...uint16) {
		t.Helper()
		m := DataMessage{Payload: []byte(text)}
		m.PPID, m.Subchannels = 51, subchannels
		if err := p.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "the first message", func() bool { say("hello"); return len(box.take()) > 0 })
	if err := piped.DataConsumer.SetSubchannels(t.Context(), 5, 6); err != nil {
		t.Fatal(err)
	}
	say("for six", 6)
	say("for five", 5, 6)
	say("end")
	var got []string
	soon(t, "the last message", func() bool {
		got = append(got, box.take()...)
		return slices.Contains(got, "51 end")
	})
	got = slices.DeleteFunc(got, func(m string) bool { return m == "51 hello" })
	if !slices.Equal(got, []string{"51 for five", "51 end"}) {
		t.Errorf("got %q", got)
	}
	if err := p.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	soon(t, "paused", c.ProducerPaused)
	p.Close()
	soon(t, "closed", func() bool { _, err := c.Stats(t.Context()); return err != nil })
}
