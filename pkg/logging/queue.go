package logging

import (
	"sync"
	"sync/atomic"
)

// keptBuffer is how large an empty buffer may be to be used again.
const keptBuffer = 64 << 10

// batch is some whole lines, and how many were dropped after them.
type batch struct {
	bytes       []byte
	lines, lost uint64
}

// queue is the lines that wait for the writer. What does not fit is dropped and counted: the newest, so that the beginning of a
// trouble is kept.
type queue struct {
	maxLines uint64
	maxBytes int
	dropped  atomic.Uint64
	wake     chan struct{} // holds one token when there is something to take
	empty    chan struct{} // closed by the writer when it is done

	mu      sync.Mutex
	waiting batch
	spare   []byte // the buffer of the batch before, taken back
	closed  bool
}

// init makes the queue. maxLines and maxBytes bound what waits.
func (q *queue) init(maxLines, maxBytes int) {
	q.maxLines, q.maxBytes = uint64(maxLines), maxBytes
	q.wake, q.empty = make(chan struct{}, 1), make(chan struct{})
}

// Write queues one line. It never fails and never waits.
func (q *queue) Write(line []byte) (int, error) {
	q.mu.Lock()
	if q.closed || q.waiting.lines >= q.maxLines || len(q.waiting.bytes)+len(line) > q.maxBytes {
		q.waiting.lost++
		q.dropped.Add(1)
	} else {
		q.waiting.bytes = append(q.waiting.bytes, line...)
		q.waiting.lines++
	}
	q.mu.Unlock()
	q.signal()
	return len(line), nil
}

// signal wakes the writer, or lets it find something when it next looks.
func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take waits for lines and returns all of them, valid until the next take; ok is false when there are none and never will be.
func (q *queue) take() (b batch, ok bool) {
	for {
		q.mu.Lock()
		b, q.waiting = q.waiting, batch{bytes: q.spare[:0]}
		closed := q.closed
		q.spare = nil
		if cap(b.bytes) <= keptBuffer {
			q.spare = b.bytes
		}
		q.mu.Unlock()
		if b.lines > 0 || b.lost > 0 {
			return b, true
		}
		if closed {
			return batch{}, false
		}
		<-q.wake
	}
}

// close ends the queue: what waits can still be taken, nothing comes in any more.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}
