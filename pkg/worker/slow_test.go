package worker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v3"

	"gazpacho/pkg/data"
	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// trio is one sender of data and two receivers of it, the second of which can be stopped.
type trio struct {
	*simtest.Worker
	sender, fast, slow *simtest.Channel
	slowPeer           *simtest.Peer
	stuck              chan struct{} // closed to let the slow one go on
}

func newTrio(t *testing.T, s simtest.Stream) *trio {
	t.Helper()
	w := simtest.StartWorker(t)
	server, router := w.Server(), w.Router()
	o := simtest.PeerOptions{Data: true}
	from := simtest.Connect(w, router, server, true, o)
	to, slow := simtest.Connect(w, router, server, false, o), simtest.Connect(w, router, server, false, o)
	r := &trio{Worker: w, slowPeer: slow, stuck: make(chan struct{})}
	r.sender = from.ProduceData("data", s)
	r.fast, r.slow = to.ConsumeData(r.sender, s), slow.ConsumeData(r.sender, s)
	r.slow.Pion.OnMessage(func(webrtc.DataChannelMessage) { <-r.stuck })
	t.Cleanup(func() { close(r.stuck) })
	for _, c := range []*simtest.Channel{r.sender, r.fast, r.slow} {
		c.WaitOpen()
	}
	from.WaitSCTP()
	to.WaitSCTP()
	slow.WaitSCTP()
	return r
}

func (r *trio) dump(c *simtest.Channel) proto.DataConsumerDump {
	return simtest.Request[proto.DataConsumerDump](r.Worker, proto.DataConsumerDumpMethod, c.ID, nil)
}

// pump sends messages as fast as the fast one reads them.
func (r *trio) pump(t *testing.T, n, size int) {
	t.Helper()
	text := strings.Repeat("x", size)
	for i := range n {
		for r.fast.Total() < i-20 {
			time.Sleep(time.Millisecond)
		}
		if err := r.sender.Pion.SendText(text); err != nil {
			t.Fatal(err)
		}
	}
	r.fast.Take(n)
}

// SECURITY.md R-SCTP-2: "1 MiB buffered per DataConsumer (unreliable: drop; reliable: close with an event)".
func TestSlowReaderOfReliableData(t *testing.T) {
	r := newTrio(t, simtest.Stream{})
	r.pump(t, 200, 32<<10) // 6.25 MiB; the reader's library takes 1 of them
	simtest.Wait(r.Worker, proto.EventDataConsumerBufferFull, r.slow.ID, func(none struct{}) bool { return true })
	if d := r.dump(r.slow); d.BufferedAmount != 0 {
		t.Errorf("%d bytes wait for a stream that was given up", d.BufferedAmount)
	}
	if d := r.dump(r.fast); d.BufferedAmount > 1<<20 {
		t.Errorf("%d bytes wait for the fast one", d.BufferedAmount)
	}
	if _, err := simtest.TryRequest[proto.BufferedAmount](r.Worker, proto.DataConsumerSend, r.slow.ID, proto.SendData{PPID: data.PPIDString, Data: proto.Blob("x")}); err == nil {
		t.Error("sent on a stream that was given up")
	}
}

func TestSlowReaderOfUnreliableData(t *testing.T) {
	many := uint16(1000) // enough that the fast one misses nothing
	r := newTrio(t, simtest.Stream{Unordered: true, MaxRetransmits: &many})
	r.pump(t, 200, 32<<10)
	simtest.Wait(r.Worker, proto.EventDataConsumerBufferFull, r.slow.ID, func(none struct{}) bool { return true })
	stats := simtest.Request[[]proto.DataConsumerStats](r.Worker, proto.DataConsumerGetStats, r.slow.ID, nil)[0]
	if stats.BufferedAmount > 1<<20 || stats.MessagesDropped == 0 {
		t.Errorf("statistics %+v", stats)
	}
}

