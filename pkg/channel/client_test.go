package channel

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/proto"
)

// fakeWorker says hello, answers worker.attach and leaves the rest to the test.
func fakeWorker(t *testing.T, o Options) (*Client, *peer) {
	t.Helper()
	ours, theirs := net.Pipe()
	w := newPeer(t, theirs)
	attached := make(chan struct{})
	go func() {
		defer close(attached)
		w.send(appendNotification(nil, proto.EventWorkerHello, "", proto.Hello{Protocol: proto.Current, Software: "gazpacho"}))
		e := w.next()
		w.send(appendResponse(nil, e.id, proto.AttachResult{Instance: "i"}, nil))
	}()
	c, err := Attach(context.Background(), ours, o)
	<-attached
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		theirs.Close()
		c.Close()
	})
	return c, w
}

func code(err error) string {
	var e *proto.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestAttachTellsWhoIsThere(t *testing.T) {
	c, _ := fakeWorker(t, Options{Epoch: 7, Software: "test"})
	if c.Hello().Software != "gazpacho" || c.Attached().Instance != "i" {
		t.Errorf("got %+v, %+v", c.Hello(), c.Attached())
	}
	if c.Err() != nil {
		t.Error(c.Err())
	}
}

func TestAttachFails(t *testing.T) {
	hello := func(major int) func() ([]byte, error) {
		return func() ([]byte, error) {
			return appendNotification(nil, proto.EventWorkerHello, "", proto.Hello{Protocol: proto.Version{Major: major}})
		}
	}
	for _, tt := range []struct {
		name   string
		first  func() ([]byte, error)
		answer func(id uint32) ([]byte, error)
		code   string
		is     error
	}{
		{"other major", hello(proto.Major + 1), nil, proto.CodeUnsupported, nil},
		{"no hello", func() ([]byte, error) { return appendNotification(nil, proto.EventTransportListenServerClose, "", nil) }, nil, "", errProtocol},
		{"request first", func() ([]byte, error) { return appendRequest(nil, 1, proto.EventWorkerHello, "", nil) }, nil, "", errProtocol},
		{"bad hello", func() ([]byte, error) {
			return appendNotification(nil, proto.EventWorkerHello, "", m{"protocol": 1})
		}, nil, "", errProtocol},
		{"garbage", func() ([]byte, error) { return []byte{0xc1}, nil }, nil, "", errProtocol},
		{"busy", hello(proto.Major), func(id uint32) ([]byte, error) {
			return appendResponse(nil, id, nil, proto.Failed(proto.CodeBusy, "busy"))
		}, proto.CodeBusy, nil},
		{"gone before the answer", hello(proto.Major), nil, proto.CodeClosed, nil},
		{"bad answer", hello(proto.Major), func(id uint32) ([]byte, error) { return appendResponse(nil, id, m{"routerIds": 1}, nil) }, proto.CodeBadBody, nil},
	} {
		ours, theirs := net.Pipe()
		w := newPeer(t, theirs)
		go func() {
			defer theirs.Close()
			w.send(tt.first())
			if e, err := w.in.next(); err == nil && tt.answer != nil {
				p, _ := parse(e)
				w.send(tt.answer(p.id))
			}
		}()
		_, err := Attach(context.Background(), ours, Options{})
		if err == nil || code(err) != tt.code || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

func TestAttachIsPatientAsItsContext(t *testing.T) {
	for _, greet := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer theirs.Close()
			if greet {
				w := newPeer(t, theirs)
				go w.send(appendNotification(nil, proto.EventWorkerHello, "", proto.Hello{Protocol: proto.Current}))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			start := time.Now()
			_, err := Attach(ctx, ours, Options{})
			// With greet the client then waits in vain for its worker.attach to be read.
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("hello %v: got %v", greet, err)
			}
			if d := time.Since(start); d != 3*time.Second {
				t.Errorf("hello %v: took %v", greet, d)
			}
		})
	}
}

