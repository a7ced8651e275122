package worker

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/router"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// The oldest go when more waits than may, and what is left keeps its order, whatever is put and taken in between.
func TestInbox(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var i inbox
		var posted []*parcel
		taken, put, gone := 0, 0, 0
		last := -1
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			if rapid.Bool().Draw(r, "take") && len(posted) > 0 {
				n := i.take(posted[0])
				posted = posted[1:]
				if n == nil {
					gone++
					continue
				}
				taken++
				number := 0
				if _, err := fmt.Sscan(n.HandlerID, &number); err != nil || number <= last {
					r.Fatalf("%q after %d", n.HandlerID, last)
				}
				last = number
				continue
			}
			size := rapid.SampledFrom([]int{0, 100, 300_000, 2 << 20}).Draw(r, "size")
			posted = append(posted, i.put(notification{HandlerID: fmt.Sprint(put), Payload: make([]byte, size)}))
			put++
			if i.bytes > maxInbox && len(i.waiting) > 1 {
				r.Fatalf("%d bytes of %d wait", i.bytes, len(i.waiting))
			}
		}
		for _, p := range posted {
			if i.take(p) != nil {
				taken++
			} else {
				gone++
			}
		}
		overrun, _ := i.drops()
		if taken+gone != put || overrun != uint64(gone) || i.bytes != 0 || len(i.waiting) != 0 {
			r.Fatalf("put %d, taken %d, gone %d; %d counted, %d bytes left", put, taken, gone, overrun, i.bytes)
		}
	})
}

func TestInboxKeepsTheNewest(t *testing.T) {
	var i inbox
	var parcels []*parcel
	const size = 1000
	for n := range 3 * maxInbox / size {
		parcels = append(parcels, i.put(notification{HandlerID: fmt.Sprint(n), Payload: make([]byte, size)}))
	}
	fit := maxInbox / (size + parcelCost)
	for n, p := range parcels {
		if kept := n >= len(parcels)-fit; (i.take(p) != nil) != kept {
			t.Fatalf("%d of %d: kept %v", n, len(parcels), !kept)
		}
	}
	if overrun, _ := i.drops(); overrun != uint64(len(parcels)-fit) {
		t.Errorf("%d counted as overrun", overrun)
	}
}

// explosive is a channel that panics when a message is to go up.
type explosive struct{ transport.Events }

func (e explosive) Emit(target string, event proto.Event) {
	if event.Name == proto.EventDataConsumerMessage {
		panic("bang")
	}
	e.Events.Emit(target, event)
}

// A panic while a packet or message of the controller's is handled costs the direct transport it was for; more than three in a minute, the worker.
func TestPanicInNotification(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w, err := start(ctx, Config{Channel: "unix:" + filepath.Join(t.TempDir(), "w.sock"), Log: slog.New(slog.DiscardHandler)}, cancel)
	if err != nil {
		t.Fatal(err)
	}
	defer w.channel.Close()
	defer cancel()
	w.env.Events = explosive{w.env.Events}
	now := time.Now()
	r := router.New("r", w.env, ids{w})
	ask := func(method, id string, body any) {
		t.Helper()
		raw, err := channel.Encode(body)
		if err != nil {
			t.Fatal(err)
		}
		_, refused := r.HandleRequest(now, router.Request{Method: method, HandlerID: id, Decode: func(into any) *proto.Error { return channel.Decode(raw, into) }})
		if refused != nil {
			t.Fatal(refused)
		}
	}
	send := func(id string) bool {
		return w.deliver(now, &notification{
			Event: proto.NotifyDataProducerSend, HandlerID: id, Payload: []byte("hi"), Decode: func(any) *proto.Error { return nil },
		})
	}
	for n := range maxPanics + 1 {
		d, p := fmt.Sprint("d", n), fmt.Sprint("p", n)
		ask(proto.RouterCreateDirectTransport, "r", proto.DirectTransportOptions{TransportID: d})
		ask(proto.TransportProduceData, d, proto.ProduceData{DataProducerID: p, Type: proto.DataDirect})
		if !send(p) {
			t.Fatal("a message for nobody is no fault")
		}
		ask(proto.TransportConsumeData, d, proto.ConsumeData{DataConsumerID: "c" + p, DataProducerID: p, Type: proto.DataDirect})
		if n == maxPanics {
			break
		}
		send(p)
		if w.panics.total != uint64(n+1) || send(p) || w.panics.total != uint64(n+1) {
			t.Fatalf("%d panics after %d; the transport is still in service", w.panics.total, n+1)
		}
		ask(proto.RouterCloseTransport, "r", proto.CloseTransport{TransportID: d})
	}
	defer func() {
		if recover() == nil {
			t.Error("the worker survived one panic too many")
		}
	}()
	send(fmt.Sprint("p", maxPanics))
}
