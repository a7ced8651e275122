package worker

import (
	"runtime/debug"
	"sync"
	"time"

	"gazpacho/pkg/router"
)

// maxInbox is how many bytes of the controller's packets and messages may wait for the loop; parcelCost is what one takes besides.
const (
	maxInbox   = 1 << 20
	parcelCost = 128
)

// inbox is the controller's notifications on their way to the loop. They keep their place among the requests; when the loop does not keep up, the
// oldest go, for what is late is worth less.
type inbox struct {
	mu      sync.Mutex
	waiting []*parcel // the oldest first
	bytes   int
	overrun uint64 // gone that way

	unaddressed uint64 // for nobody; of the loop
}

// parcel is one notification. Without one it has gone.
type parcel struct{ notification *notification }

func cost(n *notification) int { return n.size + len(n.Payload) + parcelCost }

// put adds a notification, whatever has to go for it.
func (i *inbox) put(n notification) *parcel {
	i.mu.Lock()
	defer i.mu.Unlock()
	p := &parcel{&n}
	i.waiting = append(i.waiting, p)
	for i.bytes += cost(&n); i.bytes > maxInbox && len(i.waiting) > 1; i.overrun++ {
		i.bytes -= cost(i.waiting[0].notification)
		i.waiting[0].notification = nil
		i.pop()
	}
	return p
}

// take removes a parcel, in the order they were put, and returns what is left of it.
func (i *inbox) take(p *parcel) *notification {
	i.mu.Lock()
	defer i.mu.Unlock()
	if p.notification != nil {
		i.pop()
		i.bytes -= cost(p.notification)
	}
	return p.notification
}

// pop removes the oldest, and lets go of it.
func (i *inbox) pop() {
	i.waiting[0] = nil
	i.waiting = i.waiting[1:]
}

// drops are what never arrived, and what arrived for nobody. The loop calls it.
func (i *inbox) drops() (overrun, unaddressed uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.overrun, i.unaddressed
}

// notified takes a notification of the controller's. It runs on the goroutine that reads the channel.
func (w *Worker) notified(n notification) {
	p := w.inbox.put(n)
	w.loop.Post(func(now time.Time) {
		if n := w.inbox.take(p); n != nil && !w.deliver(now, n) {
			w.inbox.unaddressed++
		}
	})
}

// deliver gives a packet or message to the direct transport it is for, if there is one. A panic on the way costs that transport, as if the
// packet had come from the network.
func (w *Worker) deliver(now time.Time, n *notification) bool {
	owner := w.owners[n.HandlerID]
	if owner == nil || n.Payload == nil {
		return false
	}
	known := router.Notification{
		Name: n.Event, HandlerID: n.HandlerID, Payload: n.Payload, Decode: n.Decode,
	}
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		w.panics.serving(fault(func(now time.Time) { owner.Fault(now, known) }))
		if w.panics.handle(now, "notification", value, debug.Stack()) {
			panic(value)
		}
	}()
	return owner.HandleNotification(now, known)
}

// fault is what a panic costs.
type fault func(now time.Time)

// Fault takes it out of service.
func (f fault) Fault(now time.Time) { f(now) }
