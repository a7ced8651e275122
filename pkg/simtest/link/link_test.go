package link

import (
	"testing"
	"time"
)

var start = time.Unix(1_700_000_000, 0)

// A link of 1 Mbit/s takes 8 ms for 1000 bytes, one after the other, and 25 ms on the way.
func TestLinkQueues(t *testing.T) {
	l := New(start, 1, Constant(1_000_000))
	for i := range 10 {
		want := start.Add(time.Duration(i+1)*8*time.Millisecond + 25*time.Millisecond)
		if at, ok := l.Send(start, 1000); !ok || !at.Equal(want) {
			t.Fatalf("packet %d: %v after the start, %v", i, at.Sub(start), ok)
		}
	}
	if w := l.Waiting(start); w != 80*time.Millisecond {
		t.Errorf("%v are waiting", w)
	}
	if at, _ := l.Send(start.Add(time.Second), 1000); !at.Equal(start.Add(time.Second + 33*time.Millisecond)) {
		t.Errorf("a packet on an idle link arrives at %v", at.Sub(start))
	}
}

func TestLinkDropsWhatTheQueueCannotHold(t *testing.T) {
	l := New(start, 1, Constant(1_000_000))
	passed := 0
	for range 100 {
		if _, ok := l.Send(start, 1000); ok {
			passed++
		}
	}
	if passed != 38 { // what began to wait within 300 ms
		t.Errorf("%d passed", passed)
	}
}

func TestLinkLosesAndDelaysAtRandomButInOrder(t *testing.T) {
	l := New(start, 1, Constant(0))
	l.Loss, l.Jitter, l.Queue = 0.1, 20*time.Millisecond, 0
	passed, last := 0, start
	for i := range 1000 {
		now := start.Add(time.Duration(i) * time.Millisecond)
		at, ok := l.Send(now, 1000)
		if !ok {
			continue
		}
		if at.Before(last) || at.Before(now.Add(l.Delay)) || at.After(now.Add(l.Delay+2*l.Jitter)) {
			t.Fatalf("packet %d arrives %v after it was sent", i, at.Sub(now))
		}
		passed, last = passed+1, at
	}
	if passed < 850 || passed > 950 {
		t.Errorf("%d of 1000 passed", passed)
	}
}

func TestLinkFollowsItsCapacity(t *testing.T) {
	l := New(start, 1, func(elapsed time.Duration) int {
		if elapsed < time.Second {
			return 1_000_000
		}
		return 100_000
	})
	first, _ := l.Send(start, 1000)
	later, _ := l.Send(start.Add(time.Second), 1000)
	if first.Sub(start) != 33*time.Millisecond || later.Sub(start) != time.Second+105*time.Millisecond {
		t.Errorf("%v and %v", first.Sub(start), later.Sub(start))
	}
}
