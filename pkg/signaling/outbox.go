package signaling

import "sync"

// maxOutbox is how many bytes may wait for a client that reads too slowly.
const maxOutbox = 1 << 20

// outbox is the queue of messages to a client.
type outbox struct {
	mu     sync.Mutex
	queue  [][]byte
	bytes  int
	closed bool
	code   int // of the close, and why
	reason string
	wake   chan struct{} // holds one
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// put queues a message; false if there is no room for it. After close it does nothing.
func (o *outbox) put(message []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return true
	}
	if o.bytes+len(message) > maxOutbox {
		return false
	}
	o.queue = append(o.queue, message)
	o.bytes += len(message)
	o.signal()
	return true
}

// close ends the queue: what is in it still goes out, then the connection is closed with code. The first close counts; it returns true.
func (o *outbox) close(code int, reason string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.closed, o.code, o.reason = true, code, reason
	o.signal()
	return true
}

// isClosed tells whether the queue has been ended.
func (o *outbox) isClosed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// drop empties the queue: its reader is hopeless.
func (o *outbox) drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue, o.bytes = nil, 0
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take returns the next message, or nil if there is none; closed tells that none will follow.
func (o *outbox) take() (message []byte, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		return nil, o.closed
	}
	message = o.queue[0]
	o.queue = o.queue[1:]
	o.bytes -= len(message)
	return message, false
}

// why is how the connection is to be closed.
func (o *outbox) why() (code int, reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.code, o.reason
}
