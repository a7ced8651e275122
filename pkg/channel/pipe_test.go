package channel

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"testing"

	"gazpacho/proto"
)

// peer is the other end of a connection, byte by byte.
type peer struct {
	t      *testing.T
	conn   net.Conn
	in     frameReader
	server *Server // whose it is, if it is one under test
}

func newPeer(t *testing.T, conn net.Conn) *peer {
	return &peer{t: t, conn: conn, in: frameReader{r: conn}}
}

// send writes an envelope's bytes.
func (p *peer) send(b []byte, err error) {
	p.t.Helper()
	if err == nil {
		_, err = p.conn.Write(framed(b))
	}
	if err != nil {
		p.t.Error(err)
	}
}

// next reads an envelope.
func (p *peer) next() envelope {
	p.t.Helper()
	b, err := p.in.next()
	if err != nil {
		p.t.Fatal(err)
	}
	e, err := parse(b)
	if err != nil {
		p.t.Fatal(err)
	}
	return e
}

// refused reads a response that must be an error.
func (p *peer) refused(id uint32) *proto.Error {
	p.t.Helper()
	e := p.next()
	if e.kind != kindResponse || e.id != id {
		p.t.Fatalf("got %+v, want a response to %d", e, id)
	}
	refused := &proto.Error{}
	if err := Decode(e.err, refused); err != nil || refused.Code == "" {
		p.t.Fatalf("no error but %x", e.body)
	}
	return refused
}

// ends expects that nothing more comes.
func (p *peer) ends() {
	p.t.Helper()
	if b, err := p.in.next(); err == nil {
		p.t.Fatalf("got %s, want the end", hex.EncodeToString(b))
	}
}

func attachBody(epoch uint64) proto.Attach {
	return proto.Attach{Protocol: proto.Current, Epoch: epoch, Software: "test"}
}

// attach reads the hello and attaches.
func (p *peer) attach(epoch uint64) {
	p.t.Helper()
	if e := p.next(); e.kind != kindNotification || string(e.name) != proto.EventWorkerHello {
		p.t.Fatalf("got %+v, want hello", e)
	}
	p.send(appendRequest(nil, 1, proto.WorkerAttach, "", attachBody(epoch)))
}

// attached expects the answer to attach.
func (p *peer) attached() {
	p.t.Helper()
	if e := p.next(); e.kind != kindResponse || e.id != 1 || e.err[0] != 0xc0 {
		p.t.Fatalf("got %+v, want the answer to worker.attach", e)
	}
	// Events flow a moment after that was queued; what comes before is for nobody.
	for p.server != nil && p.server.current.Load() == nil {
		runtime.Gosched()
	}
}

// testServer is a server over pipes with a record of what it was told.
type testServer struct {
	*Server
	t   *testing.T
	log bytes.Buffer // written under mu
	wg  sync.WaitGroup

	mu       sync.Mutex
	requests []Request
	told     []string
}

// newTestServer answers worker.attach and then what answer says; nil answers nothing.
func newTestServer(t *testing.T, answer func(Request)) *testServer {
	s := &testServer{t: t}
	s.Server = NewServer(Config{
		Hello: proto.Hello{Software: "gazpacho", PID: 42, Instance: "i"},
		Request: func(r Request) {
			s.mu.Lock()
			s.requests = append(s.requests, r)
			s.mu.Unlock()
			if r.Method == proto.WorkerAttach {
				r.Respond(proto.AttachResult{Protocol: proto.Current, Instance: "i", RouterIDs: []string{"r1"}}, nil)
			} else if answer != nil {
				answer(r)
			}
		},
		Notification: func(n Notification) { s.tell("notification " + n.Event + " " + n.HandlerID + " " + string(n.Payload)) },
		Attached:     func(a proto.Attach) { s.tell("attached " + a.Software) },
		Detached:     func() { s.tell("detached") },
		Logger:       slog.New(slog.NewTextHandler(lockedWriter{s}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	t.Cleanup(func() {
		s.Close()
		s.wg.Wait()
	})
	return s
}

type lockedWriter struct{ s *testServer }

func (w lockedWriter) Write(b []byte) (int, error) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	return w.s.log.Write(b)
}

func (s *testServer) tell(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, what)
}

// heard returns what the server was told so far.
func (s *testServer) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.told...)
}

func (s *testServer) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// connect returns the other end of a new connection.
func (s *testServer) connect() net.Conn {
	ours, theirs := net.Pipe()
	s.wg.Go(func() { s.Accept(ours) })
	s.t.Cleanup(func() { theirs.Close() })
	return theirs
}

func (s *testServer) peer() *peer {
	p := newPeer(s.t, s.connect())
	p.server = s.Server
	return p
}
