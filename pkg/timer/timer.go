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
	due  []*Timer // those Advance is about to call; nil once called
	seq  uint64
}

// What Timer.index says of a timer that is not in the heap.
const (
	stopped = -1
	isDue   = -2
)

// Timer calls one function at a deadline. It is stopped until Reset, and again once it fired.
type Timer struct {
	queue *Queue
	fn    func(now time.Time)
	at    time.Time
	seq   uint64
	index int // place in the heap, or stopped, or isDue
}

// New makes a stopped timer that will call fn from within Advance.
func (q *Queue) New(fn func(now time.Time)) *Timer {
	return &Timer{queue: q, fn: fn, index: stopped}
}

// Next returns the earliest deadline, or the zero time when nothing is pending.
func (q *Queue) Next() time.Time {
	if len(q.heap) == 0 {
		return time.Time{}
	}
	return q.heap[0].at
}

// Len returns how many timers are pending, those being called aside.
func (q *Queue) Len() int { return len(q.heap) }

// Advance fires every timer whose deadline is at or before now, in order. A timer that is set while
// Advance runs waits for the next call, even if it is due, so that Advance always ends and no timer
// keeps others waiting; one that is stopped does not fire. Timers must not call Advance.
func (q *Queue) Advance(now time.Time) {
	for len(q.heap) > 0 && !q.heap[0].at.After(now) {
		t := heap.Pop(&q.heap).(*Timer)
		t.index = isDue
		q.due = append(q.due, t)
	}
	if len(q.due) == 0 {
		return
	}
	defer q.keep()
	for i, t := range q.due {
		q.due[i] = nil
		if t.index == isDue {
			t.index = stopped
			t.fn(now)
		}
	}
}

// keep ends Advance. Where a timer panicked and the owner survives it, those behind it are still due.
func (q *Queue) keep() {
	for i, t := range q.due {
		if t != nil && t.index == isDue {
			heap.Push(&q.heap, t)
		}
		q.due[i] = nil
	}
	q.due = q.due[:0]
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
	t.index = stopped
}

// Pending tells whether the timer is set, and At its deadline while it is.
func (t *Timer) Pending() bool { return t.index != stopped }

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
	t.index = stopped
	*h = old[:len(old)-1]
	return t
}
