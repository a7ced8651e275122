package loop

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/socket"
)

// What is ready is taken in a fixed order, and the hooks come last: what was sent is flushed once.
func TestTurnOrder(t *testing.T) {
	var trace []string
	note := func(what string) func(time.Time) {
		return func(time.Time) { trace = append(trace, what) }
	}
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{})
		l.OnTurnEnd(note("flush"))
		l.OnTurnEnd(note("second hook"))
		l.Timers().New(note("timer")).Reset(time.Now())
		l.Post(note("post"))
		sink := l.Sink(func(now time.Time, b *socket.Batch) {
			note("batch")(now)
			drain(b)
		})
		sink(batchOf(l, 1, time.Now()))
		sink(batchOf(l, 1, time.Now()))
		ctx, cancel := context.WithCancel(t.Context())
		l.Post(func(time.Time) { cancel() })
		if err := l.Run(ctx); err != nil {
			t.Fatal(err)
		}
		want := []string{"batch", "batch", "post", "timer", "flush", "second hook"}
		if len(trace) < len(want) || !slices.Equal(trace[:len(want)], want) {
			t.Errorf("trace %v, want %v", trace, want)
		}
		if l.Pool().InUse() != 0 {
			t.Error("batches were not released")
		}
	})
}

// "now = max(now, batch.At)", and time never goes back, whatever the clock and the readers say.
func TestTimeNeverGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		clock := start
		var seen []time.Duration
		note := func(now time.Time) { seen = append(seen, now.Sub(start)) }
		l := New(Config{Clock: func() time.Time { return clock }})
		sink := l.Sink(func(now time.Time, b *socket.Batch) {
			note(now)
			drain(b)
		})
		l.now = start
		turn := func() {
			if err := l.turn(delivery{}, turnPosts); err != nil {
				t.Fatal(err)
			}
		}
		clock = start.Add(10 * time.Second)
		sink(batchOf(l, 1, start.Add(3*time.Second))) // read before the loop woke
		sink(batchOf(l, 1, start.Add(2*time.Second)))
		sink(batchOf(l, 1, start.Add(4*time.Second)))
		l.Post(note)
		turn()
		clock = start.Add(9 * time.Second) // a clock that steps back
		sink(batchOf(l, 1, start.Add(8*time.Second)))
		l.Post(note)
		turn()
		clock = start.Add(11 * time.Second)
		sink(batchOf(l, 1, start.Add(12*time.Second))) // read after the loop woke
		l.Post(note)
		turn()
		want := []time.Duration{3, 3, 4, 10, 10, 10, 12, 12}
		for i := range want {
			want[i] *= time.Second
		}
		if !slices.Equal(seen, want) {
			t.Errorf("times %v, want %v", seen, want)
		}
	})
}

// A flood of packets leaves time for posts and timers, and a turn ends.
func TestPacketsDoNotStarveTheRest(t *testing.T) {
	running(t, Config{Batches: 4}, func(t *testing.T, l *Loop, stop func() error) {
		var flood socket.Sink
		batches, fired, posted := 0, -1, -1
		flood = l.Sink(func(_ time.Time, b *socket.Batch) {
			batches++
			drain(b)
			if batches < 1000 { // the reader fills the next as soon as it can
				flood(batchOf(l, socket.BatchSize, time.Now()))
			}
		})
		timer := l.Timers().New(func(time.Time) { fired = batches })
		on(l, func(now time.Time) {
			timer.Reset(now)
			flood(batchOf(l, socket.BatchSize, now))
			flood(batchOf(l, socket.BatchSize, now))
			l.Post(func(time.Time) { posted = batches })
		})
		synctest.Wait()
		if most := 2 * turnPackets / socket.BatchSize; fired < 0 || fired > most || posted < 0 || posted > most {
			t.Errorf("timer after %d batches, post after %d, a turn takes %d", fired, posted, turnPackets/socket.BatchSize)
		}
		if batches < 1000 {
			t.Errorf("%d batches", batches)
		}
	})
}

