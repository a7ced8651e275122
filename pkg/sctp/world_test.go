package sctp

import (
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pion "github.com/pion/sctp"
	"go.uber.org/goleak"

	"gazpacho/pkg/mailbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loop stands in for the worker's loop: one goroutine runs what is posted.
type loop struct {
	mu     sync.Mutex
	wake   sync.Cond
	posted []func(now time.Time)
	closed bool
}

func newLoop() *loop {
	l := &loop{}
	l.wake.L = &l.mu
	go l.run()
	return l
}

func (l *loop) post(f func(now time.Time)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posted = append(l.posted, f)
	l.wake.Signal()
}

func (l *loop) run() {
	for {
		l.mu.Lock()
		for len(l.posted) == 0 && !l.closed {
			l.wake.Wait()
		}
		batch := l.posted
		l.posted = nil
		l.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, f := range batch {
			f(time.Now())
		}
	}
}

func (l *loop) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake.Signal()
}

// world is an association, the loop it lives on, and a peer made of the library over a path in memory.
type world struct {
	t        testing.TB
	loop     *loop
	a        *Association
	counters Counters
	ours     *mailbox.Conn
	theirs   *mailbox.Conn
	peer     *pion.Association

	mu     sync.Mutex
	toPeer func(b []byte) bool // whether a packet gets through
	toUs   func(b []byte) bool

	// Of the loop.
	events       []string
	capabilities Capabilities
	reason       error
	messages     []Message
	bytes        int // of messages
	released     map[uint16]Release
	onMessages   func(list []Message)
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	w := &world{t: t, loop: newLoop(), released: map[uint16]Release{}}
	pass := func([]byte) bool { return true }
	w.toPeer, w.toUs = pass, pass
	w.ours = mailbox.New(func(b []byte) {
		if w.passes(&w.toPeer, b) {
			w.theirs.Put(b)
		}
	})
	w.theirs = mailbox.New(func(b []byte) {
		if w.passes(&w.toUs, b) {
			w.ours.Put(b)
		}
	})
	cfg := Config{
		Conn: w.ours, Events: w, Post: w.loop.post, MaxSendMessage: 262_144, MaxReceiveMessage: 262_144, ReceiveWindow: 5_242_880, Counters: &w.counters,
		Timer: func(at time.Time, f func(now time.Time)) func() {
			t := time.AfterFunc(time.Until(at), func() { w.loop.post(f) })
			return func() { t.Stop() }
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	w.do(func(time.Time) { w.a = New(cfg) })
	return w
}

func (w *world) passes(filter *func(b []byte) bool, b []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return (*filter)(b)
}

// filter replaces what gets through; nil is everything.
func (w *world) filter(toPeer, toUs func(b []byte) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	pass := func([]byte) bool { return true }
	if toPeer == nil {
		toPeer = pass
	}
	if toUs == nil {
		toUs = pass
	}
	w.toPeer, w.toUs = toPeer, toUs
}

// do runs f on the loop and waits for it.
func (w *world) do(f func(now time.Time)) {
	done := make(chan struct{})
	w.loop.post(func(now time.Time) {
		defer close(done)
		f(now)
	})
	<-done
}

// connect makes the peer.
func (w *world) connect() {
	w.t.Helper()
	peer, err := pion.ClientWithOptions(pion.WithNetConn(w.theirs), pion.WithLoggerFactory(silence{}), pion.WithName("peer"),
		pion.WithMaxReceiveBufferSize(1<<20), pion.WithMaxMessageSize(1<<24), pion.WithMTU(mtu))
	if err != nil {
		w.t.Fatal(err)
	}
	w.peer = peer
	w.until("connected", func() bool { return len(w.events) > 0 })
}

// until waits for something to be true on the loop; in a bubble, time flies.
func (w *world) until(what string, f func() bool) {
	w.t.Helper()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		var ok bool
		w.do(func(time.Time) { ok = f() })
		if ok {
			return
		}
		if time.Since(start) > time.Minute {
			w.t.Fatalf("never %s; events %q", what, w.events)
		}
	}
}

// stream opens a stream of the peer.
func (w *world) stream(id uint16) *pion.Stream {
	w.t.Helper()
	s, err := w.peer.OpenStream(id, pion.PayloadTypeWebRTCBinary)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) write(s *pion.Stream, payload string) {
	w.t.Helper()
	if _, err := s.WriteSCTP([]byte(payload), pion.PayloadTypeWebRTCString); err != nil {
		w.t.Fatal(err)
	}
}

// read returns the peer's next message on a stream.
func (w *world) read(s *pion.Stream) string {
	w.t.Helper()
	b := make([]byte, 1<<20)
	n, _, err := s.ReadSCTP(b)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b[:n])
}

func (w *world) open(s Stream) { w.do(func(time.Time) { w.a.Open(s) }) }
func (w *world) send(id uint16, payload string) {
	w.do(func(now time.Time) { w.a.Send(now, id, 51, []byte(payload)) })
}

// close ends the world, and checks that nothing of it lives on.
func (w *world) close() {
	w.do(func(time.Time) { w.a.Close() })
	_ = w.theirs.Close()
	if w.peer != nil {
		_ = w.peer.Close()
	}
	_ = w.ours.Close()
	w.loop.close()
}

// bubble runs f in virtual time.
func bubble(t *testing.T, f func(t *testing.T, w *world), change ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, change...)
		defer w.close()
		f(t, w)
	})
}

// Events.

func (w *world) SCTPConnected(_ time.Time, c Capabilities) {
	w.events, w.capabilities = append(w.events, "connected"), c
}

func (w *world) SCTPFailed(_ time.Time, reason error) {
	w.events, w.reason = append(w.events, "failed"), reason
}

func (w *world) SCTPClosed(time.Time) { w.events = append(w.events, "closed") }

func (w *world) SCTPMessages(_ time.Time, list []Message) {
	if w.onMessages != nil {
		w.onMessages(list)
	}
	w.messages = append(w.messages, list...)
	for _, m := range list {
		w.bytes += len(m.Payload)
	}
}

func (w *world) SCTPReleased(_ time.Time, list []Release) {
	for _, r := range list {
		sum := w.released[r.Stream]
		w.released[r.Stream] = Release{r.Stream, sum.Bytes + r.Bytes, sum.Messages + r.Messages}
	}
}

func (w *world) SCTPStreamClosed(_ time.Time, id uint16) {
	w.events = append(w.events, "stream closed")
}

var errEOF = io.EOF

func isEOF(err error) bool { return errors.Is(err, errEOF) }
