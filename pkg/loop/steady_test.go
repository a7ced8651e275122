package loop

import (
	"testing"
	"time"
)

// Wall-clock steps change nothing: a reading whose wall part jumped, as after somebody set the clock, is passed on as the monotonic part says.
func TestTimeIgnoresClockSteps(t *testing.T) {
	l := New(Config{})
	start := l.epoch
	later := start.Add(time.Minute)
	stepped := time.Now().Round(0).Add(24 * time.Hour) // a day ahead, without a monotonic reading
	if got := l.steady(later); !got.Equal(later) || got.UnixNano()-start.UnixNano() != time.Minute.Nanoseconds() {
		t.Errorf("a minute later is %v after %v", got, start)
	}
	// The monotonic reading counts: both readings of time.Now moved by the same amount.
	now := time.Now()
	if got := l.steady(now); got.UnixNano()-start.UnixNano() != now.Sub(start).Nanoseconds() {
		t.Errorf("wall and monotonic readings parted: %v", got)
	}
	// A time without one is all there is to go by.
	if got := l.steady(stepped); !got.Equal(stepped) {
		t.Errorf("%v became %v", stepped, got)
	}
}