func TestDialFails(t *testing.T) {
	if _, err := Dial(t.Context(), "tcp:127.0.0.1:1", Options{}); err == nil || !strings.Contains(err.Error(), "unix:PATH") {
		t.Errorf("got %v", err)
	}
	if _, err := Dial(t.Context(), "unix:"+t.TempDir()+"/none", Options{}); err == nil {
		t.Error("connected to nothing")
	}
}

func TestResponsesOutOfOrder(t *testing.T) {
	c, w := fakeWorker(t, Options{})
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			var r proto.SetPriorityResult
			err := c.Request(t.Context(), proto.ConsumerSetPriority, "c", proto.SetPriority{Priority: i}, &r)
			if err != nil || r.Priority != 100+i {
				t.Errorf("request %d: %+v, %v", i, r, err)
			}
		})
	}
	var got []envelope
	for range 10 {
		got = append(got, w.next())
	}
	rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	for _, e := range got {
		var b proto.SetPriority
		Decode(e.body, &b)
		w.send(appendResponse(nil, e.id, proto.SetPriorityResult{Priority: 100 + b.Priority}, nil))
	}
	wg.Wait()
}

func TestErrorsOfRequests(t *testing.T) {
	c, w := fakeWorker(t, Options{})
	answer := func(b func(id uint32) ([]byte, error)) {
		go func() {
			e := w.next()
			w.send(b(e.id))
		}()
	}
	answer(func(id uint32) ([]byte, error) {
		return appendResponse(nil, id, nil, proto.BadField("a.b", "no %d", 5))
	})
	err := c.Request(t.Context(), "x", "", nil, nil)
	if e := new(proto.Error); !errors.As(err, &e) || *e != *proto.BadField("a.b", "no 5") {
		t.Errorf("got %v", err)
	}
	answer(func(id uint32) ([]byte, error) { return appendResponse(nil, id, 5, nil) })
	var r proto.ProduceResult
	if err := c.Request(t.Context(), "x", "", nil, &r); code(err) != proto.CodeBadBody || !strings.Contains(err.Error(), "result of x") {
		t.Errorf("got %v", err)
	}
	answer(func(id uint32) ([]byte, error) {
		return append(appendUint([]byte{0x94, kindResponse}, uint64(id)), 0x05, 0xc0), nil
	})
	if err := c.Request(t.Context(), "x", "", nil, nil); code(err) != proto.CodeInternal {
		t.Errorf("an error that is a number: got %v", err)
	}
	if err := c.Request(t.Context(), "x", "", func() {}, nil); err == nil {
		t.Error("an impossible body was sent")
	}
	if err := c.Request(t.Context(), "x", "", Raw(appendBlob(nil, make([]byte, MaxFrame))), nil); code(err) != proto.CodeLimit {
		t.Errorf("a huge body: got %v", err)
	}
	// A worker may take less.
	c.hello.MaxFrame = 1000
	if err := c.Request(t.Context(), "x", "", Raw(appendBlob(nil, make([]byte, 1000))), nil); code(err) != proto.CodeLimit {
		t.Errorf("a body above the worker's limit: got %v", err)
	}
	if len(c.pending) != 0 {
		t.Errorf("%d requests wait still", len(c.pending))
	}
}

