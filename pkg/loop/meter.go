package loop

import (
	"sync/atomic"
	"time"
)

// meter is what other goroutines may see of the loop.
type meter struct {
	start                          time.Time
	turns, batches, packets, posts atomic.Uint64
	total                          atomic.Int64 // nanoseconds in turns
	longest                        atomic.Int64 // of one turn since Stats was last called
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
	if took > m.longest.Load() {
		m.longest.Store(took)
	}
	m.beat.Store(int64(now.Sub(m.start)) &^ 1)
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
	// Longest is the longest turn since Stats was called before. Every deadline and every packet
	// may have waited that long.
	Longest time.Duration
	// Depth is how many posted functions wait.
	Depth int
}

// Stats may be called from any goroutine, but Longest is meant for one reader.
func (l *Loop) Stats() Stats {
	m := &l.meter
	return Stats{
		Turns:   m.turns.Load(),
		Batches: m.batches.Load(),
		Packets: m.packets.Load(),
		Posts:   m.posts.Load(),
		Busy:    time.Duration(m.total.Load()),
		Longest: time.Duration(m.longest.Swap(0)),
		Depth:   l.Depth(),
	}
}

// Beat is the loop's sign of life, for a watchdog on another goroutine: when the present turn began
// (busy), or when the last one ended and the loop went to sleep. A loop is stuck only if it has been
// busy for too long: an idle one may sleep for ever.
func (l *Loop) Beat() (at time.Time, busy bool) {
	beat := l.meter.beat.Load()
	return l.meter.start.Add(time.Duration(beat &^ 1)), beat&1 == 1
}
