package channel

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"

	"gazpacho/proto"
)

// Limits of a queue, in bytes of frames.
const (
	maxQueued = 16 << 20 // more, and the reader is treated as gone
	maxLossy  = 1 << 20  // more, and the oldest lossy frames are dropped
	maxBatch  = 64 << 10 // written at once
	maxPooled = 16 << 10 // buffers kept for reuse
)

var (
	errStalled = errors.New("the reader stalled with 16 MiB unread")
	errClosed  = errors.New("the channel is closed")
)

// key is what coalesced events are the same by.
type key struct {
	topic, target string
}

// entry is one frame in a queue. Entries are their own list elements, and are pooled with their buffers: a response costs
// the loop no allocation beyond those of its encoder.
type entry struct {
	frame      []byte // with its length in front
	class      proto.Class
	key        key    // of Coalesce
	prev, next *entry // in the order of writing
	lossy      *entry // the next lossy one
}

var entries = sync.Pool{New: func() any { return &entry{frame: make([]byte, prefix, 1<<10)} }}

func newEntry(class proto.Class) *entry {
	e := entries.Get().(*entry)
	e.class = class
	return e
}

// release gives e back. Large buffers are left to the collector: one dump of a big router would be kept for ever.
func (e *entry) release() {
	if cap(e.frame) > maxPooled {
		return
	}
	*e = entry{frame: e.frame[:prefix]}
	entries.Put(e)
}

// seal writes the length in front and tells whether the value is no longer than limit.
func (e *entry) seal(limit int) bool {
	n := len(e.frame) - prefix
	binary.BigEndian.PutUint32(e.frame, uint32(n))
	return n <= limit
}

// queue is what waits for the writer, in order. Putting never blocks: the worker's loop does it, and a controller that does not
// read must not hold up media. What happens instead depends on the class of the frame:
//
//	State     kept; past 16 MiB the reader counts as gone
//	Coalesce  takes the place of an older one with the same key, where that stood
//	Lossy     the oldest go when 1 MiB of them waits
//
// The place of a coalesced frame is its predecessor's and not the end, so that everything a request caused stays in front
// of its response.
type queue struct {
	mu         sync.Mutex
	root       entry // ring: next is the oldest, prev the newest
	newest     map[key]*entry
	lossyFirst *entry // lossy ones leave in the order they came, written or dropped
	lossyLast  *entry
	bytes      int    // queued and being written
	lossyBytes int    // queued
	dropped    uint64 // frames
	closed     bool
	wake       chan struct{} // the writer has something to look at
	room       chan struct{} // closed when there is room again; nil if nobody waits
}

func newQueue() *queue {
	q := &queue{newest: map[key]*entry{}, wake: make(chan struct{}, 1)}
	q.root.prev, q.root.next = &q.root, &q.root
	return q
}

// put appends e, which it owns from then on, and fails if the queue is closed or its reader has stalled.
func (q *queue) put(e *entry) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		e.release()
		return errClosed
	}
	// Lossy frames have a limit of their own and end nothing; neither does one that replaces another.
	if e.class != proto.Lossy && q.newest[e.key] == nil && q.bytes-q.lossyBytes+len(e.frame) > maxQueued {
		e.release()
		return errStalled
	}
	q.add(e)
	return nil
}

// putWait is put for those who may block: it waits for room.
func (q *queue) putWait(ctx context.Context, e *entry) error {
	for {
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return errClosed
		}
		// An entry larger than the rest of the room waits for an empty queue only.
		if q.bytes == 0 || q.bytes+len(e.frame) <= maxQueued/2 {
			q.add(e)
			q.mu.Unlock()
			return nil
		}
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// add appends e by the rules of its class. Called with the lock.
func (q *queue) add(e *entry) {
	if e.class == proto.Coalesce {
		if old := q.newest[e.key]; old != nil {
			q.bytes += len(e.frame) - len(old.frame)
			old.frame, e.frame = e.frame, old.frame
			e.release()
			return
		}
		q.newest[e.key] = e
	}
	e.prev, e.next = q.root.prev, &q.root
	e.prev.next, e.next.prev = e, e
	q.bytes += len(e.frame)
	if e.class == proto.Lossy {
		q.addLossy(e)
	}
	q.signal()
}

// addLossy chains e, which is queued already, to the lossy ones and makes room for it.
func (q *queue) addLossy(e *entry) {
	if q.lossyLast != nil {
		q.lossyLast.lossy = e
	} else {
		q.lossyFirst = e
	}
	q.lossyLast = e
	q.lossyBytes += len(e.frame)
	for q.lossyBytes > maxLossy && q.lossyFirst != e {
		old := q.lossyFirst
		q.unlink(old)
		q.bytes -= len(old.frame)
		q.dropped++
		old.release()
	}
}

// unlink takes e out of all lists; its bytes stay counted.
func (q *queue) unlink(e *entry) {
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
	switch e.class {
	case proto.Coalesce:
		delete(q.newest, e.key)
	case proto.Lossy:
		q.lossyFirst, e.lossy = e.lossy, nil
		if q.lossyFirst == nil {
			q.lossyLast = nil
		}
		q.lossyBytes -= len(e.frame)
	}
}

// signal wakes the writer. One token is enough: it looks at everything there is.
func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take moves the oldest entries to batch, up to maxBatch bytes but at least one. It does not wait; more tells whether the
// queue may still get something.
func (q *queue) take(batch []*entry) (_ []*entry, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := 0
	for e := q.root.next; e != &q.root; e = q.root.next {
		if size += len(e.frame); size > maxBatch && len(batch) > 0 {
			break
		}
		q.unlink(e)
		batch = append(batch, e)
	}
	return batch, !q.closed
}

// wrote tells that n bytes of what take returned are gone.
func (q *queue) wrote(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= n
	if q.room != nil && q.bytes <= maxQueued/4 {
		close(q.room)
		q.room = nil
	}
}

// close lets nothing more in. What is queued stays for the writer.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
	q.signal()
}

// drops returns how many lossy frames were dropped so far.
func (q *queue) drops() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}
