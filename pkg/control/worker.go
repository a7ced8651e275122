package control

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// closeTimeout is how long Close waits for the worker to confirm. What does not answer by then is the supervisor's matter.
const closeTimeout = 5 * time.Second

// Options are how a controller attaches to a worker.
type Options struct {
	Epoch    uint64            // the higher of two controllers takes the worker
	Software string            // for the worker's log
	Log      func(channel.Log) // lines of the worker's log; may be nil
}

// Worker is one worker process we are attached to.
type Worker struct {
	client *channel.Client
	remote bool // the other end is a controller, and all of its workers

	mu      sync.Mutex
	objects map[string]listener // by address: who gets the events
	routers map[string]*Router
	load    int // producers and consumers
	ended   bool
	done    chan struct{}
}

// object is whoever has events.
type object interface {
	event(name string, body channel.Raw)
}

// listener is an object and the router it is in, nil if it is in none.
type listener struct {
	object
	router *Router
}

// receiver is an object that is sent packets or messages.
type receiver interface {
	receive(name string, meta channel.Raw, payload []byte)
}

// Attach attaches to the worker at the other end of conn, which it owns from then on.
func Attach(ctx context.Context, conn net.Conn, o Options) (*Worker, error) {
	w := unattached()
	client, err := channel.Attach(ctx, conn, channel.Options{
		Epoch: o.Epoch, Software: o.Software, Notification: w.notified, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	w.live(client)
	return w, nil
}

func unattached() *Worker {
	return &Worker{objects: map[string]listener{}, routers: map[string]*Router{}, done: make(chan struct{})}
}

// live begins with a client that is attached.
func (w *Worker) live(client *channel.Client) {
	w.client = client
	go func() {
		<-client.Done()
		w.end()
	}()
}

// notified leads an event to the object it is about; that of an object which was closed meanwhile is nobody's.
func (w *Worker) notified(n channel.Notification) {
	w.mu.Lock()
	l := w.objects[n.HandlerID]
	w.mu.Unlock()
	switch r, receives := l.object.(receiver); {
	case l.object == nil:
		return
	case n.Payload == nil:
		l.event(n.Event, n.Body)
	case receives:
		r.receive(n.Event, n.Body, n.Payload)
	}
	if l.router != nil {
		call(l.router.opts.Event, n)
	}
}

// end closes everything because the channel has ended.
func (w *Worker) end() {
	w.mu.Lock()
	w.ended = true
	routers := values(w.routers)
	var servers []*WebRTCServer
	for _, l := range w.objects {
		if s, ok := l.object.(*WebRTCServer); ok {
			servers = append(servers, s)
		}
	}
	w.mu.Unlock()
	for _, r := range routers {
		r.closeBy(WorkerClosed)
	}
	for _, s := range servers {
		s.closeBy(WorkerClosed)
	}
	close(w.done)
}

// Close asks the worker to end and detaches. It must not be called by a callback.
func (w *Worker) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = w.client.Request(ctx, proto.WorkerClose, "", nil, nil) // it ends by losing us, too
	w.Detach()
}

// Detach ends the channel without asking: for a worker that does not answer. It must not be called by a callback.
func (w *Worker) Detach() {
	_ = w.client.Close() // always nil
	<-w.done
}

// Done is closed when the worker is gone and everything in it was closed.
func (w *Worker) Done() <-chan struct{} { return w.done }

// Err tells why the channel ended; nil while it lives.
func (w *Worker) Err() error { return w.client.Err() }

// Hello is how the worker introduced itself.
func (w *Worker) Hello() proto.Hello { return w.client.Hello() }

// Load is how many producers and consumers live in the worker, the measure of its work.
func (w *Worker) Load() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.load
}

// Routers is how many routers live in the worker.
func (w *Worker) Routers() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.routers)
}

// Dump tells what lives in the worker.
func (w *Worker) Dump(ctx context.Context) (proto.WorkerDump, error) {
	return ask[proto.WorkerDump](ctx, w, proto.WorkerDumpMethod, "", nil)
}

// ResourceUsage is the worker's getrusage(2). Its loop answers, so it is a sign of life, too.
func (w *Worker) ResourceUsage(ctx context.Context) (proto.ResourceUsage, error) {
	return ask[proto.ResourceUsage](ctx, w, proto.WorkerResourceUsage, "", nil)
}

// Stats is how the worker fares.
func (w *Worker) Stats(ctx context.Context) (proto.WorkerStats, error) {
	return ask[proto.WorkerStats](ctx, w, proto.WorkerGetStats, "", nil)
}

// UpdateSettings changes the worker's log.
func (w *Worker) UpdateSettings(ctx context.Context, s proto.UpdateSettings) error {
	return w.client.Request(ctx, proto.WorkerUpdateSettings, "", s, nil)
}

// adopt enters a router, unless the worker is gone or has one of that id.
func (w *Worker) adopt(r *Router) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended:
		return w.client.Err()
	case w.objects[r.id].object != nil:
		return proto.Duplicate("router", r.id)
	}
	w.routers[r.id] = r
	w.objects[r.id] = listener{r, r}
	return nil
}

func (w *Worker) disown(r *Router) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.routers, r.id)
	delete(w.objects, r.id)
}

// listen has the events of id led to o; forget ends it. Producers and consumers weigh one each, the rest nothing.
func (w *Worker) listen(id string, o listener, weight int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, taken := w.objects[id]; taken {
		return proto.Failed(proto.CodeDuplicate, "id %q is taken", id)
	}
	w.objects[id] = o
	w.load += weight
	return nil
}

func (w *Worker) forget(id string, weight int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.objects[id]; ok {
		delete(w.objects, id)
		w.load -= weight
	}
}

// tell closes something in the worker. There is nothing to do about a refusal: it is gone already.
func (w *Worker) tell(method, handlerID string, body any) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = w.client.Request(ctx, method, handlerID, body, nil)
}

// undo ends what was not made. What the worker has refused it does not have; but when nobody waited for its answer, it may have made
// it, and is told to close it: else whoever hangs up in time would leave something behind with every try.
func undo(err error, close func(), end func() bool) {
	var refused *proto.Error
	if errors.As(err, &refused) {
		end()
		return
	}
	close()
}

// ask is a request whose answer is an R.
func ask[R any](ctx context.Context, w *Worker, method, handlerID string, body any) (R, error) {
	var result R
	err := w.client.Request(ctx, method, handlerID, body, &result)
	return result, err
}

func values[K comparable, V any](m map[K]V) []V {
	list := make([]V, 0, len(m))
	for _, v := range m {
		list = append(list, v)
	}
	return list
}
