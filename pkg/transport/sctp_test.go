package transport

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/data"
	"gazpacho/proto"
)

// fakeSCTP records what a transport asks of its association.
type fakeSCTP struct {
	calls  []string
	closed bool
}

func (f *fakeSCTP) note(format string, args ...any) {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeSCTP) Open(stream uint16, r data.Reliability) {
	f.note("open %d ordered %v reliable %v", stream, r.Ordered, r.Reliable())
}
func (f *fakeSCTP) CloseStream(stream uint16) { f.note("close %d", stream) }
func (f *fakeSCTP) Send(_ time.Time, stream uint16, ppid uint32, b []byte) {
	f.note("send %d %d %s", stream, ppid, b)
}
func (f *fakeSCTP) Close() { f.closed = true }

func (f *fakeSCTP) take() []string {
	c := f.calls
	f.calls = nil
	return c
}

// talker is a transport with SCTP and a reachable peer.
type talker struct {
	*bench
	w    *WebRTC
	made []*fakeSCTP
}

func newTalker(t testing.TB, o proto.SCTPOptions) *talker {
	t.Helper()
	k := &talker{bench: newBench(t)}
	k.env.DataBudget = data.NewBudget(MaxWorkerBuffer, nil)
	k.env.NewSCTP = func(*WebRTC, DTLS, proto.SCTPOptions) SCTP {
		f := &fakeSCTP{}
		k.made = append(k.made, f)
		return f
	}
	o.EnableSCTP = true
	w, err := NewWebRTC(k.now, k.env, k.bench, k.server(), &proto.WebRTCTransportOptions{TransportID: "t", SCTPOptions: o})
	if err != nil {
		t.Fatal(err)
	}
	k.w = w
	k.reach(w, peerAddress)
	if _, err := w.Connect(k.now, &proto.DTLSParameters{Role: "client", Fingerprints: k.env.Fingerprints}); err != nil {
		t.Fatal(err)
	}
	k.take()
	return k
}

func (k *talker) produce(id string, stream uint16) *data.Producer {
	k.t.Helper()
	if _, err := k.w.ProduceData(k.now, &proto.ProduceData{DataProducerID: id, Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: stream}}); err != nil {
		k.t.Fatal(err)
	}
	return k.w.messages.producerOf[stream]
}

// consume adds a data consumer of a producer elsewhere.
func (k *talker) consume(id string, stream uint16, retransmits *uint16) *data.Producer {
	k.t.Helper()
	p, err := data.NewProducer(&proto.ProduceData{DataProducerID: "of " + id, Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: 1}})
	if err != nil {
		k.t.Fatal(err)
	}
	_, err = k.w.ConsumeData(k.now, &proto.ConsumeData{
		DataConsumerID: id, DataProducerID: p.ID(), Type: proto.DataSCTP,
		SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: stream, MaxRetransmits: retransmits},
	}, p)
	if err != nil {
		k.t.Fatal(err)
	}
	return p
}

