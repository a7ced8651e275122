package transport

import (
	"maps"
	"strconv"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"

	"gazpacho/pkg/data"
	"gazpacho/pkg/srtp"
	"gazpacho/proto"
)

// occurred are the reasons something was dropped for.
func (t *Totals) occurred() map[string]uint64 { return t.tally.table() }

// living are the states in which transports are.
func (t *Totals) living() map[string]int {
	list := map[string]int{}
	for kind, row := range t.Objects().Transports {
		for state, n := range row {
			if n != 0 {
				list[kind+" "+state] = n
			}
		}
	}
	return list
}

func wantLiving(t *testing.T, b *bench, when string, want map[string]int) {
	t.Helper()
	if got := b.env.Totals.living(); !maps.Equal(got, want) {
		t.Errorf("%s: %v, want %v", when, got, want)
	}
}

// A WebRTC transport is in the worse of the states of ICE and DTLS, and in exactly one.
func TestTransportsByState(t *testing.T) {
	b := newBench(t)
	s := b.server()
	c := b.stranger(s, "t")
	wantLiving(t, b, "new", map[string]int{"webrtc new": 1})
	c.w.DTLSConnecting(b.now)
	wantLiving(t, b, "DTLS waits for ICE", map[string]int{"webrtc new": 1})
	c.reach(c.w, c.from.Remote)
	wantLiving(t, b, "reachable", map[string]int{"webrtc connecting": 1})
	c.w.DTLSConnected(b.now, c.keys(), "PEM")
	wantLiving(t, b, "connected", map[string]int{"webrtc connected": 1})
	b.pass(31 * time.Second)
	wantLiving(t, b, "no consent", map[string]int{"webrtc disconnected": 1})
	c.reach(c.w, c.from.Remote)
	wantLiving(t, b, "back again", map[string]int{"webrtc connected": 1})

	failed, ended, faulty := b.client(s, "failed"), b.client(s, "ended"), b.client(s, "faulty")
	failed.w.DTLSFailed(b.now, "no")
	ended.w.DTLSClosed(b.now, "bye")
	s.busy = faulty.w
	s.Fault(b.now)
	plain := b.plain(proto.PlainTransportOptions{})
	wantLiving(t, b, "all kinds", map[string]int{"webrtc connected": 1, "webrtc failed": 1, "webrtc ended": 2, "plain open": 1})

	plain.Close(b.now)
	plain.Close(b.now)
	failed.w.Close(b.now)
	failed.w.DTLSClosed(b.now, "too late")
	wantLiving(t, b, "some closed", map[string]int{"webrtc connected": 1, "webrtc ended": 2})
	s.Close(b.now)
	wantLiving(t, b, "server closed", map[string]int{})
	if got := b.env.Totals.occurred()["panic"]; got != 1 {
		t.Errorf("%d panics", got)
	}
}

// What could not be made is not counted.
func TestRefusedTransportsAreNotCounted(t *testing.T) {
	b := newBench(t)
	b.refuse = proto.Failed(proto.CodeBusy, "no")
	if _, err := NewPlain(b.now, b.env, b, &proto.PlainTransportOptions{ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "10.0.0.1"}}); err == nil {
		t.Fatal("a plain transport without a socket")
	}
	off := false
	if _, err := NewWebRTC(b.now, b.env, b, b.server(), &proto.WebRTCTransportOptions{EnableUDP: &off, EnableTCP: &off}); err == nil {
		t.Fatal("a transport without candidates")
	}
	wantLiving(t, b, "nothing", map[string]int{})
}