// A thousand messages a second arrive whole and in order, and count.
func TestThousandMessagesPerSecond(t *testing.T) {
	w, from, to := dataPair(t, simtest.PeerOptions{})
	sender := from.ProduceData("ticks", simtest.Stream{})
	receiver := to.ConsumeData(sender, simtest.Stream{})
	sender.WaitOpen()
	receiver.WaitOpen()
	from.WaitSCTP()
	to.WaitSCTP()
	const count = 2000
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; n < count; {
		<-tick.C
		for range 10 {
			if err := sender.Pion.SendText(fmt.Sprint(n)); err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	for n, m := range receiver.Take(count) {
		if string(m.Data) != fmt.Sprint(n) {
			t.Fatalf("message %d is %s", n, m.Data)
		}
	}
	p := simtest.Request[[]proto.DataProducerStats](w, proto.DataProducerGetStats, sender.ID, nil)[0]
	c := simtest.Request[[]proto.DataConsumerStats](w, proto.DataConsumerGetStats, receiver.ID, nil)[0]
	if p.MessagesReceived != count || c.MessagesSent != count || p.BytesReceived != c.BytesSent || c.MessagesDropped != 0 {
		t.Errorf("statistics %+v %+v", p, c)
	}
}

// Closing from either end closes the channel at the other, and pausing holds messages back.
func TestDataChannelLife(t *testing.T) {
	w, from, to := dataPair(t, simtest.PeerOptions{})
	first := from.ProduceData("first", simtest.Stream{})
	second := from.ProduceData("second", simtest.Stream{})
	a, b := to.ConsumeData(first, simtest.Stream{}), to.ConsumeData(second, simtest.Stream{})
	for _, c := range []*simtest.Channel{first, second, a, b} {
		c.WaitOpen()
	}
	from.WaitSCTP()
	to.WaitSCTP()
	say := func(c *simtest.Channel, text string) {
		t.Helper()
		if err := c.Pion.SendText(text); err != nil {
			t.Fatal(err)
		}
	}
	say(first, "one")
	if got := string(a.Take(1)[0].Data); got != "one" {
		t.Errorf("got %q", got)
	}
	w.Do(proto.DataProducerPause, first.ID, nil)
	simtest.Wait(w, proto.EventDataConsumerProducerPause, a.ID, func(struct{}) bool { return true })
	say(first, "held back")
	received := func(n uint64) {
		t.Helper()
		for simtest.Request[[]proto.DataProducerStats](w, proto.DataProducerGetStats, first.ID, nil)[0].MessagesReceived < n {
			time.Sleep(time.Millisecond)
		}
	}
	received(2)
	w.Do(proto.DataProducerResume, first.ID, nil)
	w.Do(proto.DataConsumerPause, a.ID, nil)
	say(first, "held back, too")
	received(3)
	w.Do(proto.DataConsumerResume, a.ID, nil)
	say(first, "two")
	if got := string(a.Take(1)[0].Data); got != "two" {
		t.Errorf("got %q", got)
	}
	// The controller's own message.
	amount := simtest.Request[proto.BufferedAmount](w, proto.DataConsumerSend, a.ID, proto.SendData{PPID: data.PPIDString, Data: proto.Blob("from the worker")})
	if got := string(a.Take(1)[0].Data); got != "from the worker" || amount.BufferedAmount < 15 {
		t.Errorf("got %q, %d bytes waited", got, amount.BufferedAmount)
	}
	// A consumer that the controller closes ends the peer's channel; so does a producer.
	w.Do(proto.TransportCloseDataConsumer, to.Transport.ID, proto.CloseDataConsumer{DataConsumerID: a.ID})
	a.WaitClosed()
	w.Do(proto.TransportCloseDataProducer, from.Transport.ID, proto.CloseDataProducer{DataProducerID: first.ID})
	first.WaitClosed()
	// A channel that the peer closes leaves the worker's objects to the controller.
	if err := second.Pion.Close(); err != nil {
		t.Fatal(err)
	}
	second.WaitClosed()
	routers := simtest.Request[proto.WorkerDump](w, proto.WorkerDumpMethod, "", nil).RouterIDs
	d := simtest.Request[proto.RouterDump](w, proto.RouterDumpMethod, routers[0], nil)
	if len(d.MapDataProducerIDDataConsumerIDs) != 1 || !slices.Equal(d.MapDataProducerIDDataConsumerIDs[0].Values, []string{b.ID}) {
		t.Errorf("dump %+v", d.MapDataProducerIDDataConsumerIDs)
	}
}
