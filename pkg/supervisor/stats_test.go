package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gazpacho/pkg/control"
)

func TestReasons(t *testing.T) {
	run := func(script string) error { return exec.Command("sh", "-c", script).Run() }
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"ended":           {errExited, DeathExited},
		"status":          {run("exit 3"), DeathExited},
		"panic":           {run("exit 70"), DeathPanic},
		"signal":          {run("kill -KILL $$"), DeathSignal},
		"silence":         {errSilent, DeathSilent},
		"channel":         {io.ErrUnexpectedEOF, DeathChannel},
		"channel unknown": {nil, DeathChannel},
		"start":           {fmt.Errorf("%w: %w", errStart, run("exit 70")), DeathStart},
	} {
		if got := reason(tt.err); got != tt.want {
			t.Errorf("%s: %s of %v, want %s", name, got, tt.err, tt.want)
		}
	}
}

// total is how often the workers of a slot died, and that no reason is one of its own making.
func total(t *testing.T, s SlotStats) uint64 {
	t.Helper()
	if len(s.Restarts) != len(reasons) {
		t.Errorf("reasons %v", s.Restarts)
	}
	var n uint64
	for _, r := range reasons {
		n += s.Restarts[r]
	}
	return n
}

func TestStatsOfDeaths(t *testing.T) {
	s := start(t, testConfig(t, 2))
	first := s.Stats()
	if len(first.Slots) != 2 || total(t, first.Slots[0])+total(t, first.Slots[1]) != 0 {
		t.Fatalf("at the start: %+v", first)
	}
	workers := map[int]*Worker{}
	for _, w := range s.Running() {
		workers[w.Slot] = w
	}
	signal(t, workers[1], syscall.SIGSTOP)
	next, _ := replaced(t, s, workers[1])
	after := s.Stats()
	// Where so much runs that a healthy worker seems dead too, more is counted; never less.
	if n := after.Slots[1].Restarts[DeathSilent]; n == 0 || n != total(t, after.Slots[1]) && next.Err() == nil {
		t.Errorf("after a stop: %+v", after)
	}
	if workers[0].Err() == nil && (total(t, after.Slots[0]) != 0 || !after.Slots[0].Running) {
		t.Errorf("the other slot: %+v", after.Slots[0])
	}
	if total(t, first.Slots[1]) != 0 {
		t.Error("what was told before has changed")
	}
	s.Close()
	if end := s.Stats(); end.Running() != 0 || total(t, end.Slots[1]) < total(t, after.Slots[1]) {
		t.Errorf("after Close: %+v", end)
	}
}

// A slot in quarantine is one until its next worker runs.
func TestStatsOfQuarantine(t *testing.T) {
	s := &Supervisor{running: map[int]*Worker{}, lives: newLives(1), changed: make(chan struct{})}
	var r restarts
	now := time.Unix(1000, 0)
	for i := range tooMany {
		_, quarantined := r.died(now)
		s.died(0, errExited, quarantined)
		if got := s.Stats().Slots[0]; got.Quarantined != (i == tooMany-1) || got.Running {
			t.Errorf("after death %d: %+v", i+1, got)
		}
	}
	s.set(0, &Worker{Worker: &control.Worker{}})
	if got := s.Stats().Slots[0]; got.Quarantined || !got.Running || got.Restarts[DeathExited] != tooMany {
		t.Errorf("running again: %+v", got)
	}
	s.set(0, nil)
	_, quarantined := r.died(now)
	s.died(0, errors.New("gone"), quarantined)
	if got := s.Stats().Slots[0]; got.Quarantined || got.Restarts[DeathChannel] != 1 {
		t.Errorf("dead again: %+v", got)
	}
}

// That a worker cannot be started any more is said with the reason, and counted.
func TestStatsOfFailedStart(t *testing.T) {
	cfg := testConfig(t, 1)
	cfg.WorkerBin = filepath.Join(t.TempDir(), "worker")
	if err := os.Symlink(workerBin, cfg.WorkerBin); err != nil {
		t.Fatal(err)
	}
	s := start(t, cfg)
	dead := placed(t, s)
	if err := os.Remove(cfg.WorkerBin); err != nil {
		t.Fatal(err)
	}
	signal(t, dead, syscall.SIGKILL)
	<-dead.Done()
	deadline := time.Now().Add(20 * time.Second)
	for s.Stats().Slots[0].Restarts[DeathStart] == 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", s.Stats())
		}
		time.Sleep(time.Millisecond)
	}
}
