package loop

import (
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/socket"
)

func TestStats(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		sink := l.Sink(func(_ time.Time, b *socket.Batch) { drain(b) })
		sink(batchOf(l, 5, time.Now()))
		sink(batchOf(l, 2, time.Now()))
		on(l, func(time.Time) { time.Sleep(3 * time.Second) }) // virtual work
		on(l, func(time.Time) { time.Sleep(2 * time.Second) })
		synctest.Wait()
		s := l.Stats()
		if s.Batches != 2 || s.Packets != 7 || s.Posts != 2 || s.Turns < 2 || s.Depth != 0 {
			t.Errorf("%+v", s)
		}
		if s.Busy != 5*time.Second || s.Longest != 3*time.Second {
			t.Errorf("%+v", s)
		}
		if again := l.Stats(); again.Longest != 0 || again.Busy != s.Busy {
			t.Errorf("second reading %+v", again)
		}
	})
}

// Turns are counted in the class of the first bound that they do not exceed.
func TestTurnTimes(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		before := l.Stats()
		var want [len(TurnBounds) + 1]uint64
		for i, bound := range TurnBounds {
			on(l, func(time.Time) { time.Sleep(bound) })
			on(l, func(time.Time) { time.Sleep(bound + 1) })
			want[i]++
			want[i+1]++
		}
		on(l, func(time.Time) { time.Sleep(time.Minute) })
		want[len(TurnBounds)]++
		synctest.Wait()
		s := l.Stats()
		sum := uint64(0)
		for i, n := range s.TurnTimes {
			sum += n
			if got := n - before.TurnTimes[i]; got < want[i] || i > 0 && got != want[i] { // the first class has the turns that did nothing
				t.Errorf("class %d has %d turns, want %d", i, got, want[i])
			}
		}
		if sum != s.Turns {
			t.Errorf("%d turns in classes, of %d", sum, s.Turns)
		}
	})
}

// A watchdog can tell a loop that sleeps from one that is stuck.
func TestBeat(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		on(l, func(time.Time) {})
		synctest.Wait()
		idleSince := time.Now()
		time.Sleep(time.Hour)
		if at, busy := l.Beat(); busy || at.Sub(idleSince).Abs() > time.Microsecond {
			t.Errorf("idle loop: busy %v since %v", busy, at.Sub(idleSince))
		}
		hold := make(chan struct{})
		stuckSince := time.Now()
		l.Post(func(time.Time) { <-hold })
		time.Sleep(2 * time.Second)
		if at, busy := l.Beat(); !busy || at.Sub(stuckSince).Abs() > time.Microsecond {
			t.Errorf("stuck loop: busy %v since %v", busy, at.Sub(stuckSince))
		}
		close(hold)
		synctest.Wait()
		if _, busy := l.Beat(); busy {
			t.Error("still busy")
		}
	})
}