func TestRequestIsPatientAsItsContext(t *testing.T) {
	c, w := fakeWorker(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Request(ctx, "slow", "", nil, nil) }()
	slow := w.next()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// The late answer goes to nobody, least of all to the next request, whose id would be the same after a wrap.
	c.lastID = slow.id - 1
	go func() {
		var r proto.SetPriorityResult
		err := c.Request(t.Context(), "next", "", nil, &r)
		if err == nil && r.Priority != 2 {
			err = fmt.Errorf("got %+v", r)
		}
		done <- err
	}()
	next := w.next()
	if next.id == slow.id {
		t.Error("the id of a request that waits was given away")
	}
	w.send(appendResponse(nil, slow.id, proto.SetPriorityResult{Priority: 1}, nil))
	w.send(appendResponse(nil, next.id, proto.SetPriorityResult{Priority: 2}, nil))
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestIDsWrap(t *testing.T) {
	c, w := fakeWorker(t, Options{})
	c.lastID = 1<<32 - 2
	for _, want := range []uint32{1<<32 - 1, 0, 1} {
		done := make(chan error)
		go func() { done <- c.Request(t.Context(), "x", "", nil, nil) }()
		e := w.next()
		if e.id != want {
			t.Errorf("got id %d, want %d", e.id, want)
		}
		w.send(appendResponse(nil, e.id, nil, nil))
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestEventsBeforeTheResponseAreHandledFirst: what a request caused is known to the handler when Request returns.
func TestEventsBeforeTheResponseAreHandledFirst(t *testing.T) {
	var handled atomic.Int64
	c, w := fakeWorker(t, Options{Notification: func(n Notification) {
		if n.HandlerID != fmt.Sprint(handled.Load()) {
			t.Errorf("event %s came as number %d", n.HandlerID, handled.Load())
		}
		handled.Add(1)
	}})
	go func() {
		for i := range 100 {
			e := w.next()
			for j := range 10 {
				w.send(appendNotification(nil, proto.EventConsumerProducerClose, fmt.Sprint(10*i+j), nil))
			}
			w.send(appendResponse(nil, e.id, nil, nil))
		}
	}()
	for i := range 100 {
		if err := c.Request(t.Context(), "x", "", nil, nil); err != nil {
			t.Fatal(err)
		}
		if n := handled.Load(); n != int64(10*(i+1)) {
			t.Fatalf("%d events handled after %d requests", n, i+1)
		}
	}
}

func TestEventsAndLogsReachTheirHandlers(t *testing.T) {
	got := make(chan string, 10)
	c, w := fakeWorker(t, Options{
		Notification: func(n Notification) {
			var s proto.ICEStateChange
			Decode(n.Body, &s)
			got <- fmt.Sprint(n.Event, " ", n.HandlerID, " ", s.ICEState, " ", string(n.Payload))
		},
		Log: func(l Log) { got <- fmt.Sprint(l.Level, " ", l.Tag, " ", l.At.UTC(), " ", l.Text, " ", l.Fields) },
	})
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	w.send(appendNotification(nil, proto.EventICEStateChange, "t", proto.ICEStateChange{ICEState: "completed"}))
	w.send(appendBinary(nil, "consumer.rtp", "c", nil, []byte("rtp")))
	w.send(appendLog(nil, Log{Level: "warn", Tag: "ice", At: at, Text: "hm", Fields: m{"n": 1}}))
	w.send(appendLog(nil, Log{Level: "info", Text: "plain"}))
	for _, want := range []string{
		"webRtcTransport.iceStateChange t completed ",
		"consumer.rtp c  rtp",
		"warn ice 2026-01-02 03:04:05.000006 +0000 UTC hm map[n:1]",
		"info  1970-01-01 00:00:00 +0000 UTC plain map[]", // a zero time
	} {
		if s := <-got; s != want {
			t.Errorf("got %q, want %q", s, want)
		}
	}
	// Both may be left out.
	quiet, w := fakeWorker(t, Options{})
	w.send(appendNotification(nil, "x", "", nil))
	w.send(appendLog(nil, Log{}))
	if c.Err() != nil || quiet.Err() != nil {
		t.Error("ended")
	}
}

func TestWorkerThatBreaksTheProtocol(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty frame":                unhex(t, "00000000"),
		"killer":                     unhex(t, "00000005ddffffffff"),
		"request":                    framed(unhex(t, "9500 01 a16d a0 c0")),
		"response nobody waits for":  framed(unhex(t, "9401 63 c0 c0")),
		"second answer to an attach": framed(unhex(t, "9401 01 c0 c0")),
	} {
		c, w := fakeWorker(t, Options{})
		done := make(chan error)
		go func() { done <- c.Request(t.Context(), "x", "", nil, nil) }()
		w.next()
		if _, err := w.conn.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := <-done; code(err) != proto.CodeClosed || !strings.Contains(err.Error(), "protocol error") {
			t.Errorf("%s: got %v", name, err)
		}
		<-c.Done()
	}
}

func TestClosedChannel(t *testing.T) {
	for name, end := range map[string]func(*Client, *peer){
		"by us":         func(c *Client, w *peer) { go c.Close() },
		"by the worker": func(c *Client, w *peer) { w.conn.Close() },
	} {
		c, w := fakeWorker(t, Options{})
		done := make(chan error)
		for range 3 {
			go func() { done <- c.Request(t.Context(), "x", "", nil, nil) }()
			w.next()
		}
		end(c, w)
		for range 3 {
			if err := <-done; code(err) != proto.CodeClosed {
				t.Errorf("%s: got %v", name, err)
			}
		}
		<-c.Done()
		for what, err := range map[string]error{
			"Request": c.Request(t.Context(), "x", "", nil, nil), "Notify": c.Notify("x", "", nil), "NotifyBinary": c.NotifyBinary("x", "", nil, nil), "Err": c.Err(),
		} {
			if code(err) != proto.CodeClosed {
				t.Errorf("%s: %s gives %v", name, what, err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNotificationsToAWorker(t *testing.T) {
	c, w := fakeWorker(t, Options{})
	if err := c.Notify("a.b", "id", proto.SetPriority{Priority: 1}); err != nil {
		t.Fatal(err)
	}
	if e := w.next(); e.kind != kindNotification || string(e.name) != "a.b" || string(e.handlerID) != "id" || len(e.body) != 11 {
		t.Errorf("got %+v", e)
	}
	if err := c.NotifyBinary("a.b", "id", nil, nil); err != nil {
		t.Fatal(err)
	}
	if e := w.next(); e.kind != kindBinary || len(e.payload) != 0 {
		t.Errorf("got %+v", e)
	}
}

// TestTenThousandAtOnce: no loss, no mix-up, and the requests of one goroutine stay in order.
func TestTenThousandAtOnce(t *testing.T) {
	const total = 10_000
	var last [100]atomic.Int64
	reply := dump()
	c := startEcho(t, func(r Request) {
		var p proto.SetPriority
		if err := Decode(r.Body, &p); err != nil {
			t.Error(err)
		}
		lane := p.Priority % len(last)
		if r.HandlerID == "lane" && last[lane].Swap(int64(p.Priority)) >= int64(p.Priority) && p.Priority >= len(last) {
			t.Errorf("request %d came late", p.Priority)
		}
		d := reply
		d.MaxSendMessageSize = p.Priority
		r.Respond(&d, nil)
	})
	ask := func(i int, id string) {
		var d proto.WebRTCTransportDump
		if err := c.Request(t.Context(), proto.TransportDumpMethod, id, proto.SetPriority{Priority: i}, &d); err != nil {
			t.Error(err)
		} else if d.MaxSendMessageSize != i || d.ICEState != reply.ICEState {
			t.Errorf("request %d was answered as %d", i, d.MaxSendMessageSize)
		}
	}
	var wg sync.WaitGroup
	for i := range total {
		wg.Go(func() { ask(i, "") })
	}
	wg.Wait()
	for lane := range len(last) {
		wg.Go(func() {
			for i := lane; i < total; i += len(last) {
				ask(i, "lane")
			}
		})
	}
	wg.Wait()
	if n := len(c.pending); n != 0 {
		t.Errorf("%d requests wait still", n)
	}
}

// TestBigBodiesBothWays fills both directions at once: an end that waited to write before it reads would never return.
func TestBigBodiesBothWays(t *testing.T) {
	c := startEcho(t, func(r Request) { r.Respond(r.Body, nil) })
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			in := proto.AttachResult{Instance: strings.Repeat(string(rune('a'+i%26)), 300_000)}
			var out proto.AttachResult
			if err := c.Request(t.Context(), "echo", "", in, &out); err != nil || out.Instance != in.Instance {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}
