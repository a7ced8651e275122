package admin

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/limit"
	"gazpacho/pkg/logging"
	"gazpacho/pkg/room"
	"gazpacho/pkg/signaling"
	"gazpacho/proto"
)

// leaves calls f for every number in v, a pointer to a struct, after it was set; maps and slices get an element that was not there.
func leaves(v reflect.Value, path string, f func(path string)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, f)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		leaves(v.Index(0), path+"[0]", f)
		v.SetZero()
	case reflect.Map:
		inner := reflect.New(v.Type().Elem()).Elem()
		leaves(inner, path+"[x]", func(path string) {
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(reflect.ValueOf("x"), inner)
			f(path)
		})
		v.SetZero()
	case reflect.Bool:
		v.SetBool(true)
		f(path)
		v.SetZero()
	case reflect.String:
		v.SetString("x")
		f(path)
		v.SetZero()
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
		f(path)
		v.SetZero()
	case reflect.Uint64:
		v.SetUint(7)
		f(path)
		v.SetZero()
	default:
		panic(path + " is a " + v.Kind().String())
	}
}

// render is what a table makes of s.
func render[S any](t *testing.T, families []family[S], s *S) string {
	t.Helper()
	send := make(chan prometheus.Metric, 10_000)
	var descs []*prometheus.Desc
	for _, f := range families {
		descs = append(descs, f.desc())
		f.collect(s, descs[len(descs)-1], send)
	}
	close(send)
	var list []prometheus.Metric
	for m := range send {
		list = append(list, m)
	}
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(fixed{descs, list})
	gathered, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, g := range gathered {
		if _, err := expfmt.MetricFamilyToText(&text, g); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

// fixed is a collector of metrics made before.
type fixed struct {
	descs   []*prometheus.Desc
	metrics []prometheus.Metric
}

func (f fixed) Describe(send chan<- *prometheus.Desc) {
	for _, d := range f.descs {
		send <- d
	}
}

func (f fixed) Collect(send chan<- prometheus.Metric) {
	for _, m := range f.metrics {
		send <- m
	}
}

// exported tells of each field of S whether any metric shows it.
func exported[S any](t *testing.T, families []family[S], but ...string) {
	t.Helper()
	var s S
	nothing := render(t, families, &s)
	fields := 0
	leaves(reflect.ValueOf(&s).Elem(), "", func(path string) {
		fields++
		if shown := render(t, families, &s) != nothing; shown == slices.Contains(but, path) {
			t.Errorf("%T%s is exported: %v", s, path, shown)
		}
	})
	if fields < 10 {
		t.Errorf("only %d fields were looked at", fields)
	}
}

// What is counted and not shown helps nobody: a new field needs a row.
func TestEveryFieldIsExported(t *testing.T) {
	exported(t, allWorkerFamilies, ".Timestamp") // Prometheus has a clock of its own
	exported(t, controllerFamilies)
}

func everything() *proto.WorkerStats {
	s := &proto.WorkerStats{Uptime: 2_500_000}
	s.Loop.Busy, s.Loop.LongestTurn = 3_000_000, 1500
	s.Loop.TurnTimes = []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	s.Traffic.PacketsReceived, s.Traffic.PacketsSent = 1, 2
	s.Process.CPUUser, s.Process.CPUSystem = 1_000_000, 500_000
	s.Objects.Transports = map[string]map[string]int{"webrtc": {"connected": 3, "failed": 1}, "plain": {"open": 2}}
	s.Drops = map[string]uint64{"srtpReplay": 4, "sendNotOpen": 5}
	s.Handshakes.Failures = map[string]uint64{"timeout": 1}
	s.TCP.Closed = map[string]uint64{"idle": 1}
	s.Egress.Drops = map[string]uint64{"full": 1}
	s.TURN.Listeners = []proto.TURNListenerStats{{
		Name: "udp:0.0.0.0:3478", Transport: "udp", Requests: 3, Answers: map[string]uint64{"0": 2, "401": 1}, Drops: map[string]uint64{"denied": 1},
		Classes: map[string]proto.TURNClassStats{"limited": {Allocations: 1, Created: 2, Up: proto.TURNVolume{Packets: 5, Bytes: 500}}},
	}}
	return s
}

// full is a server with something in every family.
func full(t *testing.T, f *fleet) *Server {
	t.Helper()
	return New(Config{
		Version: "1.2.3", Workers: f,
		Rooms: func() room.Stats { return room.Stats{Rooms: 2, Refusals: map[string]uint64{"forbidden": 1}} },
		Signaling: func() signaling.Stats {
			return signaling.Stats{
				Refused:  map[string]uint64{"origin": 1},
				Requests: map[string]map[string]uint64{"join": {"ok": 2, "forbidden": 1}},
				Closed:   map[string]uint64{"gone": 1}, HTTP: map[string]uint64{"404": 1},
			}
		},
		Sockets: func() limit.Stats { return limit.Stats{Open: 9} },
		Lines:   func() logging.Stats { return logging.Stats{Written: 1, Suppressed: 2, Dropped: 3} },
	})
}

func TestValues(t *testing.T) {
	f := newFleet(t, everything(), everything())
	f.stats.Slots[1].Restarts["signal"] = 3
	lines := scrape(t, full(t, f))
	for series, want := range map[string]string{
		`build_info{version="1.2.3"}`: "1",
		`rooms`:                       "2",
		`room_refusals_total{reason="forbidden"}`:                     "1",
		`signaling_requests_total{method="join",outcome="forbidden"}`: "1",
		`edge_sockets`:                                                          "9",
		`log_lines_total{outcome="suppressed"}`:                                 "2",
		`workers_wanted`:                                                        "2",
		`workers_running`:                                                       "2",
		`worker_up{worker="1"}`:                                                 "1",
		`worker_quarantined{worker="1"}`:                                        "0",
		`worker_restarts_total{reason="signal",worker="1"}`:                     "3",
		`worker_restarts_total{reason="signal",worker="0"}`:                     "0",
		`worker_uptime_seconds{worker="0"}`:                                     "2.5",
		`worker_cpu_seconds_total{mode="system",worker="0"}`:                    "0.5",
		`packets_total{direction="received",worker="0"}`:                        "1",
		`packets_total{direction="sent",worker="1"}`:                            "2",
		`transports{kind="webrtc",state="connected",worker="0"}`:                "3",
		`transports{kind="plain",state="open",worker="0"}`:                      "2",
		`drops_total{reason="sendNotOpen",unit="packet to be sent",worker="0"}`: "5",
		`drops_total{reason="srtpReplay",unit="received datagram",worker="0"}`:  "4",
		`loop_longest_turn_seconds{worker="0"}`:                                 "0.0015",
		`loop_turn_seconds_bucket{worker="0",le="5e-05"}`:                       "1",
		`loop_turn_seconds_bucket{worker="0",le="0.0001"}`:                      "3",
		`loop_turn_seconds_bucket{worker="0",le="0.0025"}`:                      "21",
		`loop_turn_seconds_bucket{worker="0",le="0.1"}`:                         "66",
		`loop_turn_seconds_bucket{worker="0",le="+Inf"}`:                        "78",
		`loop_turn_seconds_count{worker="0"}`:                                   "78",
		`loop_turn_seconds_sum{worker="0"}`:                                     "3",
		`dtls_handshake_failures_total{reason="timeout",worker="1"}`:            "1",
	} {
		if got := value(t, lines, series); got != want {
			t.Errorf("%s is %q, want %s", series, got, want)
		}
	}
	everyone := ask(full(t, f), "/metrics").Body.String()
	for _, name := range []string{"go_goroutines", "process_open_fds", "process_cpu_seconds_total"} {
		if !strings.Contains(everyone, "\n"+name+" ") {
			t.Errorf("no %s of the controller", name)
		}
	}
}

// A worker may be older or newer than the controller: fewer and more classes than we know are no reason to fall over.
func TestOddHistograms(t *testing.T) {
	for _, tt := range []struct {
		classes []uint64
		n       uint64
		last    uint64
	}{{nil, 0, 0}, {[]uint64{1, 1}, 2, 2}, {slices.Repeat([]uint64{1}, 20), 20, 11}} {
		n, buckets := cumulate(tt.classes)
		if n != tt.n || buckets[0.1] != tt.last || len(buckets) != len(proto.TurnBounds) {
			t.Errorf("%v: %d of %v", tt.classes, n, buckets)
		}
	}
}

func TestLint(t *testing.T) {
	s := full(t, newFleet(t, everything()))
	problems, err := testutil.GatherAndLint(s.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	names := map[string]bool{}
	check := func(name, kind, help string) {
		if names[name] {
			t.Errorf("%s is there twice", name)
		}
		names[name] = true
		if (kind == counter) != strings.HasSuffix(name, "_total") || !strings.HasSuffix(help, ".") {
			t.Errorf("%s is a %s: %s", name, kind, help)
		}
	}
	for _, f := range allWorkerFamilies {
		check(f.name, f.kind, f.help)
	}
	for _, f := range controllerFamilies {
		check(f.name, f.kind, f.help)
	}
}

// A worker that does not answer within a second is down; nobody waits longer for it, and the others are shown.
func TestSilentWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, everything(), nil, everything())
		s := full(t, f)
		at := time.Now()
		lines := scrape(t, s)
		if took := time.Since(at); took != pollTimeout {
			t.Errorf("took %v", took)
		}
		for slot, want := range []string{"1", "0", "1"} {
			if got := value(t, lines, fmt.Sprintf(`worker_up{worker="%d"}`, slot)); got != want {
				t.Errorf("worker %d is up: %q", slot, got)
			}
		}
		if value(t, lines, `routers{worker="1"}`) != "" || value(t, lines, `routers{worker="2"}`) != "0" || value(t, lines, "rooms") != "2" {
			t.Error("too much or too little is shown")
		}
		if got := value(t, lines, `worker_restarts_total{reason="signal",worker="1"}`); got != "0" {
			t.Errorf("restarts %q", got)
		}
	})
}

