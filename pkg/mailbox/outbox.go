package mailbox

import (
	"sync"
	"time"
)

const (
	// parcelSize is how many bytes go to the loop in one post: enough that the post costs little beside them,
	// and few enough that posts of others are not kept waiting.
	parcelSize = 16 << 10
	// maxParcels is how many wait for the loop at most; what comes on top of that is dropped.
	maxParcels = 128
)

// Outbox takes datagrams from an island to the loop, several in one post. One that nothing waits in
// holds no buffer.
type Outbox struct {
	post func(f func(now time.Time))
	send func(now time.Time, b []byte)

	mu      sync.Mutex
	waiting []*parcel // the oldest first; there is a post for each
}

// parcel is some datagrams, one after the other.
type parcel struct {
	data []byte
	ends []int // of each
}

var parcels = sync.Pool{New: func() any { return &parcel{data: make([]byte, 0, parcelSize)} }}

// NewOutbox makes an outbox. Each datagram is handed to send on the loop, to which post leads; the
// slice is borrowed.
func NewOutbox(post func(f func(now time.Time)), send func(now time.Time, b []byte)) *Outbox {
	return &Outbox{post: post, send: send}
}

// Put copies a datagram and never blocks. It returns false if too much waits.
func (o *Outbox) Put(b []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(o.waiting)
	if n == 0 || len(o.waiting[n-1].data)+len(b) > parcelSize {
		if n == maxParcels {
			return false
		}
		o.waiting = append(o.waiting, parcels.Get().(*parcel))
		n++
		o.post(o.flush)
	}
	p := o.waiting[n-1]
	p.data = append(p.data, b...)
	p.ends = append(p.ends, len(p.data))
	return true
}

// flush sends the oldest parcel, on the loop.
func (o *Outbox) flush(now time.Time) {
	p := o.take()
	start := 0
	for _, end := range p.ends {
		o.send(now, p.data[start:end])
		start = end
	}
	p.data, p.ends = p.data[:0], p.ends[:0]
	parcels.Put(p)
}

func (o *Outbox) take() *parcel {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.waiting[0]
	o.waiting[0] = nil
	if o.waiting = o.waiting[1:]; len(o.waiting) == 0 {
		o.waiting = nil
	}
	return p
}
