package transport

import (
	"slices"
	"strings"
	"testing"
	"time"

	pionrtcp "github.com/pion/rtcp"
	pionrtp "github.com/pion/rtp"

	"gazpacho/pkg/data"
	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

func (b *bench) direct(o proto.DirectTransportOptions) *Direct {
	b.t.Helper()
	o.TransportID = "direct"
	d, err := NewDirect(b.now, b.env, b, &o)
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

// goneUp returns the binary notifications since the last call.
func (b *bench) goneUp() []upward {
	up := b.up
	b.up = nil
	return up
}

func marshal(t testing.TB, p *pionrtp.Packet) []byte {
	t.Helper()
	p.Version = 2
	raw, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The controller publishes, a peer sees it; a peer publishes, the controller sees it, and repairs and key frames work both ways.
func TestDirect(t *testing.T) {
	b := newBench(t)
	peer := b.client(b.server(), "peer")
	d := b.direct(proto.DirectTransportOptions{})
	if _, err := d.Produce(b.now, videoProducer("mine", "m", 50)); err != nil {
		t.Fatal(err)
	}
	peer.produce(videoProducer("theirs", "v", 10))
	if _, err := d.Consume(b.now, videoConsumer("c", "theirs", 300, 1010), peer.w.producers[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.w.Consume(b.now, videoConsumer("e", "mine", 400, 1050), d.producers[0]); err != nil {
		t.Fatal(err)
	}
	for n := range uint16(10) {
		d.ReceiveRTP(b.now, d.producers[0], marshal(t, frame(50, n, n == 0)))
		peer.sendRTP(frame(10, n, n == 0))
	}
	if got := peer.readMedia(); len(got) != 10 || got[9].SSRC != 400 || got[9].Payload[20] != 9 {
		t.Errorf("the peer saw %d packets", len(got))
	}
	up := b.goneUp()
	if len(up) != 10 {
		t.Fatalf("the controller saw %d packets", len(up))
	}
	var last pionrtp.Packet
	for _, u := range up {
		if err := last.Unmarshal(u.payload); err != nil || u.target != "c" || u.event != proto.EventConsumerRTP || last.SSRC != 300 {
			t.Fatalf("%s of %s: %v, %v", u.event, u.target, last, err)
		}
	}
	control, err := pionrtcp.Marshal([]pionrtcp.Packet{nack(300, last.SequenceNumber-1), &pionrtcp.PictureLossIndication{MediaSSRC: 300}})
	if err != nil {
		t.Fatal(err)
	}
	b.pass(time.Second)
	peer.read()
	b.goneUp()
	d.ReceiveRTCP(b.now, control)
	up = b.goneUp()
	if len(up) != 1 || up[0].target != "c" || up[0].payload[1]&0x7f != 102 {
		t.Errorf("the retransmission: %+v", up)
	}
	if list := readRTCP[*pionrtcp.PictureLossIndication](peer); len(list) != 1 || list[0].MediaSSRC != 10 {
		t.Errorf("the peer was asked for %v", list)
	}
	peer.sendRTCP(&pionrtcp.PictureLossIndication{MediaSSRC: 400})
	up = b.goneUp()
	if len(up) != 1 || up[0].target != "direct" || up[0].event != proto.EventDirectTransportRTCP || up[0].payload[1] != 206 {
		t.Errorf("the controller was asked %+v", up)
	}
	b.pass(3 * time.Second)
	reports := slices.DeleteFunc(b.goneUp(), func(u upward) bool { return u.payload[1] != 200 || u.event != proto.EventDirectTransportRTCP })
	if len(reports) == 0 {
		t.Error("no sender report for the controller")
	}
	s := d.Stats(b.now).(proto.DirectTransportStats)
	if s.Type != "direct-transport" || s.RTPPacketsReceived != 10 || s.RTCPPacketsReceived != 1 || s.PacketsReceived != 11 || s.RTPBytesSent == 0 || s.RTXBytesSent == 0 {
		t.Errorf("statistics %+v", s)
	}
	dump := d.Dump().(proto.DirectTransportDump)
	if !dump.Direct || dump.MaxSendMessageSize != 262_144 || dump.MaxReceiveMessageSize != 262_144 || len(dump.ConsumerIDs) != 1 {
		t.Errorf("dump %+v", dump)
	}
	d.Close(b.now)
	peer.w.Close(b.now)
	if n := b.timers.Len(); n != 0 || b.env.Totals.transports[kindDirect][conditionOpen] != 0 {
		t.Errorf("%d timers left", n)
	}
}

// What the controller sends is looked at as if a stranger had sent it.
func TestDirectGarbage(t *testing.T) {
	b := newBench(t)
	d := b.direct(proto.DirectTransportOptions{})
	if _, err := d.Produce(b.now, videoProducer("p", "m", 50)); err != nil {
		t.Fatal(err)
	}
	long := append(marshal(t, frame(50, 1, true)), make([]byte, rtp.MaxPacketSize)...)
	for _, packet := range [][]byte{nil, {}, []byte("noise"), long} {
		d.ReceiveRTP(b.now, d.producers[0], packet)
		d.ReceiveRTCP(b.now, packet)
	}
	d.ReceiveRTP(b.now, d.producers[0], marshal(t, frame(99, 1, true)))
	want := drops{DropMalformed: 4, DropRTCPMalformed: 4}
	if d.drops != want || d.meters.counts.packetsIn != 9 || d.verdicts == (verdicts{}) {
		t.Errorf("drops %v %v of %d", d.drops.table(), d.verdicts, d.meters.counts.packetsIn)
	}
}

func TestDirectHasNoBitrates(t *testing.T) {
	b := newBench(t)
	d := b.direct(proto.DirectTransportOptions{})
	for name, set := range map[string]func(int) *proto.Error{"maxIn": d.SetMaxIncomingBitrate, "maxOut": d.SetMaxOutgoingBitrate, "minOut": d.SetMinOutgoingBitrate} {
		if err := set(100_000); err == nil || err.Name != proto.UnsupportedErrorName {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, o := range []proto.DirectTransportOptions{{MaxSendMessageSize: -1}, {MaxReceiveMessageSize: 9 << 20}} {
		if _, err := NewDirect(b.now, b.env, b, &o); err == nil || err.Code != proto.CodeBadField || !strings.HasSuffix(err.Path, "MessageSize") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// Messages from the controller and to it. Nothing waits in the transport.
func TestDirectData(t *testing.T) {
	b := newBench(t)
	d := b.direct(proto.DirectTransportOptions{MaxSendMessageSize: 10, MaxReceiveMessageSize: 20})
	if _, err := d.ProduceData(b.now, &proto.ProduceData{DataProducerID: "p", Type: proto.DataDirect, Label: "bot"}); err != nil {
		t.Fatal(err)
	}
	p := d.data.producers[0]
	for _, id := range []string{"c", "c2"} {
		if _, err := d.ConsumeData(b.now, &proto.ConsumeData{DataConsumerID: id, DataProducerID: "p", Type: proto.DataDirect}, p); err != nil {
			t.Fatal(err)
		}
	}
	say := func(ppid uint32, text string) []upward {
		payload := []byte(text)
		d.ReceiveMessage(b.now, p, &data.Message{PPID: ppid, Payload: payload})
		for i := range payload {
			payload[i] = 0xdb // it was only borrowed
		}
		return b.goneUp()
	}
	if up := say(51, "hello"); len(up) != 2 || up[0].target != "c" || up[0].event != proto.EventDataConsumerMessage || string(up[0].payload) != "hello" {
		t.Errorf("got %+v", up)
	}
	if up := say(51, ""); len(up) != 2 || len(up[0].payload) != 1 {
		t.Errorf("empty: %+v", up)
	}
	if up := say(53, "more than ten"); len(up) != 0 || d.drops[DropDataTooLarge] != 2 {
		t.Errorf("too large for the controller: %+v, %v", up, d.drops.table())
	}
	if up := say(53, "more than twenty letters"); len(up) != 0 || d.drops[DropDataOversized] != 1 {
		t.Errorf("too large for us: %+v, %v", up, d.drops.table())
	}
	p.Pause(b.now)
	if up := say(51, "hello"); len(up) != 0 || d.drops[DropDataPaused] != 1 {
		t.Errorf("paused: %+v", up)
	}
	p.Resume(b.now)
	for range 100_000 {
		say(51, "hello")
	}
	c := d.data.consumers[0]
	if s := c.Stats(b.now)[0]; s.MessagesSent != 100_002 || s.BufferedAmount != 0 || s.MessagesDropped != 1 {
		t.Errorf("statistics %+v", s)
	}
	if dump := d.Dump().(proto.DirectTransportDump); len(dump.DataProducerIDs) != 1 || len(dump.DataConsumerIDs) != 2 || b.env.Totals.dataConsumers != 2 {
		t.Errorf("dump %+v", dump)
	}
	if err := d.CloseDataConsumer(b.now, "c2"); err != nil {
		t.Error(err)
	}
	if err := d.CloseDataProducer(b.now, "p"); err != nil {
		t.Error(err)
	}
	if len(d.data.producers)+len(d.data.consumers)+b.env.Totals.dataConsumers+b.env.Totals.dataProducers != 0 || !slices.Equal(b.closed, []string{"c2", "c", "p"}) {
		t.Errorf("closed %q", b.closed)
	}
	for _, err := range []*proto.Error{d.CloseDataConsumer(b.now, "c2"), d.CloseDataProducer(b.now, "p")} {
		if err == nil || err.Code != proto.CodeNotFound {
			t.Errorf("again: %v", err)
		}
	}
}

// Direct data is for direct transports, SCTP's for the others.
func TestDirectDataIsForDirectTransports(t *testing.T) {
	b := newBench(t)
	d, p := b.direct(proto.DirectTransportOptions{}), b.plain(proto.PlainTransportOptions{SCTPOptions: proto.SCTPOptions{EnableSCTP: true}})
	stream := &proto.SCTPStreamParameters{StreamID: 1}
	source, err := data.NewProducer(&proto.ProduceData{DataProducerID: "s", Type: proto.DataSCTP, SCTPStreamParameters: stream})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		t    Transport
		kind string
	}{{"SCTP on a direct one", d, proto.DataSCTP}, {"direct on a plain one", p, proto.DataDirect}} {
		if _, err := tt.t.ProduceData(b.now, &proto.ProduceData{DataProducerID: "x", Type: tt.kind, SCTPStreamParameters: stream}); err == nil || err.Code != proto.CodeUnsupported {
			t.Errorf("%s: %v", tt.name, err)
		}
		if _, err := tt.t.ConsumeData(b.now, &proto.ConsumeData{DataConsumerID: "x", Type: tt.kind, SCTPStreamParameters: stream}, source); err == nil || err.Code != proto.CodeUnsupported {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	b.duplicate = nil
	d.data.producers = make([]*data.Producer, maxDataStreams)
	if _, err := d.ConsumeData(b.now, &proto.ConsumeData{DataConsumerID: "x", Type: proto.DataDirect}, source); err == nil || err.Code != proto.CodeLimit {
		t.Errorf("one too many: %v", err)
	}
}
