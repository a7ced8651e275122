package worker_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// soak is how many times longer the tests of long lives last: SOAK=1 for nightly runs.
func soak() int {
	if os.Getenv("SOAK") != "" {
		return 10
	}
	return 1
}

// lifeWorld is a worker that creates and closes for long. It keeps no events, so that what is left in the end is the worker's.
type lifeWorld struct {
	*simtest.Worker
	client *channel.Client
	peer   *net.UDPConn // at the other end of plain and pipe transports
	packet [60]byte

	mu     sync.Mutex
	events []string       // "target name" of those that a model can foresee
	any    int            // how many came, of all
	heard  map[string]int // of each
	waited int            // for associations
	reflex *request       // made within the handler of the next event
	every  bool           // whatever event it is, not only a foreseeable one
	early  sync.WaitGroup
	fired  bool
	err    error // what the reflex was answered
}

// request is one for the worker.
type request struct {
	method, id string
	body       any
}

func newLifeWorld(t testing.TB) *lifeWorld {
	l := &lifeWorld{Worker: simtest.StartWorker(t), heard: map[string]int{}}
	l.Worker.Detach()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var err error
	if l.client, err = channel.Dial(ctx, l.Address(), channel.Options{Epoch: 2, Notification: l.note}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.client.Close() })
	if l.peer, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.peer.Close() })
	return l
}

// foreseeable are the events that requests cause, and nothing else does.
var foreseeable = map[string]bool{
	proto.EventConsumerProducerClose: true, proto.EventConsumerProducerPause: true, proto.EventConsumerProducerResume: true,
	proto.EventDataConsumerProducerClose: true, proto.EventDataConsumerProducerPause: true, proto.EventDataConsumerProducerResume: true,
	proto.EventTransportListenServerClose: true,
}

func (l *lifeWorld) note(n channel.Notification) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.any++
	l.heard[n.Event]++
	if foreseeable[n.Event] {
		l.events = append(l.events, n.HandlerID+" "+n.Event)
	}
	if q := l.reflex; q != nil && (l.every || foreseeable[n.Event]) {
		l.reflex, l.fired = nil, true
		l.early.Go(func() { l.err = l.request(*q, nil) })
	}
}

// take returns the foreseeable events since it was called before, in the order of their names.
func (l *lifeWorld) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.events
	l.events = nil
	slices.Sort(list)
	return list
}

func (l *lifeWorld) request(q request, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return l.client.Request(ctx, q.method, q.id, q.body, result)
}

// within makes a request, and another from within the handler of the first foreseeable event, which the request causes, or of the first of all, which
// may come before it. Both have been answered when it returns whether there was one.
func (l *lifeWorld) within(q, reflex request, every bool) (err error, fired bool, reflexErr error) {
	l.mu.Lock()
	l.reflex, l.every, l.fired, l.err = &reflex, every, false, nil
	l.mu.Unlock()
	err = l.request(q, nil)
	l.mu.Lock()
	l.reflex = nil
	fired = l.fired
	l.mu.Unlock()
	l.early.Wait() // nothing is added any more
	return err, fired, l.err
}

// rtp is a packet of a stream.
func (l *lifeWorld) rtp(ssrc uint32, payloadType byte, sequence uint16) []byte {
	b := l.packet[:]
	b[0], b[1] = 0x80, payloadType
	binary.BigEndian.PutUint16(b[2:], sequence)
	binary.BigEndian.PutUint32(b[4:], uint32(sequence)*960)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	b[12] = 0x10 // VP8: the first partition of a frame; to Opus it is as good as anything
	return b
}

// send sends a datagram to a port of the worker's.
func (l *lifeWorld) send(port uint16, b []byte) {
	_, _ = l.peer.WriteToUDP(b, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)}) // that nobody listens is an error, too
}

// refusal is the worker's answer, or nil; no answer fails the test.
func (l *lifeWorld) refusal(t interface{ Fatalf(string, ...any) }, q request, err error) *proto.Error {
	var refused *proto.Error
	if err != nil && (!errors.As(err, &refused) || refused.Code == proto.CodeClosed || refused.Code == proto.CodeInternal) {
		t.Fatalf("%s of %s: %v", q.method, q.id, err)
	}
	return refused
}

// measured is what a process holds.
type measured struct {
	goroutines, descriptors int
	heap                    int64
}

// held waits until a worker at rest holds no more goroutines and descriptors than limit, and measures its heap; without a limit it only looks.
func held(t testing.TB, limit *measured) measured {
	t.Helper()
	var now measured
	if limit == nil {
		r := resources(t, 0, 0)
		now.goroutines, now.descriptors = r[0], r[1]
	} else {
		r := resources(t, limit.goroutines, limit.descriptors)
		now.goroutines, now.descriptors = r[0], r[1]
	}
	var m runtime.MemStats
	for range 3 { // finalizers, and what pools keep for a cycle
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	now.heap = int64(m.HeapAlloc)
	return now
}

// port is where the other end of plain transports is.
func (l *lifeWorld) port() int { return l.peer.LocalAddr().(*net.UDPAddr).Port }
