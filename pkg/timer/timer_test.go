package timer

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

var epoch = time.Unix(1_000_000, 0)

func after(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

// log collects which timers fired, by name.
type log []string

func (l *log) timer(q *Queue, name string) *Timer {
	return q.New(func(time.Time) { *l = append(*l, name) })
}

func (l *log) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(*l, want) {
		t.Fatalf("fired %v, want %v", *l, want)
	}
	*l = nil
}

func TestTimersFireInOrderOfDeadline(t *testing.T) {
	var q Queue
	var l log
	for _, ms := range []int{30, 10, 20, 40} {
		l.timer(&q, fmt.Sprint(ms)).Reset(after(ms))
	}
	q.Advance(after(9))
	l.expect(t)
	q.Advance(after(30))
	l.expect(t, "10", "20", "30")
	q.Advance(after(100))
	l.expect(t, "40")
	q.Advance(after(200))
	l.expect(t)
}

func TestEqualDeadlinesFireInOrderOfSetting(t *testing.T) {
	var q Queue
	var l log
	a, b, c := l.timer(&q, "a"), l.timer(&q, "b"), l.timer(&q, "c")
	for _, x := range []*Timer{a, b, c, a} { // a is set again, and so last
		x.Reset(after(10))
	}
	q.Advance(after(10))
	l.expect(t, "b", "c", "a")
}

func TestTimerFiresOnceWithTheTimeOfAdvance(t *testing.T) {
	var q Queue
	var got []time.Time
	x := q.New(func(now time.Time) { got = append(got, now) })
	x.Reset(after(10))
	q.Advance(after(15))
	q.Advance(after(20))
	if len(got) != 1 || !got[0].Equal(after(15)) {
		t.Fatalf("called with %v, want once with %v", got, after(15))
	}
	if x.Pending() {
		t.Fatal("pending after it fired")
	}
}

func TestResetMovesTheDeadline(t *testing.T) {
	for _, test := range []struct {
		name     string
		from, to int
	}{{"later", 10, 30}, {"sooner", 30, 10}} {
		t.Run(test.name, func(t *testing.T) {
			var q Queue
			var l log
			x := l.timer(&q, "x")
			l.timer(&q, "other").Reset(after(20))
			x.Reset(after(test.from))
			x.Reset(after(test.to))
			if !x.At().Equal(after(test.to)) {
				t.Fatalf("At is %v, want %v", x.At(), after(test.to))
			}
			q.Advance(after(test.to - 1))
			if slices.Contains(l, "x") {
				t.Fatal("fired before its deadline")
			}
			q.Advance(after(test.to))
			if !slices.Contains(l, "x") {
				t.Fatal("did not fire at its deadline")
			}
			if q.Advance(after(100)); len(l) != 2 {
				t.Fatalf("fired %v, want x and other once each", l)
			}
		})
	}
}

func TestStop(t *testing.T) {
	var q Queue
	var l log
	a, b, c := l.timer(&q, "a"), l.timer(&q, "b"), l.timer(&q, "c")
	a.Stop() // never set
	for i, x := range []*Timer{a, b, c} {
		x.Reset(after(10 * i))
	}
	b.Stop()
	b.Stop()
	if b.Pending() || !a.Pending() || q.Len() != 2 {
		t.Fatalf("b pending %v, a pending %v, Len %d", b.Pending(), a.Pending(), q.Len())
	}
	q.Advance(after(100))
	l.expect(t, "a", "c")
}

func TestNextIsTheEarliestDeadline(t *testing.T) {
	var q Queue
	var l log
	if !q.Next().IsZero() {
		t.Fatal("Next of an empty queue is not the zero time")
	}
	a, b := l.timer(&q, "a"), l.timer(&q, "b")
	a.Reset(after(20))
	b.Reset(after(10))
	if !q.Next().Equal(after(10)) {
		t.Fatalf("Next is %v, want %v", q.Next(), after(10))
	}
	b.Stop()
	if !q.Next().Equal(after(20)) {
		t.Fatalf("Next is %v, want %v", q.Next(), after(20))
	}
	q.Advance(after(20))
	if !q.Next().IsZero() {
		t.Fatal("Next of a queue that ran empty is not the zero time")
	}
}