// Producers and consumers, of media and data, are counted while they live, whoever ends them.
func TestObjectsThatLive(t *testing.T) {
	want := func(b *bench, when string, producers, consumers, dataProducers, dataConsumers int) {
		t.Helper()
		got := b.env.Totals.Objects()
		got.Transports = nil
		if got.Producers != producers || got.Consumers != consumers || got.DataProducers != dataProducers || got.DataConsumers != dataConsumers {
			t.Errorf("%s: %+v, want %d, %d, %d, %d", when, got, producers, consumers, dataProducers, dataConsumers)
		}
	}
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	from.produce(videoProducer("p", "v", 10))
	from.produce(videoProducer("q", "w", 20))
	for i, producer := range []string{"p", "p", "q", "q"} {
		to.consume(videoConsumer("c"+strconv.Itoa(i), producer, uint32(100+2*i), 1010+uint32(i/2)*10), from)
	}
	want(b, "made", 2, 4, 0, 0)
	b.duplicate = proto.Duplicate("producer", "p")
	if _, err := from.w.Produce(b.now, videoProducer("p", "x", 30)); err == nil {
		t.Fatal("an id was used twice")
	}
	want(b, "one refused", 2, 4, 0, 0)
	if err := to.w.CloseConsumer(b.now, "c0"); err != nil {
		t.Fatal(err)
	}
	want(b, "a consumer closed", 2, 3, 0, 0)
	if err := from.w.CloseProducer(b.now, "p"); err != nil {
		t.Fatal(err)
	}
	want(b, "a producer closed, and its consumer with it", 1, 2, 0, 0)
	to.w.Close(b.now)
	from.w.Close(b.now)
	want(b, "all closed", 0, 0, 0, 0)

	k := newTalker(t, proto.SCTPOptions{})
	k.produce("p", 1)
	k.produce("q", 2)
	of := k.consume("c", 3, nil)
	k.consume("d", 4, nil)
	want(k.bench, "data", 0, 0, 2, 2)
	if err := k.w.CloseDataProducer(k.now, "p"); err != nil {
		t.Fatal(err)
	}
	of.Close(k.now)
	want(k.bench, "a data producer here, and one elsewhere", 0, 0, 1, 1)
	k.w.Close(k.now)
	want(k.bench, "all data closed", 0, 0, 0, 0)
}

// Every reason that package srtp knows has one of its own here.
func TestSRTPReasons(t *testing.T) {
	want := map[srtp.Reason]Drop{
		srtp.TooShort: DropSRTPMalformed, srtp.TooLong: DropSRTPMalformed, srtp.Malformed: DropSRTPMalformed, srtp.NotEncrypted: DropSRTPPlain,
		srtp.Replayed: DropSRTPReplay, srtp.TooOld: DropSRTPTooOld, srtp.AuthFailed: DropSRTPAuth,
	}
	for r := srtp.OK + 1; r < srtp.NumReasons; r++ {
		if got := srtpDrop(r); got != want[r] {
			t.Errorf("%v is dropped as %v, want %v", r, got, want[r])
		}
	}
}

// A panic while a datagram is handled costs that datagram its place in the books but nothing else: it is dropped.
func TestPanicIsADrop(t *testing.T) {
	b := newBench(t)
	s := b.server()
	c := b.client(s, "t")
	c.produce(videoProducer("p", "v", 10))
	s.Handle(b.now, []byte{99}, c.from) // makes it the busy one
	s.Fault(b.now)
	s.Fault(b.now) // of a datagram that reached no transport
	plain := b.plain(proto.PlainTransportOptions{})
	plain.Fault(b.now)
	if got := b.env.Totals.occurred()["panic"]; got != 3 || s.Drops()["panic"] != 1 || c.w.drops[DropPanic] != 1 || plain.drops[DropPanic] != 1 {
		t.Errorf("%d in all; server %v, transport %v, plain %v", got, s.Drops(), c.w.drops.table(), plain.drops.table())
	}
}

// Requests are counted in both directions: by packets that are asked for, and by key frames.
func TestRequestsAreCounted(t *testing.T) {
	b := newBench(t)
	s := b.server()
	from, to := b.client(s, "from"), b.client(s, "to")
	from.produce(videoProducer("p", "v", 10))
	to.consume(videoConsumer("c", "p", 100, 1010), from)
	from.sendRTP(frame(10, 1, true))
	from.sendRTP(frame(10, 6, false)) // 2 to 5 are missing
	b.pass(60 * time.Millisecond)
	first := to.readMedia()
	if len(first) == 0 {
		t.Fatal("nothing was forwarded")
	}
	seq := first[0].SequenceNumber
	to.sendRTCP(&pionrtcp.PictureLossIndication{MediaSSRC: 100}, &pionrtcp.FullIntraRequest{FIR: []pionrtcp.FIREntry{{SSRC: 100}}},
		nack(100, seq, seq+1), nack(55, 1))
	got := b.env.Totals.Traffic()
	if got.NACKsSent != 4 || got.NACKsReceived != 2 || got.KeyFramesRequested != 2 || got.KeyFrameRequestsSent == 0 {
		t.Errorf("%+v", got)
	}
	if got.RTXPacketsSent != 1 {
		t.Errorf("%d packets were sent again", got.RTXPacketsSent)
	}
}

