package loop

import (
	"sync/atomic"
	"time"
)

// TurnBounds are the upper bounds of the classes of Stats.TurnTimes; a last class holds what is longer.
var TurnBounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond,
}

// meter is what other goroutines may see of the loop.
type meter struct {
	start                          time.Time
	turns, batches, packets, posts atomic.Uint64
	total                          atomic.Int64 // nanoseconds in turns
	longest                        atomic.Int64 // of one turn since Stats was last called
	times                          [len(TurnBounds) + 1]atomic.Uint64
	beat                           atomic.Int64 // since start, in nanoseconds; the low bit is set within a turn
	began                          time.Time    // loop only
}

func (m *meter) begin(now time.Time) {
	m.began = now
	m.beat.Store(int64(now.Sub(m.start)) | 1)
}

func (m *meter) end(now time.Time) {
	took := int64(now.Sub(m.began))
	m.turns.Add(1)
	m.total.Add(took)
	m.times[turnClass(time.Duration(took))].Add(1)
	if took > m.longest.Load() {
		m.longest.Store(took)
	}
	m.beat.Store(int64(now.Sub(m.start)) &^ 1)
}

// turnClass is a bound's index by search from the shortest: most turns are short.
func turnClass(took time.Duration) int {
	for i, bound := range TurnBounds {
		if took <= bound {
			return i
		}
	}
	return len(TurnBounds)
}

func (m *meter) batch(packets int) {
	m.batches.Add(1)
	m.packets.Add(uint64(packets))
}

func (m *meter) post(n int) { m.posts.Add(uint64(n)) }

// Stats counts what the loop did since it was made.
type Stats struct {
	Turns, Batches, Packets, Posts uint64
	// Busy is the time spent in turns: its share of the time that passed is the loop's load.
	Busy time.Duration
	// TurnTimes counts turns by how long they took, in the classes of TurnBounds.
	TurnTimes [len(TurnBounds) + 1]uint64
	// Longest is the longest turn since Stats was called before. Every deadline and every packet
	// may have waited that long.
	Longest time.Duration
	// Depth is how many posted functions wait.
	Depth int
}

// Stats may be called from any goroutine, but Longest is meant for one reader.
func (l *Loop) Stats() Stats {
	m := &l.meter
	s := Stats{
		Turns:   m.turns.Load(),
		Batches: m.batches.Load(),
		Packets: m.packets.Load(),
		Posts:   m.posts.Load(),
		Busy:    time.Duration(m.total.Load()),
		Longest: time.Duration(m.longest.Swap(0)),
		Depth:   l.Depth(),
	}
	for i := range m.times {
		s.TurnTimes[i] = m.times[i].Load()
	}
	return s
}

// Beat is the loop's sign of life, for a watchdog on another goroutine: when the present turn began
// (busy), or when the last one ended and the loop went to sleep. A loop is stuck only if it has been
// busy for too long: an idle one may sleep for ever.
func (l *Loop) Beat() (at time.Time, busy bool) {
	beat := l.meter.beat.Load()
	return l.meter.start.Add(time.Duration(beat &^ 1)), beat&1 == 1
}
