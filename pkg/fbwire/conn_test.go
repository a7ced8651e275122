package fbwire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gazpacho/proto"
)

// patience is how long a test waits for what should come at once.
const patience = 30 * time.Second

// library is the other end of a connection: it writes requests, and reads what a worker sends, in its own time.
type library struct {
	t      *testing.T
	codec  *Codec
	schema *Schema
	conn   *Conn
	g      *generator
	to     io.WriteCloser
	from   io.ReadCloser
	served chan error
}

// dial connects a library with a worker that h answers for, over pipes as mediasoup-go has them, or sockets as Node.js has.
func dial(t *testing.T, version string, sockets bool, h Handlers) *library {
	t.Helper()
	l := &library{t: t, codec: codecOf(t, version), schema: schemaOf(t, version), g: newGenerator(), served: make(chan error, 1)}
	var in io.ReadCloser
	var out io.WriteCloser
	if sockets {
		in, l.to = socketPair(t)
		l.from, out = socketPair(t)
	} else {
		in, l.to = pipe(t)
		l.from, out = pipe(t)
	}
	l.conn = NewConn(l.codec, in, out)
	l.conn.Handle(h)
	go func() { l.served <- l.conn.Serve() }()
	t.Cleanup(func() {
		l.to.Close()
		l.from.Close()
		l.conn.Close()
	})
	return l
}

func pipe(t *testing.T) (io.ReadCloser, io.WriteCloser) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func socketPair(t *testing.T) (*net.UnixConn, *net.UnixConn) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: t.TempDir() + "/s", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

// number is what the library knows a method by.
func (l *library) number(method string) byte {
	for i, m := range l.codec.methods {
		if m != nil && m.name == method {
			return byte(i)
		}
	}
	l.t.Fatalf("no method %s", method)
	return 0
}

func (l *library) request(id uint32, method, handler string) []byte {
	return l.g.request(l.codec, id, l.number(method), handler, 0, 0)
}

func (l *library) write(b []byte) {
	l.t.Helper()
	if _, err := l.to.Write(b); err != nil {
		l.t.Error(err)
	}
}

// read returns the next message, by its kind, and what is in it.
func (l *library) read() (kind string, w word) {
	l.t.Helper()
	head := make([]byte, prefix)
	if _, err := io.ReadFull(l.from, head); err != nil {
		l.t.Fatal(err)
	}
	b := make([]byte, binary.LittleEndian.Uint32(head))
	if _, err := io.ReadFull(l.from, b); err != nil {
		l.t.Fatal(err)
	}
	for kind, inner := range readMessageOf(l.t, l.schema, append(head, b...))["data"].(word) {
		return kind, inner.(word)
	}
	l.t.Fatal("an empty message")
	return "", nil
}

func (l *library) running() {
	l.t.Helper()
	kind, w := l.read()
	if kind != "Notification" || w["event"] != uint64(l.codec.running) || w["handler_id"] != strconv.Itoa(os.Getpid()) || w["body"] != nil {
		l.t.Fatalf("first came %s %v of %v", kind, w["event"], w["handler_id"])
	}
}

// ended waits for Serve to return.
func (l *library) ended() error {
	l.t.Helper()
	select {
	case err := <-l.served:
		return err
	case <-time.After(patience):
		l.t.Fatal("Serve goes on")
		return nil
	}
}

// echo answers every request with the router of that id, in order, from another goroutine, as the loop does.
func echo(t *testing.T) Handlers {
	requests := make(chan Request, 100_000)
	var wg sync.WaitGroup
	wg.Go(func() {
		for r := range requests {
			r.Respond(proto.RouterDump{ID: r.HandlerID}, nil)
		}
	})
	t.Cleanup(func() { close(requests); wg.Wait() })
	return Handlers{Request: func(r Request) { requests <- r }, Notification: func(Notification) {}, Close: func() {}}
}

