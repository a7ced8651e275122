package attack

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v3"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// house is a controller with two workers and a call in a room on each, all by the protocol that applications speak.
type house struct {
	*simtest.Controller
	rooms    [2]*room
	workers  []int        // process ids
	operator *http.Client // of the admin port
	deaf     chan struct{}
}

// room is a call of alice and bob.
type room struct {
	id         string
	alice, bob *client
	sends      *simtest.Peer
	receives   *simtest.Peer
	producers  [2]string // ids: video, audio
	consumers  []string
	call       *call
	readers    sync.WaitGroup
}

// newHouse starts everything.
func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{Controller: simtest.StartController(t, binaries, "--auth-secret", secret), operator: &http.Client{Timeout: patience}}
	t.Cleanup(h.operator.CloseIdleConnections)
	for i := range h.rooms {
		h.rooms[i] = h.open(t, fmt.Sprint("room", i))
	}
	if a, b := h.rooms[0].port(), h.rooms[1].port(); a == b {
		t.Fatalf("both rooms are on the worker at port %d", a)
	}
	h.workers = children(t, h.PID)
	if len(h.workers) != 2 {
		t.Fatalf("workers %v", h.workers)
	}
	return h
}

func (r *room) port() uint16 { return r.sends.Transport.ICECandidates[0].Port }

// open has alice publish and bob watch.
func (h *house) open(t *testing.T, id string) *room {
	t.Helper()
	r := &room{id: id, call: &call{flows: []*flow{{head: vp8Head, step: 450}, {head: []byte{0x78}, step: 960}}}}
	hc := h.Client()
	hc.Timeout = 0 // which would end WebSockets, too
	r.alice = enter(t, hc, address(h.Controller, id, "alice", token(t, id, "alice")), nil)
	r.sends = r.alice.transport(true, simtest.PeerOptions{})
	r.alice.join()
	r.bob = enter(t, hc, address(h.Controller, id, "bob", token(t, id, "bob")), r.offered)
	r.receives = r.bob.transport(false, simtest.PeerOptions{})
	r.bob.join()
	for i, kind := range []string{proto.Video, proto.Audio} {
		s := r.sends.Offer(kind)
		var made struct{ ID string }
		r.alice.must("produce", object{"transportId": r.sends.Transport.ID, "kind": kind, "rtpParameters": s.Parameters, "appData": object{"source": kind}}, &made)
		r.producers[i] = made.ID
		r.call.flows[i].write = s.Tracks[0].WriteRTP
	}
	t.Cleanup(func() {
		r.sends.Close()
		r.receives.Close()
		r.readers.Wait()
	})
	r.call.start(t)
	r.call.begun(t)
	return r
}

// offered takes a consumer: what it plays is counted with the flow of its kind.
func (r *room) offered(m wire) {
	var c struct {
		ID, Kind      string
		RTPParameters proto.RTPParameters
	}
	if err := json.Unmarshal(m.Data, &c); err != nil {
		r.bob.t.Errorf("newConsumer: %v", err)
		return
	}
	f := r.call.flows[0]
	if c.Kind == proto.Audio {
		f = r.call.flows[1]
	}
	r.receives.Played(r.receives.Accept(c.ID, c.Kind, c.RTPParameters), func(track *webrtc.TrackRemote) {
		r.readers.Go(func() { f.receive(track) })
	})
	r.bob.note(func() { r.consumers = append(r.consumers, c.ID) })
}

// children are the processes of a process.
func children(t *testing.T, pid int) (list []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
		if err != nil {
			continue // it has ended meanwhile
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			list = append(list, id)
		}
	}
	return list
}

// metrics reads a counter off the operator's port: the sum of all its series that bear the labels.
func (h *house) metric(t *testing.T, name string, labels ...string) (sum float64) {
	t.Helper()
	response, err := h.operator.Get(h.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
lines:
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(rest, label) {
				continue lines
			}
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' ')+1:]), 64)
		if err == nil {
			sum += n
		}
	}
	return sum
}

// standing is what must not change of a house.
type standing struct {
	marks  [2]mark
	memory []int // of the controller, then of the workers
	pids   []int
	at     time.Time
}

func (h *house) standing(t *testing.T) (s standing) {
	for i, r := range h.rooms {
		s.marks[i] = r.call.mark()
	}
	s.pids = children(t, h.PID)
	for _, pid := range append([]int{h.PID}, s.pids...) {
		s.memory = append(s.memory, simtest.RSS(t, pid))
	}
	s.at = time.Now()
	return s
}

// siege is an attack on a house.
type siege struct {
	name, rules string
	run         func(t *testing.T, h *house, d time.Duration)
}

// besiege lets it loose and checks that calls, sessions and processes are what they were.
func (h *house) besiege(t *testing.T, a siege, d time.Duration) (q quality, growth []int) {
	t.Helper()
	q, growth = h.besiegeOnce(t, a, d)
	for round := 0; exceeds(growth) && round < repeats && !t.Failed(); round++ {
		q, growth = h.besiegeOnce(t, a, d)
	}
	if exceeds(growth) {
		t.Errorf("controller and workers grew by %v KB", growth)
	}
	return q, growth
}

// exceeds tells whether any has grown too much.
func exceeds(growth []int) bool {
	for _, kilobytes := range growth {
		if kilobytes > maxGrowth>>10 {
			return true
		}
	}
	return false
}

func (h *house) besiegeOnce(t *testing.T, a siege, d time.Duration) (total quality, growth []int) {
	t.Helper()
	before := h.standing(t)
	a.run(t, h, d)
	for i, r := range h.rooms {
		q := r.call.since(before.marks[i], r.call.mark())
		total.sent, total.lost, total.p99 = total.sent+q.sent, total.lost+q.lost, max(total.p99, q.p99)
		if q.lost > max(1, int(maxLoss*float64(q.sent))) {
			t.Errorf("%d of %d packets of %s were lost", q.lost, q.sent, r.id)
		}
		for name, c := range map[string]*client{"alice": r.alice, "bob": r.bob} {
			if _, ok := c.ask("getRouterRtpCapabilities", "{}"); !ok {
				t.Errorf("%s of %s lost its session: %v", name, r.id, c.closed)
			}
		}
	}
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		now := h.standing(t)
		if fmt.Sprint(now.pids) != fmt.Sprint(before.pids) {
			t.Fatalf("workers were %v, are %v", before.pids, now.pids)
		}
		growth = growth[:0]
		for i := range now.memory {
			growth = append(growth, (now.memory[i]-before.memory[i])>>10)
		}
		if !exceeds(growth) || time.Now().After(deadline) {
			break
		}
	}
	if n := h.metric(t, "gazpacho_worker_panics_total"); n != 0 {
		t.Errorf("%.0f packet handlers panicked", n)
	}
	if line := panicIn(h.Log()); line != "" {
		t.Errorf("the controller says %s", line)
	}
	return total, growth
}
