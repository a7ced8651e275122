package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink is a writer that can be stopped, as a pipe whose reader sleeps.
type sink struct {
	mu      sync.Mutex
	text    bytes.Buffer
	calls   int
	fail    error
	blocked chan struct{} // nil: open
}

func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	blocked := s.blocked
	s.mu.Unlock()
	if blocked != nil {
		<-blocked
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.fail != nil {
		return 0, s.fail
	}
	return s.text.Write(b)
}

func (s *sink) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Split(strings.TrimSuffix(s.text.String(), "\n"), "\n")
}

func count(lines []string, part string) int {
	n := 0
	for _, l := range lines {
		if strings.Contains(l, part) {
			n++
		}
	}
	return n
}

func TestHandlerDoesWhatSlogAsksFor(t *testing.T) {
	var s *sink
	var l *Log
	slogtest.Run(t, func(*testing.T) slog.Handler {
		s = &sink{}
		l = New(s, Config{Format: "json"})
		return l.Logger().Handler()
	}, func(t *testing.T) map[string]any {
		l.Close()
		var m map[string]any
		if err := json.Unmarshal([]byte(s.lines()[0]), &m); err != nil {
			t.Fatal(err)
		}
		return m
	})
}

func TestFormatsLevelsAndAttributes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config Config
		want   string
	}{
		{"text", Config{}, "level=WARN msg=two n=1 g.a=b\n"},
		{"json", Config{Format: "json"}, `"level":"WARN","msg":"two","n":1,"g":{"a":"b"}}` + "\n"},
		{"with", Config{Attrs: []slog.Attr{slog.Int("worker", 7)}}, "level=WARN msg=two worker=7 n=1 g.a=b\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s sink
			tt.config.Level = slog.LevelWarn
			l := New(&s, tt.config)
			log := l.Logger().With("n", 1).WithGroup("g")
			log.Info("one")
			log.Warn("two", "a", "b")
			l.Close()
			got := s.text.String()
			if !strings.HasSuffix(got, tt.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("%q, want …%q", got, tt.want)
			}
			if st := l.Stats(); st != (Stats{Written: 1}) {
				t.Errorf("%+v", st)
			}
		})
	}
}

// The level may change while the program runs: worker.updateSettings.
func TestLevelIsRead(t *testing.T) {
	var s sink
	var level slog.LevelVar
	l := New(&s, Config{Level: &level})
	log := l.Logger().With("a", 1)
	log.Debug("one")
	level.Set(slog.LevelDebug)
	log.Debug("two")
	level.Set(slog.LevelError + 100)
	log.Error("three")
	l.Line("worker 0", slog.LevelError, "four")
	l.Close()
	if got := s.lines(); len(got) != 1 || !strings.Contains(got[0], "two") {
		t.Errorf("%q", got)
	}
}

// A writer that never comes back stops nobody, and what is lost is known.
func TestNobodyWaitsForTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{blocked: make(chan struct{})}
		l := New(s, Config{Queue: 3, PerSite: 1000})
		log := l.Logger()
		log.Info("first")
		synctest.Wait() // the writer has it, and hangs
		at := time.Now()
		for range 10 {
			log.Info("more")
		}
		if d := time.Since(at); d != 0 {
			t.Errorf("waited %v", d)
		}
		if st := l.Stats(); st != (Stats{Dropped: 7}) {
			t.Errorf("%+v", st)
		}
		close(s.blocked)
		synctest.Wait()
		got := s.lines()
		if len(got) != 5 || count(got, "more") != 3 || !strings.HasSuffix(got[4], `level=WARN msg="log lines dropped" count=7`) {
			t.Errorf("%q", got)
		}
		log.Info("last")
		l.Close()
		if got := s.lines(); len(got) != 6 || !strings.Contains(got[5], "last") {
			t.Errorf("%q", got)
		}
		if st := l.Stats(); st != (Stats{Written: 6, Dropped: 7}) {
			t.Errorf("%+v", st)
		}
	})
}

// The same with the real thing, a pipe that nobody reads.
func TestPipeThatNobodyReads(t *testing.T) {
	r, w := io.Pipe()
	l := New(w, Config{Queue: 10, PerSite: 10_000})
	for range 5000 {
		l.Logger().Info("into the void")
	}
	if st := l.Stats(); st.Written != 0 || st.Dropped < 5000-2*10 {
		t.Errorf("%+v", st)
	}
	r.Close() // lets the writer go
	l.Close()
	if st := l.Stats(); st.Dropped < 5000 || st.Written != 0 {
		t.Errorf("writes failed, but %+v", st)
	}
}