// API.md: a library may write for long before it reads, since it holds a lock for both. Full pipes both ways must not stop the worker: it reads on.
func TestLibraryThatWritesBeforeItReads(t *testing.T) {
	for _, sockets := range []bool{false, true} {
		l := dial(t, latest, sockets, echo(t))
		const count = 10_000 // some 1.5 MB of answers: many times what pipes and sockets hold
		for i := range count {
			l.write(l.request(uint32(i+1), proto.RouterDumpMethod, "router-"+strconv.Itoa(i)))
		}
		l.running()
		for i := range count {
			kind, w := l.read()
			body, _ := w["body"].(word)
			dump, _ := body["Router_DumpResponse"].(word)
			if kind != "Response" || w["id"] != uint64(i+1) || w["accepted"] != uint64(1) || dump["id"] != "router-"+strconv.Itoa(i) {
				t.Fatalf("answer %d: %s %v", i, kind, w)
			}
		}
	}
}

// Requests of every generation end the worker as that generation does it.
func TestClosing(t *testing.T) {
	for _, version := range []string{"3.19.11", "3.19.18"} {
		var l *library
		closed := make(chan string, 4)
		l = dial(t, version, true, Handlers{
			Request: func(r Request) {
				closed <- r.Method
				r.Respond(nil, nil)
			},
			Close: func() { closed <- "notification" },
		})
		l.running()
		want := "notification"
		if version == "3.19.11" {
			want = proto.WorkerClose
			l.write(l.request(1, proto.WorkerClose, ""))
			if kind, w := l.read(); kind != "Response" || w["accepted"] != uint64(1) || w["body"] != nil {
				t.Fatalf("%s: %s %v", version, kind, w)
			}
		} else {
			l.write(l.g.notice(l.codec, 0, "", 0, 0))
		}
		if got := <-closed; got != want {
			t.Errorf("%s: closed by %s", version, got)
		}
		// What comes after that is not answered any more.
		l.write(l.request(2, proto.RouterDumpMethod, "r"))
		l.conn.Close()
		if err := l.ended(); err != nil {
			t.Errorf("%s: %v", version, err)
		}
		if b, err := io.ReadAll(l.from); err != nil || len(b) != 0 {
			t.Errorf("%s: more was sent: %x, %v", version, b, err)
		}
		if len(closed) != 0 {
			t.Errorf("%s: then came %s", version, <-closed)
		}
	}
}

// What is queued when the worker ends is read by a library that takes its time.
func TestCloseDrains(t *testing.T) {
	l := dial(t, latest, false, echo(t))
	l.running()
	const count = 2000
	for i := range count {
		l.conn.Notify("c"+strconv.Itoa(i), proto.Event{Name: proto.EventConsumerProducerClose})
	}
	go l.conn.Close()
	for i := range count {
		if _, w := l.read(); w["handler_id"] != "c"+strconv.Itoa(i) {
			t.Fatalf("event %d: %v", i, w)
		}
	}
	if err := l.ended(); err != nil {
		t.Error(err)
	}
}

func TestLibraryGone(t *testing.T) {
	l := dial(t, latest, true, echo(t))
	l.running()
	l.to.Close()
	if err := l.ended(); !errors.Is(err, ErrRemoteClosed) {
		t.Errorf("it ended with %v", err)
	}
	// Events go nowhere then, and nobody waits.
	for range 1000 {
		if !l.conn.Notify("c", proto.Event{Name: proto.EventConsumerProducerClose}) {
			t.Fatal("not encoded")
		}
	}
}