// A slot without a worker, and a worker that refuses.
func TestWorkersThatAreNot(t *testing.T) {
	f := newFleet(t, everything(), everything())
	f.workers[1].answer = func(r channel.Request) bool {
		if r.Method != proto.WorkerGetStats {
			return false
		}
		r.Respond(nil, proto.Failed(proto.CodeUnknownMethod, "what?"))
		return true
	}
	f.stats.Slots = append(f.stats.Slots, f.stats.Slots[0])
	f.stats.Slots[2].Running = false
	lines := scrape(t, full(t, f))
	for slot, want := range []string{"1", "0", "0"} {
		if got := value(t, lines, fmt.Sprintf(`worker_up{worker="%d"}`, slot)); got != want {
			t.Errorf("worker %d is up: %q", slot, got)
		}
	}
}

// However many scrape, workers are asked once a second.
func TestScrapesShareOneRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, everything())
		s := full(t, f)
		for second := range 3 {
			done := make(chan struct{})
			for range 10 {
				go func() {
					defer func() { done <- struct{}{} }()
					if w := ask(s, "/metrics"); !strings.Contains(w.Body.String(), "\ngazpacho_rooms 2\n") {
						t.Errorf("%d %s", w.Code, w.Body)
					}
				}()
			}
			for range 10 {
				<-done
			}
			scrape(t, s)
			if got := f.workers[0].questions(); got != second+1 {
				t.Errorf("asked %d times in %d s", got, second+1)
			}
			time.Sleep(pollEvery)
		}
	})
}