// Small batches are bounded in number.
func TestSmallBatchesAreBounded(t *testing.T) {
	l := New(Config{Batches: 4 * turnBatches})
	handled := 0
	sink := l.Sink(func(_ time.Time, b *socket.Batch) { handled++ })
	for range 2 * turnBatches {
		sink(batchOf(l, 1, time.Now()))
	}
	if err := l.turn(delivery{}, turnPosts); err != nil {
		t.Fatal(err)
	}
	if handled != turnBatches {
		t.Errorf("%d batches in a turn", handled)
	}
}

// Neither do posts starve packets and timers.
func TestPostsDoNotStarveTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{})
		ran, fired, handled := 0, -1, -1
		sink := l.Sink(func(_ time.Time, b *socket.Batch) { handled = ran + drain(b) - 1 })
		due := l.Timers().New(func(time.Time) { fired = ran })
		l.Post(func(now time.Time) {
			due.Reset(now)
			sink(batchOf(l, 1, now))
		})
		ctx, cancel := context.WithCancel(t.Context())
		for range 100 * turnPosts {
			l.Post(func(time.Time) { ran++ })
		}
		l.Post(func(time.Time) { cancel() })
		if err := l.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if fired < 0 || fired > turnPosts || handled < 0 || handled > turnPosts {
			t.Errorf("timer after %d posts, batch after %d", fired, handled)
		}
		if ran != 100*turnPosts {
			t.Errorf("%d posts ran", ran)
		}
	})
}

// An idle worker costs nothing: the loop sleeps until something comes.
func TestIdleLoopSleeps(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		on(l, func(time.Time) {})
		synctest.Wait()
		before := l.Stats().Turns
		time.Sleep(24 * time.Hour)
		if turns := l.Stats().Turns - before; turns != 0 {
			t.Errorf("%d turns in an idle day", turns)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		flushed := false
		on(l, func(time.Time) { l.OnTurnEnd(func(time.Time) { flushed = true }) })
		if err := stop(); err != nil || !flushed {
			t.Errorf("Run = %v, flushed %v", err, flushed)
		}
		if err := l.Run(t.Context()); err == nil {
			t.Error("a loop ran twice")
		}
	})
}

// What was posted before the end still runs, and the batches that were read are released.
func TestLastTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		ran := 0
		for range 3 * turnPosts {
			l.Post(func(time.Time) { ran++ })
		}
		sink := l.Sink(func(_ time.Time, b *socket.Batch) { drain(b) })
		sink(batchOf(l, 1, time.Now()))
		if err := l.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if ran != 3*turnPosts || l.Pool().InUse() != 0 {
			t.Errorf("%d posts ran, %d batches in use", ran, l.Pool().InUse())
		}
	})
}

// A turn allocates nothing: packets, timers, hooks, and posts whose functions exist.
func TestTurnDoesNotAllocate(t *testing.T) {
	l := New(Config{OnPanic: func(time.Time, string, any, []byte) bool { return true }})
	packets := 0
	sink := l.Sink(func(_ time.Time, b *socket.Batch) { packets += drain(b) })
	post := func(time.Time) { packets++ }
	timer := l.Timers().New(func(time.Time) { packets++ })
	l.OnTurnEnd(func(time.Time) { packets++ })
	n := testing.AllocsPerRun(100, func() {
		now := time.Now()
		sink(batchOf2(l, now))
		l.Post(post)
		timer.Reset(now)
		l.wake.set(now.Add(time.Hour), now)
		if err := l.turn(delivery{}, turnPosts); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	l.wake.stop()
}

var onePacket = []byte("packet")

func batchOf2(l *Loop, at time.Time) *socket.Batch {
	b := l.Pool().Take(nil)
	b.At = at
	b.Append(onePacket, peerAddr)
	b.Append(onePacket, peerAddr)
	return b
}
