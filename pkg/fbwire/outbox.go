package fbwire

import (
	"io"
	"sync"
)

// Limits of what waits for a library that does not read, in bytes.
const (
	maxLossy  = 4 << 20   // more, and packets, traces and log lines are dropped
	maxQueued = 256 << 20 // more, and the library is treated as gone
	keep      = 1 << 20   // of a buffer, for reuse
)

// outbox is what waits for the writer: messages one after the other, in the order they were put. Putting never blocks, whatever the library does: it
// may write requests for a long time before it reads an answer.
type outbox struct {
	mu      sync.Mutex
	pending []byte
	spare   []byte
	dropped uint64
	limit   int // of pending
	closed  bool
	wake    chan struct{}
}

func newOutbox(limit int) *outbox { return &outbox{limit: limit, wake: make(chan struct{}, 1)} }

// put appends a message. It returns false if the library has stalled for good.
func (o *outbox) put(message []byte, lossy bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return true
	case lossy && len(o.pending)+len(message) > maxLossy:
		o.dropped++
		return true
	case len(o.pending)+len(message) > o.limit:
		return false
	}
	o.pending = append(o.pending, message...)
	o.signal()
	return true
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take returns all that waits, and whether there may be more. What it returned before is free again.
func (o *outbox) take(before []byte) (batch []byte, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if cap(before) <= keep {
		o.spare = before[:0]
	}
	batch, o.pending, o.spare = o.pending, o.spare, nil
	return batch, !o.closed
}

// close lets nothing more in. What waits stays for the writer.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.signal()
}

func (o *outbox) drops() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped
}

// write is the writer: it writes until the outbox is closed and empty, or nobody reads any more.
func (o *outbox) write(w io.Writer) error {
	var batch []byte
	for more := true; more; {
		<-o.wake
		for {
			batch, more = o.take(batch)
			if len(batch) == 0 {
				break
			}
			if _, err := w.Write(batch); err != nil {
				o.close()
				return err
			}
		}
	}
	return nil
}