// A timer that sets itself to a time that has passed must neither hang Advance nor keep the timers
// behind it from firing.
func TestTimerSetWhileAdvancingWaits(t *testing.T) {
	var q Queue
	var l log
	var again *Timer
	again = q.New(func(now time.Time) {
		l = append(l, "again")
		again.Reset(after(1)) // before everybody else's deadline
	})
	again.Reset(after(1))
	l.timer(&q, "b").Reset(after(2))
	l.timer(&q, "c").Reset(after(3))
	q.Advance(after(10))
	l.expect(t, "again", "b", "c")
	if !again.Pending() || !q.Next().Equal(after(1)) {
		t.Fatalf("pending %v, Next %v", again.Pending(), q.Next())
	}
	q.Advance(after(10))
	l.expect(t, "again")
}

func TestTimersChangedByAnotherInTheSameAdvance(t *testing.T) {
	for _, test := range []struct {
		name         string
		change       func(b *Timer)
		first, later []string
		pendingAfter bool
	}{
		{"stopped", func(b *Timer) { b.Stop() }, []string{"a", "c"}, nil, false},
		{"set later", func(b *Timer) { b.Reset(after(50)) }, []string{"a", "c"}, []string{"b"}, true},
		{"set to now", func(b *Timer) { b.Reset(after(10)) }, []string{"a", "c"}, []string{"b"}, true},
		{"stopped and set", func(b *Timer) { b.Stop(); b.Reset(after(10)) }, []string{"a", "c"}, []string{"b"}, true},
		{"set and stopped", func(b *Timer) { b.Reset(after(50)); b.Stop() }, []string{"a", "c"}, nil, false},
		{"looked at", func(b *Timer) {
			if !b.Pending() || !b.At().Equal(after(2)) {
				panic("a due timer is not pending")
			}
		}, []string{"a", "b", "c"}, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var q Queue
			var l log
			b, c := l.timer(&q, "b"), l.timer(&q, "c")
			a := q.New(func(time.Time) {
				l = append(l, "a")
				test.change(b)
			})
			a.Reset(after(1))
			b.Reset(after(2))
			c.Reset(after(3))
			q.Advance(after(10))
			l.expect(t, test.first...)
			if b.Pending() != test.pendingAfter {
				t.Fatalf("pending %v, want %v", b.Pending(), test.pendingAfter)
			}
			q.Advance(after(100))
			l.expect(t, test.later...)
			if q.Len() != 0 {
				t.Fatalf("%d timers left", q.Len())
			}
		})
	}
}

// The loop survives a panic of one transport's timer: the timers of the others still fire.
func TestPanicLosesNoOtherTimer(t *testing.T) {
	var q Queue
	var l log
	l.timer(&q, "a").Reset(after(1))
	q.New(func(time.Time) { panic("boom") }).Reset(after(2))
	c := l.timer(&q, "c")
	c.Reset(after(3))
	l.timer(&q, "d").Reset(after(4))
	func() {
		defer func() {
			if recover() == nil {
				t.Fatal("the panic did not reach the caller")
			}
		}()
		q.Advance(after(10))
	}()
	l.expect(t, "a")
	if !c.Pending() || q.Len() != 2 || !q.Next().Equal(after(3)) {
		t.Fatalf("pending %v, Len %d, Next %v", c.Pending(), q.Len(), q.Next())
	}
	q.Advance(after(10))
	l.expect(t, "c", "d")
}

func TestNoAllocations(t *testing.T) {
	var q Queue
	fired := 0
	timers := make([]*Timer, 64)
	for i := range timers {
		timers[i] = q.New(func(time.Time) { fired++ })
	}
	now := epoch
	round := func() {
		for i, x := range timers {
			x.Reset(now.Add(time.Duration(i%7) * time.Millisecond))
		}
		timers[5].Stop()
		now = now.Add(10 * time.Millisecond)
		q.Advance(now)
	}
	round() // the queue grows to its size
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Fatalf("%v allocations per round", n)
	}
	if fired == 0 {
		t.Fatal("no timer fired")
	}
}

// What a packet costs that pushes a deadline of its transport back, among those of 10,000 others.
func BenchmarkReset(b *testing.B) {
	var q Queue
	timers := make([]*Timer, 10_000)
	for i := range timers {
		timers[i] = q.New(func(time.Time) {})
		timers[i].Reset(after(i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		timers[i*7919%len(timers)].Reset(after(10_000 + i))
	}
}

func BenchmarkAdvance(b *testing.B) {
	var q Queue
	now := epoch
	for i := range 10_000 {
		var x *Timer
		x = q.New(func(now time.Time) { x.Reset(now.Add(10 * time.Second)) })
		x.Reset(after(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Millisecond) // one timer per call
		q.Advance(now)
	}
}
