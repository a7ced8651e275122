package admin

import (
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/control"
	"gazpacho/pkg/supervisor"
	"gazpacho/proto"
)

var update = flag.Bool("update", false, "rewrite what is generated")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fleet is workers that answer what the test has them answer, and a supervisor of them.
type fleet struct {
	workers []*fakeWorker
	stats   supervisor.Stats
}

func (f *fleet) Stats() supervisor.Stats { return f.stats }

func (f *fleet) Running() []*supervisor.Worker {
	var list []*supervisor.Worker
	for slot, w := range f.workers {
		list = append(list, &supervisor.Worker{Worker: w.handle, Slot: slot})
	}
	return list
}

// fakeWorker is the other end of a channel.
type fakeWorker struct {
	handle *control.Worker
	server *channel.Server

	mu      sync.Mutex
	stats   *proto.WorkerStats // nil: it hangs
	asked   int
	pending []channel.Request
	answer  func(channel.Request) bool // what else it can do; may be nil
}

func (w *fakeWorker) request(r channel.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case r.Method == proto.WorkerAttach:
		r.Respond(proto.AttachResult{Protocol: proto.Current}, nil)
	case w.answer != nil && w.answer(r):
	case r.Method != proto.WorkerGetStats:
		r.Respond(nil, proto.Failed(proto.CodeUnknownMethod, "%s", r.Method))
	case w.stats == nil:
		w.asked++
		w.pending = append(w.pending, r)
	default:
		w.asked++
		r.Respond(w.stats, nil)
	}
}

func (w *fakeWorker) questions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

// newFleet has a worker for each of stats.
func newFleet(t *testing.T, stats ...*proto.WorkerStats) *fleet {
	t.Helper()
	f := &fleet{}
	for _, s := range stats {
		w := &fakeWorker{stats: s}
		w.server = channel.NewServer(channel.Config{Request: w.request})
		ours, theirs := net.Pipe()
		served := make(chan struct{})
		go func() {
			w.server.Accept(theirs)
			close(served)
		}()
		var err error
		if w.handle, err = control.Attach(t.Context(), ours, control.Options{Epoch: 1}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			w.handle.Detach()
			w.server.Close()
			<-served
		})
		f.workers = append(f.workers, w)
		f.stats.Slots = append(f.stats.Slots, supervisor.SlotStats{Running: true, Restarts: map[string]uint64{supervisor.DeathSignal: 0}})
	}
	return f
}

// ask is one request, without a network.
func ask(s *Server, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://localhost:9090"+target, nil)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// scrape is the lines of /metrics that are ours, without comments.
func scrape(t *testing.T, s *Server) []string {
	t.Helper()
	w := ask(s, "/metrics")
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var list []string
	for line := range strings.SplitSeq(w.Body.String(), "\n") {
		if strings.HasPrefix(line, prefix) {
			list = append(list, line)
		}
	}
	return list
}

// value is that of one series.
func value(t *testing.T, lines []string, series string) string {
	t.Helper()
	for _, l := range lines {
		if v, ok := strings.CutPrefix(l, prefix+series+" "); ok {
			return v
		}
	}
	return ""
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
