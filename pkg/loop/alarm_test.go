package loop

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/pkg/timer"
)

// Deadlines are met within a millisecond, and never early.
func TestTimersFireOnTime(t *testing.T) {
	delays := []time.Duration{
		0, 100 * time.Microsecond, time.Millisecond, 1500 * time.Microsecond, 20 * time.Millisecond,
		time.Second, time.Hour,
	}
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		fired := 0
		on(l, func(now time.Time) {
			for _, d := range delays {
				at := now.Add(d)
				l.Timers().New(func(now time.Time) {
					fired++
					if late := time.Since(at); now.Before(at) || late < 0 || late > timerGrain {
						t.Errorf("timer after %v fired %v late", d, late)
					}
				}).Reset(at)
			}
		})
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if fired != len(delays) {
			t.Errorf("%d fired", fired)
		}
	})
}

// Each wake-up takes all that is due by then: deadlines within a millisecond share one.
func TestTimersShareWakeUps(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		fired := 0
		on(l, func(now time.Time) {
			for i := range 10_000 {
				l.Timers().New(func(time.Time) { fired++ }).Reset(now.Add(time.Duration(i) * time.Microsecond))
			}
		})
		synctest.Wait()
		before := l.Stats().Turns
		time.Sleep(time.Second)
		synctest.Wait()
		if turns := l.Stats().Turns - before; fired != 10_000 || turns > 11 {
			t.Errorf("%d fired in %d turns", fired, turns)
		}
	})
}

// A deadline that moves is met where it is then: earlier, later, or not at all.
func TestTimersThatMove(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		start := time.Now()
		var fired []time.Duration
		moved := l.Timers().New(func(time.Time) { fired = append(fired, time.Since(start)) })
		reset := func(d time.Duration) { on(l, func(time.Time) { moved.Reset(start.Add(d)) }) }

		reset(10 * time.Second)
		reset(2 * time.Second)
		time.Sleep(3 * time.Second) // fired at 2
		reset(5 * time.Second)
		reset(8 * time.Second)
		time.Sleep(6 * time.Second) // fired at 8
		reset(12 * time.Second)
		on(l, func(time.Time) { moved.Stop() })
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(fired, []time.Duration{2 * time.Second, 8 * time.Second}) {
			t.Errorf("fired at %v", fired)
		}
	})
}

// A timer that is set again from its own function to a time that has come fires in the next turn,
// and the loop is not stuck between.
func TestTimerThatIsAlwaysDue(t *testing.T) {
	running(t, Config{}, func(t *testing.T, l *Loop, stop func() error) {
		n := 0
		on(l, func(now time.Time) {
			var again *timer.Timer
			again = l.Timers().New(func(now time.Time) {
				if n++; n < 100 {
					again.Reset(now)
				}
			})
			again.Reset(now)
		})
		synctest.Wait()
		if n != 100 {
			t.Errorf("fired %d times", n)
		}
	})
}

// A deadline that moves later all the time, as a consent timer does with each check, does not set
// the runtime's timer each time.
func TestAlarmIsLeftAloneWhenDeadlinesMoveLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a alarm
		now := time.Now()
		if a.C() != nil {
			t.Error("an alarm that was never set can fire")
		}
		a.set(now.Add(time.Second), now)
		first := a.at
		for i := range 100 {
			a.set(now.Add(2*time.Second), now.Add(time.Duration(i)*time.Millisecond))
		}
		if a.at != first {
			t.Error("the alarm was moved later")
		}
		a.set(now.Add(time.Millisecond), now)
		if !a.at.Before(first) {
			t.Error("the alarm was not moved earlier")
		}
		if woke := <-a.C(); woke.Sub(now) != time.Millisecond {
			t.Errorf("woke after %v", woke.Sub(now))
		}
		a.fired()
		if a.set(time.Time{}, now) || !a.at.IsZero() {
			t.Error("no deadline set the alarm")
		}
		if !a.set(now, now) || !a.set(now.Add(-time.Hour), now) || !a.at.IsZero() {
			t.Error("a deadline that has come should be told, not waited for")
		}
		a.stop()
	})
}