func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{blocked: make(chan struct{})}
		l := New(s, Config{})
		l.Logger().Info("one")
		synctest.Wait()
		at := time.Now()
		l.Close()
		if d := time.Since(at); d != closeTimeout {
			t.Errorf("took %v", d)
		}
		close(s.blocked)
	})
}

func TestCloseWritesOutWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{blocked: make(chan struct{})}
		l := New(s, Config{Queue: 2})
		log := l.Logger()
		log.Info("one")
		synctest.Wait()
		for range 3 {
			log.Info("two")
		}
		time.AfterFunc(time.Second, func() { close(s.blocked) })
		l.Close()
		if got := s.lines(); len(got) != 4 || count(got, "two") != 2 || count(got, "dropped\" count=1") != 1 {
			t.Errorf("%q", got)
		}
		log.Info("late")
		l.Close()
		if st := l.Stats(); st != (Stats{Written: 4, Dropped: 2}) {
			t.Errorf("%+v", st)
		}
	})
}

func TestWriteErrorsAreCounted(t *testing.T) {
	s := &sink{fail: errors.New("no space left on device")}
	l := New(s, Config{})
	l.Logger().Info("one")
	l.Logger().Info("two")
	l.Close()
	if st := l.Stats(); st != (Stats{Dropped: 2}) {
		t.Errorf("%+v", st)
	}
}

// What waits is bounded in bytes, too; one line that is larger than everything does not make it grow.
func TestLongLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{blocked: make(chan struct{})}
		l := New(s, Config{PerSite: 1000})
		log := l.Logger()
		log.Info("one")
		synctest.Wait()
		for range 4 {
			log.Info(strings.Repeat("x", queueBytes/3))
		}
		log.Info(strings.Repeat("y", 2*queueBytes))
		log.Info("small")
		if st := l.Stats(); st.Dropped != 3 {
			t.Errorf("%+v", st)
		}
		close(s.blocked)
		l.Close()
		if got := s.lines(); len(got) != 5 || count(got, "xxx") != 2 || count(got, "small") != 1 || count(got, "count=3") != 1 {
			t.Errorf("%d lines", len(got))
		}
		if cap(l.queue.spare) > keptBuffer {
			t.Errorf("%d bytes are kept", cap(l.queue.spare))
		}
	})
}

func TestManyGoroutines(t *testing.T) {
	var s sink
	l := New(&s, Config{PerSite: 1 << 20, Queue: 1 << 20, Format: "json"})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			log := l.Logger().With("g", g)
			for i := range 200 {
				log.Info("line", "i", i)
			}
		})
	}
	wg.Wait()
	l.Close()
	seen := map[[2]int]bool{}
	for _, line := range s.lines() {
		var v struct{ G, I int }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		seen[[2]int{v.G, v.I}] = true
	}
	if st := l.Stats(); len(seen) != 1600 || st != (Stats{Written: 1600}) {
		t.Errorf("%d lines are whole, %+v", len(seen), st)
	}
}

// Logging costs what slog costs: nothing is allocated beyond it.
func TestAllocations(t *testing.T) {
	l := New(io.Discard, Config{PerSite: 1 << 30})
	defer l.Close()
	log := l.Logger()
	// Under the race detector pools forget at random, slog's too.
	if n := testing.AllocsPerRun(500, func() { log.Info("a line", "room", "r", "n", 1) }); n > 0 && !raceDetector {
		t.Errorf("%v allocations a line", n)
	}
	limited := New(io.Discard, Config{PerSite: 1})
	defer limited.Close()
	log = limited.Logger()
	if n := testing.AllocsPerRun(500, func() { log.Info("a line", "room", "r", "n", 1) }); n > 0 {
		t.Errorf("%v allocations for a suppressed line", n)
	}
}

func BenchmarkLine(b *testing.B) {
	l := New(io.Discard, Config{PerSite: 1 << 30, Queue: 1 << 20})
	defer l.Close()
	log := l.Logger()
	b.ReportAllocs()
	for b.Loop() {
		log.Info("a line", "room", "r", "n", 1)
	}
}

func BenchmarkSuppressedLine(b *testing.B) {
	l := New(io.Discard, Config{PerSite: 1})
	defer l.Close()
	log := l.Logger()
	b.ReportAllocs()
	for b.Loop() {
		log.Info("a line", "room", "r", "n", 1)
	}
}
