package attack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// What an attack may cost.
const (
	maxLoss   = 0.005   // of a call's packets
	maxGrowth = 2 << 20 // of a worker, bytes
	repeats   = 3       // of an attack during which a worker grew
)

// attack is one row: a bad thing, sent to a stage for a while.
type attack struct {
	name, rules string
	run         func(t *testing.T, s *stage, d time.Duration) tally
}

// tally is what an attack says it did.
type tally struct {
	sent       uint64   // datagrams or frames that came to nothing
	counted    []string // under these reasons, and each once
	spared     uint64   // at most, by a rate that lets some through
	handshakes int      // at most, that it began itself
	answered   uint64   // bytes; with silent set there may be none
	silent     bool
}

// snapshot is a stage before or after an attack.
type snapshot struct {
	stats  proto.WorkerStats
	states [2]state
	mark   mark
	rss    int
}

func (s *stage) snapshot(t *testing.T) snapshot {
	return snapshot{stats: s.stats(), states: s.states(), mark: s.call.mark(), rss: simtest.RSS(t, s.PID)}
}

// outcome is a line of the report.
type outcome struct {
	name    string
	sent    uint64
	calls   quality
	growth  int // of the larger worker, bytes
	first   int // what it was the first time, if the attack was repeated
	elapsed time.Duration
}

// wage lets an attack loose on the first of the stages. An attack may fill what has a bound once and is kept, such as the pool of batches, or
// memory that the runtime keeps for a while: if a worker grows, the same attack again must not make it grow further and further.
func wage(t *testing.T, a attack, d time.Duration, stages []*stage) outcome {
	t.Helper()
	o := wageOnce(t, a, d, stages)
	first := o.growth
	for round := 0; o.growth > maxGrowth && round < repeats && !t.Failed(); round++ {
		o = wageOnce(t, a, d, stages)
		o.first = first
	}
	if o.growth > maxGrowth {
		t.Errorf("a worker grew by %d KB, and by %d KB when the attack came first", o.growth>>10, first>>10)
	}
	return o
}

// wageOnce checks all but the memory.
func wageOnce(t *testing.T, a attack, d time.Duration, stages []*stage) outcome {
	t.Helper()
	start := time.Now()
	before := make([]snapshot, len(stages))
	for i, s := range stages {
		before[i] = s.snapshot(t)
	}
	did := a.run(t, stages[0], d)
	stages[0].addsUp(t, before[0].stats, did)
	if did.silent && did.answered != 0 {
		t.Errorf("the attacker got %d bytes", did.answered)
	}
	o := outcome{name: a.name, sent: did.sent}
	for i, s := range stages {
		q := s.unharmed(t, before[i])
		o.calls.sent += q.sent
		o.calls.lost += q.lost
		o.calls.p99 = max(o.calls.p99, q.p99)
		o.growth = max(o.growth, s.growth(t, before[i].rss))
		began := did.handshakes
		if i > 0 {
			began = 0
		}
		if n := int(s.stats().Handshakes.Started - before[i].stats.Handshakes.Started); n > began {
			t.Errorf("worker %d: %d handshakes began, at most %d are the attacker's", i, n, began)
		}
	}
	o.elapsed = time.Since(start)
	return o
}

// addsUp checks that all that was sent was counted, but for what the system dropped before the worker saw it. What is on its way is waited for.
func (s *stage) addsUp(t *testing.T, before proto.WorkerStats, did tally) {
	t.Helper()
	if did.sent == 0 {
		return
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		now := s.stats()
		counted := uint64(0)
		for _, reason := range did.counted {
			counted += now.Drops[reason] - before.Drops[reason]
		}
		lost := now.UDP.KernelDrops - before.UDP.KernelDrops
		if counted <= did.sent && did.sent <= counted+lost+did.spared {
			return
		}
		if counted > did.sent || time.Now().After(deadline) {
			t.Errorf("%d were sent, %d counted as %v and %d dropped by the system; all drops: %s",
				did.sent, counted, did.counted, lost, grown(now.Drops, before.Drops))
			return
		}
	}
}

// grown shows which counters grew.
func grown(now, before map[string]uint64) string {
	var b strings.Builder
	for reason, n := range now {
		if d := n - before[reason]; d > 0 {
			fmt.Fprintf(&b, "%s %d ", reason, d)
		}
	}
	return b.String()
}

// unharmed checks a call against how it was before.
func (s *stage) unharmed(t *testing.T, before snapshot) quality {
	t.Helper()
	q := s.call.since(before.mark, s.call.mark())
	if q.lost > max(1, int(maxLoss*float64(q.sent))) {
		t.Errorf("%d of %d packets of the call were lost", q.lost, q.sent)
	}
	for i, now := range s.states() {
		if now != before.states[i] {
			t.Errorf("peer %d was %v, is %v", i, before.states[i], now)
		}
	}
	if line := panicIn(s.Log()); line != "" {
		t.Errorf("the worker says %s", line)
	}
	if n := s.stats().Process.Panics; n != before.stats.Process.Panics {
		t.Errorf("%d packet handlers panicked", n-before.stats.Process.Panics)
	}
	return q
}

// growth is by how much the process is larger than it was. What it needed for a moment only, it has some seconds to give back.
func (s *stage) growth(t *testing.T, before int) int { return s.growthTo(t, before, maxGrowth) }

func (s *stage) growthTo(t *testing.T, before, most int) int {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		n := simtest.RSS(t, s.PID) - before
		if n <= most || time.Now().After(deadline) {
			return n
		}
	}
}