func (k *talker) states() (list []string) {
	for _, e := range k.take() {
		if strings.Contains(e, proto.EventSCTPStateChange) {
			list = append(list, strings.TrimSuffix(e[strings.Index(e, "SCTPState:")+len("SCTPState:"):], "}"))
		}
	}
	return list
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// The association is made when DTLS is connected and somebody wants it, in either order; not before.
func TestSCTPBeginsWhenNeeded(t *testing.T) {
	t.Run("a data producer, then DTLS", func(t *testing.T) {
		k := newTalker(t, proto.SCTPOptions{})
		k.produce("p", 3)
		if len(k.made) != 0 {
			t.Fatal("too early")
		}
		k.w.DTLSConnected(k.now, keys(), "")
		same(t, "states", k.states(), "connecting")
		same(t, "calls", k.made[0].take(), "open 3 ordered true reliable true")
	})
	t.Run("DTLS, then a data consumer", func(t *testing.T) {
		k := newTalker(t, proto.SCTPOptions{})
		k.w.DTLSConnected(k.now, keys(), "")
		if len(k.made) != 0 {
			t.Fatal("too early")
		}
		few := uint16(3)
		k.consume("c", 5, &few)
		same(t, "calls", k.made[0].take(), "open 5 ordered false reliable false")
	})
	t.Run("the peer's first packet", func(t *testing.T) {
		k := newTalker(t, proto.SCTPOptions{})
		k.w.DTLSConnected(k.now, keys(), "")
		k.w.Handle(k.now, []byte{22, 1, 2}, from(k.w.server, peerAddress))
		if len(k.made) != 0 {
			t.Fatal("a handshake record is no data")
		}
		k.w.Handle(k.now, []byte{23, 1, 2}, from(k.w.server, peerAddress))
		k.w.Handle(k.now, []byte{23, 1, 2}, from(k.w.server, peerAddress))
		if len(k.made) != 1 || len(k.islands[0].got) != 3 {
			t.Errorf("%d associations, %d datagrams", len(k.made), len(k.islands[0].got))
		}
	})
	t.Run("not for strangers", func(t *testing.T) {
		k := newTalker(t, proto.SCTPOptions{})
		k.w.DTLSConnected(k.now, keys(), "")
		k.w.Handle(k.now, []byte{23, 1, 2}, from(k.w.server, evilAddress))
		if len(k.made) != 0 {
			t.Error("begun by who has not passed ICE")
		}
	})
}

func TestSCTPStatesAndDump(t *testing.T) {
	k := newTalker(t, proto.SCTPOptions{})
	k.produce("p", 3)
	k.consume("c", 4, nil)
	k.w.DTLSConnected(k.now, keys(), "")
	k.w.SCTPConnected(k.now, 10, 20)
	same(t, "states", k.states(), "connecting", "connected")
	d := k.w.Dump().(proto.WebRTCTransportDump)
	if d.SCTPState != "connected" || *d.SCTPNegotiatedCapabilities != (proto.SCTPNegotiatedCapabilities{NegotiatedMaxOutboundStreams: 10, NegotiatedMaxInboundStreams: 20}) {
		t.Errorf("state %q, %+v", d.SCTPState, d.SCTPNegotiatedCapabilities)
	}
	want := proto.SCTPParameters{
		Port: 5000, OS: 65535, MIS: 65535, MaxMessageSize: 262144, MaxSendMessageSize: 262144, MaxReceiveMessageSize: 262144,
		SendBufferSize: 2_000_000, PerStreamSendQueueLimit: 2_000_000, MaxReceiverWindowBufferSize: 5_242_880, IsDataChannel: true,
	}
	if *d.SCTPParameters != want || d.MaxSendMessageSize != 262144 || d.MaxReceiveMessageSize != 262144 {
		t.Errorf("parameters %+v", d.SCTPParameters)
	}
	same(t, "data producers", d.DataProducerIDs, "p")
	same(t, "data consumers", d.DataConsumerIDs, "c")
	if s := d.SCTPListener.StreamIDTable; len(s) != 1 || s[0] != (proto.StreamIDValue{Key: 3, Value: "p"}) {
		t.Errorf("listener %+v", s)
	}
	k.w.DTLSClosed(k.now, "bye")
	same(t, "states", k.states(), "closed")
	if !k.made[0].closed || k.w.Stats(k.now).(proto.WebRTCTransportStats).SCTPState != "closed" {
		t.Error("the association lives on")
	}
	// A transport without SCTP shows nothing of all this.
	plain := k.webrtc(k.server(), "t2").Dump().(proto.WebRTCTransportDump)
	if plain.SCTPParameters != nil || plain.SCTPListener != nil || plain.SCTPState != "" {
		t.Errorf("dump %+v", plain)
	}
}

// An association that could not be made, or went silent, is made again when the peer says something.
func TestSCTPFailureIsNotTheEnd(t *testing.T) {
	k := newTalker(t, proto.SCTPOptions{})
	k.w.DTLSConnected(k.now, keys(), "")
	p := k.consume("c", 4, nil)
	k.w.SCTPConnected(k.now, 10, 10)
	p.HandleMessage(k.now, &data.Message{PPID: 51, Payload: []byte("hello")})
	if k.w.messages.budget.Used() == 0 {
		t.Fatal("nothing waits")
	}
	k.w.SCTPFailed(k.now)
	if k.w.messages.budget.Used() != 0 || k.env.DataBudget.Used() != 0 {
		t.Error("what waited for a dead peer still counts")
	}
	p.HandleMessage(k.now, &data.Message{PPID: 51, Payload: []byte("lost")})
	if len(k.made) != 1 {
		t.Fatal("too early")
	}
	k.w.Handle(k.now, []byte{23, 1}, from(k.w.server, peerAddress))
	same(t, "states", k.states(), "connecting", "connected", "failed", "connecting")
	k.w.SCTPConnected(k.now, 10, 10)
	p.HandleMessage(k.now, &data.Message{PPID: 51, Payload: []byte("again")})
	same(t, "calls", k.made[1].take(), "open 4 ordered true reliable true", "send 4 51 again")
	// One that the peer ended stays ended.
	k.w.SCTPClosed(k.now)
	k.w.Handle(k.now, []byte{23, 1}, from(k.w.server, peerAddress))
	if len(k.made) != 2 {
		t.Error("made again though the peer ended it")
	}
}

func TestDataMessages(t *testing.T) {
	k := newTalker(t, proto.SCTPOptions{MaxSendMessageSize: 10})
	in := k.produce("p", 3)
	out := k.consume("c", 3, nil) // the same channel, the other way
	k.w.DTLSConnected(k.now, keys(), "")
	out.HandleMessage(k.now, &data.Message{PPID: 51, Payload: []byte("early")})
	k.w.SCTPConnected(k.now, 10, 10)
	k.w.SCTPMessage(k.now, 3, 51, []byte("in"))
	k.w.SCTPMessage(k.now, 4, 51, []byte("nobody's"))
	out.HandleMessage(k.now, &data.Message{PPID: 53, Payload: []byte("out")})
	out.HandleMessage(k.now, &data.Message{PPID: 53, Payload: []byte("far too large")})
	calls := k.made[0].take()
	same(t, "calls", calls[len(calls)-1:], "send 3 53 out")
	if s := in.Stats(k.now)[0]; s.MessagesReceived != 1 {
		t.Errorf("statistics %+v", s)
	}
	if n := k.w.Stats(k.now).(proto.WebRTCTransportStats).Drops["dataUnknownStream"]; n != 1 {
		t.Errorf("%d messages of unknown streams", n)
	}
	c := k.w.messages.consumerOf[3]
	if n, _ := c.Waiting(); n != 3 || k.env.DataBudget.Used() != data.Cost(3, 1) {
		t.Errorf("%d bytes wait, %d of the budget are used", n, k.env.DataBudget.Used())
	}
	k.w.SCTPReleased(k.now, 3, 3, 1)
	k.w.SCTPReleased(k.now, 9, 3, 1)
	if n, _ := c.Waiting(); n != 0 || k.env.DataBudget.Used() != 0 {
		t.Errorf("%d bytes wait, %d of the budget are used", n, k.env.DataBudget.Used())
	}
	// A channel is closed when nobody uses either direction.
	if err := k.w.CloseDataProducer(k.now, "p"); err != nil {
		t.Fatal(err)
	}
	same(t, "after the producer", k.made[0].take())
	if err := k.w.CloseDataConsumer(k.now, "c"); err != nil {
		t.Fatal(err)
	}
	same(t, "after the consumer", k.made[0].take(), "close 3")
	for _, err := range []*proto.Error{k.w.CloseDataProducer(k.now, "p"), k.w.CloseDataConsumer(k.now, "c")} {
		if err == nil || err.Code != proto.CodeNotFound {
			t.Errorf("closed twice: %v", err)
		}
	}
}

// R-SCTP-2: "1 MiB buffered per DataConsumer, 8 MiB per transport, 256 MiB per worker." A transport may be given less.
func TestDataCaps(t *testing.T) {
	for _, tt := range []struct{ option, cap int }{{0, 2_000_000}, {300_000, 300_000}, {8 << 20, 8 << 20}} {
		k := newTalker(t, proto.SCTPOptions{SCTPSendBufferSize: tt.option})
		k.w.DTLSConnected(k.now, keys(), "")
		few := uint16(1)
		message := &data.Message{PPID: 53, Payload: make([]byte, 64<<10)}
		const consumers = 20
		for i := range consumers {
			p := k.consume(fmt.Sprint("c", i), uint16(i), &few)
			if i == 0 {
				k.w.SCTPConnected(k.now, 100, 100)
			}
			for range 20 {
				p.HandleMessage(k.now, message)
			}
			if n, _ := k.w.messages.consumerOf[uint16(i)].Waiting(); n > 1<<20 {
				t.Fatalf("%d bytes wait for one consumer", n)
			}
		}
		if n := k.w.messages.budget.Used(); n > tt.cap || n < tt.cap-data.Cost(64<<10, 1) {
			t.Errorf("%d bytes wait for one transport, which may hold %d", n, tt.cap)
		}
		if n := k.env.DataBudget.Used(); n != k.w.messages.budget.Used() {
			t.Errorf("the worker counts %d bytes", n)
		}
		full := slices.DeleteFunc(k.take(), func(e string) bool { return !strings.Contains(e, proto.EventDataConsumerBufferFull) })
		if len(full) != consumers {
			t.Errorf("%d consumers are full", len(full))
		}
		k.w.Close(k.now)
		if k.env.DataBudget.Used() != 0 || !k.made[0].closed {
			t.Errorf("%d bytes wait for nobody", k.env.DataBudget.Used())
		}
	}
}

// The worker's cap holds over all transports: what one of them uses another cannot, until it is given back.
func TestDataCapOfTheWorker(t *testing.T) {
	k := newTalker(t, proto.SCTPOptions{})
	if limit := k.env.DataBudget; !limit.Take(256<<20) || limit.Take(1) {
		t.Fatal("the worker's budget is not 256 MiB")
	}
	k.env.DataBudget.Give(1000) // others have the rest
	k.w.DTLSConnected(k.now, keys(), "")
	few := uint16(1)
	p := k.consume("c", 1, &few)
	k.w.SCTPConnected(k.now, 10, 10)
	message := &data.Message{PPID: 53, Payload: make([]byte, 1000-data.Cost(0, 1))}
	p.HandleMessage(k.now, message)
	p.HandleMessage(k.now, message)
	if sent := k.made[0].take(); len(sent) != 2 { // the stream was opened
		t.Errorf("calls %.20q", sent)
	}
	k.w.SCTPReleased(k.now, 1, len(message.Payload), 1)
	p.HandleMessage(k.now, message)
	if sent := k.made[0].take(); len(sent) != 1 {
		t.Errorf("after the release: calls %.20q", sent)
	}
	if drops := k.w.Stats(k.now).(proto.WebRTCTransportStats).Drops; drops["dataBufferFull"] != 1 {
		t.Errorf("drops %v", drops)
	}
}

// A reliable consumer that overflows loses its stream, and the transport what waited in it.
func TestReliableConsumerOverflows(t *testing.T) {
	k := newTalker(t, proto.SCTPOptions{SCTPPerStreamSendQueueLimit: 1000})
	k.w.DTLSConnected(k.now, keys(), "")
	p := k.consume("c", 7, nil)
	k.w.SCTPConnected(k.now, 10, 10)
	k.made[0].take()
	for range 3 {
		p.HandleMessage(k.now, &data.Message{PPID: 53, Payload: make([]byte, 400)})
	}
	calls := k.made[0].take()
	if len(calls) != 2 || calls[1] != "close 7" || k.env.DataBudget.Used() != 0 {
		t.Errorf("calls %.20q, %d of the budget are used", calls, k.env.DataBudget.Used())
	}
	// The peer that closes its channel does the same to what waits.
	p = k.consume("d", 8, nil)
	p.HandleMessage(k.now, &data.Message{PPID: 53, Payload: make([]byte, 400)})
	k.w.SCTPStreamClosed(k.now, 8)
	k.w.SCTPStreamClosed(k.now, 9)
	if k.env.DataBudget.Used() != 0 {
		t.Errorf("%d of the budget are used", k.env.DataBudget.Used())
	}
	p.HandleMessage(k.now, &data.Message{PPID: 53, Payload: make([]byte, 400)})
	if k.env.DataBudget.Used() != 0 {
		t.Error("sent on a closed stream")
	}
}

func TestSCTPOptions(t *testing.T) {
	minus := -1
	for path, o := range map[string]proto.SCTPOptions{
		"maxSendMessageSize":                          {MaxSendMessageSize: -1},
		"maxReceiveMessageSize":                       {MaxReceiveMessageSize: 9 << 20},
		"sctpSendBufferSize":                          {SCTPSendBufferSize: -5},
		"sctpPerStreamSendQueueLimit":                 {SCTPPerStreamSendQueueLimit: 1 << 40},
		"sctpMaxReceiverWindowBufferSize":             {SCTPMaxReceiverWindowBufferSize: 100},
		"sctpDefaultStreamBufferedAmountLowThreshold": {SCTPDefaultStreamBufferedAmountLowThreshold: &minus},
	} {
		b := newBench(t)
		o.EnableSCTP = true
		_, err := NewWebRTC(b.now, b.env, b, b.server(), &proto.WebRTCTransportOptions{TransportID: "t", SCTPOptions: o})
		if err == nil || err.Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// R-SCTP-1: "≤ 1024 streams by default".
func TestDataStreamLimit(t *testing.T) {
	k := newTalker(t, proto.SCTPOptions{})
	for i := range uint16(maxDataStreams) {
		k.produce(fmt.Sprint(i), i)
	}
	_, err := k.w.ProduceData(k.now, &proto.ProduceData{DataProducerID: "x", Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: 5000}})
	if err == nil || err.Code != proto.CodeLimit {
		t.Errorf("%v", err)
	}
}

// All or nothing: an id that is taken leaves nothing behind.
func TestRefusedData(t *testing.T) {
	k := newTalker(t, proto.SCTPOptions{})
	k.w.DTLSConnected(k.now, keys(), "")
	k.duplicate = proto.Duplicate("dataProducer", "p")
	if _, err := k.w.ProduceData(k.now, &proto.ProduceData{DataProducerID: "p", Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: 1}}); err == nil {
		t.Fatal("no error")
	}
	if len(k.made) != 0 || len(k.w.messages.producers) != 0 {
		t.Error("something is left")
	}
}

// Closing tells the owner of everything once: consumers, then producers.
func TestCloseTransportWithData(t *testing.T) {
	k := newTalker(t, proto.SCTPOptions{})
	k.produce("p", 1)
	k.consume("c", 2, nil)
	k.closed = nil
	k.w.Close(k.now)
	k.w.Close(k.now)
	same(t, "closed", k.closed, "c", "p")
}

func BenchmarkDataMessage(b *testing.B) {
	k := newTalker(b, proto.SCTPOptions{})
	k.w.DTLSConnected(k.now, keys(), "")
	k.env.NewSCTP = func(*WebRTC, DTLS, proto.SCTPOptions) SCTP { return sponge{} }
	p := k.produce("p", 1)
	few := uint16(1)
	k.consume("c", 2, &few)
	k.w.SCTPConnected(k.now, 10, 10)
	p.AddConsumer(k.w.messages.consumerOf[2])
	payload := make([]byte, 1000)
	b.ReportAllocs()
	for b.Loop() {
		k.w.SCTPMessage(k.now, 1, 53, payload)
		k.w.SCTPReleased(k.now, 2, len(payload), 1)
	}
}

// sponge takes everything.
type sponge struct{}

func (sponge) Open(uint16, data.Reliability)          {}
func (sponge) CloseStream(uint16)                     {}
func (sponge) Send(time.Time, uint16, uint32, []byte) {}
func (sponge) Close()                                 {}
