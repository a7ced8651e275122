// Package timer is a queue of deadlines without goroutines.
//
// A Queue never reads a clock: its owner asks Next when to wake up, and calls Advance with the
// time it then is. Timers of equal deadline fire in the order in which they were set.
package timer

import (
	"container/heap"
	"time"
)

// Queue holds the timers of one owner. It is not safe for concurrent use.
type Queue struct {
	heap timers
	seq  uint64
}

// Timer calls one function at a deadline. It is stopped until Reset, and again once it fired.
type Timer struct {
	queue *Queue
	fn    func(now time.Time)
	at    time.Time
	seq   uint64
	index int // place in the heap, -1 while stopped
}

// New makes a stopped timer that will call fn from within Advance.
func (q *Queue) New(fn func(now time.Time)) *Timer {
	return &Timer{queue: q, fn: fn, index: -1}
}

// Next returns the earliest deadline, or the zero time when nothing is pending.
func (q *Queue) Next() time.Time {
	if len(q.heap) == 0 {
		return time.Time{}
	}
	return q.heap[0].at
}

// Len returns how many timers are pending.
func (q *Queue) Len() int { return len(q.heap) }

// Advance fires every timer whose deadline is at or before now. A timer that is set again to
// such a deadline while Advance runs waits for the next call, so that Advance always ends.
func (q *Queue) Advance(now time.Time) {
	limit := q.seq
	for len(q.heap) > 0 {
		t := q.heap[0]
		if t.at.After(now) || t.seq > limit {
			return
		}
		heap.Remove(&q.heap, 0)
		t.fn(now)
	}
}

// Reset sets the deadline, whether or not the timer is pending.
func (t *Timer) Reset(at time.Time) {
	q := t.queue
	q.seq++
	t.at, t.seq = at, q.seq
	if t.index >= 0 {
		heap.Fix(&q.heap, t.index)
		return
	}
	heap.Push(&q.heap, t)
}

// Stop forgets the deadline. Stopping a stopped timer does nothing.
func (t *Timer) Stop() {
	if t.index >= 0 {
		heap.Remove(&t.queue.heap, t.index)
	}
}

// Pending tells whether the timer is set, and At its deadline while it is.
func (t *Timer) Pending() bool { return t.index >= 0 }

// At returns the deadline that was set last.
func (t *Timer) At() time.Time { return t.at }

// timers is a heap ordered by deadline, then by the order of setting.
type timers []*Timer

func (h timers) Len() int { return len(h) }

func (h timers) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}

func (h timers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timers) Push(x any) {
	t := x.(*Timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timers) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	t.index = -1
	*h = old[:len(old)-1]
	return t
}