// While a round hangs on one worker, others join it instead of beginning their own.
func TestHangingRoundIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, nil)
		s := full(t, f)
		at := time.Now()
		done := make(chan struct{})
		for i := range 4 {
			go func() {
				time.Sleep(time.Duration(i) * pollTimeout / 5)
				scrape(t, s)
				done <- struct{}{}
			}()
		}
		for range 4 {
			<-done
		}
		if took := time.Since(at); took != pollTimeout || f.workers[0].questions() != 1 {
			t.Errorf("took %v, asked %d times", took, f.workers[0].questions())
		}
	})
}

// A worker that invents reasons cannot make Prometheus burst.
func TestReasonsAreBounded(t *testing.T) {
	m := map[string]uint64{}
	for i := range 10_000 {
		m[fmt.Sprintf("reason %05d", i)] = 1
	}
	m["\xff\xfe"] = 1
	var sum float64
	var labels []string
	spread(m, func(v float64, l ...string) {
		sum += v
		labels = append(labels, l...)
	})
	if sum != 10_001 || len(labels) != maxReasons+1 || labels[maxReasons] != "other" || labels[0] != "reason 00000" {
		t.Errorf("%v in %d series", sum, len(labels))
	}
	s := everything()
	s.Drops = map[string]uint64{strings.Repeat("x", 1<<16): 1, "a\n\"\\{}=": 2}
	f := newFleet(t, s)
	if got := value(t, scrape(t, full(t, f)), `drops_total{reason="a\n\"\\{}=",unit="unknown",worker="0"}`); got != "2" {
		t.Errorf("%q", got)
	}
}

// The bound is for workers that have gone mad, not for ours.
func TestReasonsFit(t *testing.T) {
	if n := len(proto.DropReasons); n == 0 || n > maxReasons {
		t.Errorf("%d reasons", n)
	}
}

func BenchmarkScrape(b *testing.B) {
	shot := everything()
	c := &collector{}
	for _, f := range allWorkerFamilies {
		c.workers = append(c.workers, f.desc(workerLabel))
	}
	b.ReportAllocs()
	for b.Loop() {
		send := make(chan prometheus.Metric, 1000)
		for i, f := range allWorkerFamilies {
			f.collect(shot, c.workers[i], send, "0")
		}
	}
}