// What is not a message ends the connection with what was wrong; half a message is a library that died.
func TestBrokenFrames(t *testing.T) {
	long := make([]byte, prefix)
	binary.LittleEndian.PutUint32(long, MaxMessage-prefix+1)
	garbage := append([]byte{16, 0, 0, 0}, "sixteen garbage!"...)
	for name, tt := range map[string]struct {
		bytes []byte
		want  string // empty: gone
	}{
		"too long":    {long, "channel: a message of 8388605 bytes"},
		"empty":       {make([]byte, 8), "channel: a message of 0 bytes"},
		"garbage":     {garbage, "channel: a message that is neither a request nor a notification"},
		"truncated":   {[]byte{200, 0, 0, 0, 1, 2, 3}, ""},
		"half length": {[]byte{200, 0}, ""},
	} {
		l := dial(t, latest, true, echo(t))
		l.running()
		l.write(tt.bytes)
		l.to.(*net.UnixConn).CloseWrite()
		err := l.ended()
		var wrong *ProtocolError
		if errors.As(err, &wrong) != (tt.want != "") || tt.want != "" && err.Error() != tt.want || tt.want == "" && !errors.Is(err, ErrRemoteClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A message that is larger than a piece of the buffer arrives whole.
func TestLargeMessage(t *testing.T) {
	got := make(chan []byte, 1)
	l := dial(t, latest, true, Handlers{Notification: func(n Notification) { got <- n.Payload }})
	payload := make([]byte, 3<<20)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	l.write(l.send(payload))
	if b := <-got; string(b) != string(payload) {
		t.Errorf("%d bytes came", len(b))
	}
}

// send makes a dataProducer.send.
func (l *library) send(payload []byte) []byte {
	for number, n := range l.codec.notices {
		if n == nil || n.name != proto.NotifyDataProducerSend {
			continue
		}
		table := l.codec.envelope.noticeBodies.Values[n.arm].Table
		data, subchannels := l.g.b.CreateByteVector(payload), table.field("subchannels")
		l.g.b.StartVector(2, 2, 2)
		l.g.b.PrependUint16(4)
		l.g.b.PrependUint16(3)
		list := l.g.b.EndVector(2)
		l.g.b.StartObject(table.Slots)
		l.g.b.PrependUOffsetTSlot(n.payload, data, 0)
		l.g.b.PrependUOffsetTSlot(subchannels.Slot, list, 0)
		l.g.b.PrependUint32Slot(table.field("ppid").Slot, 51, 0)
		return l.g.notice(l.codec, byte(number), "dp", n.arm, l.g.b.EndObject())
	}
	l.t.Fatal("no dataProducer.send")
	return nil
}

// An answer that no library takes is an error instead.
func TestAnswerTooLong(t *testing.T) {
	l := dial(t, latest, true, Handlers{Request: func(r Request) {
		r.Respond(proto.RouterDump{ID: strings.Repeat("x", MaxSent)}, nil)
	}})
	l.running()
	l.write(l.request(1, proto.RouterDumpMethod, "r"))
	if _, w := l.read(); w["accepted"] != uint64(0) || w["error"] != "Error" || !strings.Contains(fmt.Sprint(w["reason"]), "longer than") {
		t.Errorf("answer %v", w)
	}
}

// Packets and log lines are dropped for a library that does not read; nothing else is.
func TestLossyEvents(t *testing.T) {
	l := dial(t, latest, false, echo(t))
	l.running()
	payload := make([]byte, 64<<10)
	for range 200 {
		l.conn.NotifyBinary("c", proto.EventConsumerRTP, nil, payload)
	}
	l.conn.Notify("c", proto.Event{Name: proto.EventConsumerProducerClose})
	dropped := l.conn.Dropped()
	if dropped == 0 {
		t.Fatal("nothing was dropped")
	}
	for n := 0; ; n++ {
		_, w := l.read()
		if w["body"] == nil {
			if n != 200-int(dropped) {
				t.Errorf("%d packets came, %d were dropped", n, dropped)
			}
			return
		}
	}
}

func TestLogLines(t *testing.T) {
	l := dial(t, latest, true, echo(t))
	l.running()
	log := slog.New(l.conn.LogHandler(slog.LevelDebug)).With("worker", 7)
	log.Debug("went by")
	log.WithGroup("dtls").Warn("handshake", "why", "too late")
	log.Error("panic", "stack", "a\nb")
	for _, want := range []string{`Dwent by worker=7`, `Whandshake worker=7 dtls.why="too late"`, `Epanic worker=7 stack="a\nb"`} {
		if kind, w := l.read(); kind != "Log" || w["data"] != want {
			t.Errorf("%s %v, want %s", kind, w, want)
		}
	}
	if slog.New(l.conn.LogHandler(slog.LevelError)).Enabled(t.Context(), slog.LevelWarn) {
		t.Error("the level is not heeded")
	}
}