// Messages are counted as they come and go, and those that do not go by reason.
func TestMessagesAreCounted(t *testing.T) {
	k := newTalker(t, proto.SCTPOptions{MaxSendMessageSize: 10})
	k.produce("p", 1)
	k.produce("q", 2).Pause(k.now)
	of := k.consume("c", 3, nil)
	send := func(n int) { of.HandleMessage(k.now, &data.Message{PPID: data.PPIDBinary, Payload: make([]byte, n)}) }
	send(1) // not connected
	c := &client{bench: k.bench, w: k.w}
	k.w.DTLSConnected(k.now, c.keys(), "PEM")
	k.w.SCTPConnected(k.now, 10, 10)
	send(10)
	send(11) // too large
	k.w.SCTPMessage(k.now, 1, data.PPIDString, []byte("x"))
	k.w.SCTPMessage(k.now, 9, data.PPIDString, []byte("x")) // nobody's
	k.w.SCTPMessage(k.now, 2, data.PPIDString, []byte("x")) // its producer is paused
	k.env.DataBudget.Take(MaxWorkerBuffer - data.Cost(10, 1))
	send(1) // no room
	got, drops := k.env.Totals.Traffic(), k.env.Totals.occurred()
	if got.MessagesReceived != 3 || got.MessagesSent != 1 {
		t.Errorf("%d messages came, %d went", got.MessagesReceived, got.MessagesSent)
	}
	for _, reason := range []string{"dataPaused", "dataNotConnected", "dataTooLarge", "dataUnknownStream", "dataBufferFull"} {
		if drops[reason] != 1 || k.w.stats(k.now, "", k.w.agent.Drops()).Drops[reason] != 1 {
			t.Errorf("%s: %d", reason, drops[reason])
		}
	}
}

// R-DTLS-1, a second time: should a server lead a datagram of an unknown tuple to a transport, it is not read.
func TestUnauthorizedTuple(t *testing.T) {
	b := newBench(t)
	c := b.client(b.server(), "t")
	packet := c.seal(frame(10, 1, true))
	c.w.Handle(b.now, packet, from(c.server, evilAddress))
	c.w.Handle(b.now, clientHello, from(c.server, evilAddress))
	if got := c.w.drops[DropUnauthorized]; got != 2 || c.w.meters.counts.in[protocolRTP]+c.w.meters.counts.in[protocolDTLS] != 0 {
		t.Errorf("%d were dropped: %v", got, c.w.drops.table())
	}
}

// BenchmarkCounting is what the books cost per packet: of one that comes in and of one that goes out.
func BenchmarkCounting(b *testing.B) {
	var all counts
	meters := make([]meters, 100)
	for i := range meters {
		meters[i].all = &all
	}
	b.Run("in", func(b *testing.B) {
		for n := range b.N {
			m := &meters[n%len(meters)]
			m.counts.packetsIn++
			m.all.packetsIn++
			m.all.bytesIn += 1200
			m.handled(protocolRTP)
		}
	})
	b.Run("out", func(b *testing.B) {
		for n := range b.N {
			m := &meters[n%len(meters)]
			m.counts.packetsOut++
			m.all.packetsOut++
			m.all.bytesOut += 1200
			m.all.out[protocolRTP]++
		}
	})
	b.Run("nothing", func(b *testing.B) {
		for n := range b.N {
			m := &meters[n%len(meters)]
			m.counts.packetsIn++
		}
	})
}
