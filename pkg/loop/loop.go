// Package loop owns all media state of a worker: one goroutine at a time has it. Mostly that is the loop's own; when it is at rest, the reader
// of a socket hands it a batch by running the turn itself (see Direct).
//
// A turn of the loop takes what is ready, in this order and in bounded amounts: batches of packets,
// posted functions, due timers; then it runs the turn-end hooks, which flush what was sent. When
// nothing is ready it sleeps. The time that it passes down never goes back: for a packet it is when
// its batch was read, for everything else when the loop woke up.
package loop

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"gazpacho/pkg/socket"
	"gazpacho/pkg/timer"
)

// What one turn takes at most. Media may not keep requests and deadlines waiting, nor they media.
const (
	turnBatches = 16
	turnPackets = 4 * socket.BatchSize
	turnPosts   = 256
)

// timerGrain is the least time the loop sleeps before a deadline. Deadlines within a millisecond
// share a wake-up, and that is as precise as the runtime wakes anyway.
const timerGrain = time.Millisecond

// Config shapes a loop. The zero value works.
type Config struct {
	// Clock is time.Now unless set.
	Clock func() time.Time
	// Batches bounds the pool of packet batches, each of 128 KiB; 32 unless set.
	Batches int
	// OnPanic is told of a panic in a batch handler, on the loop, and decides whether it is fatal.
	// If not, the handler is called again for the packets behind the one that it panicked on.
	// Without OnPanic every panic is fatal.
	OnPanic func(now time.Time, where string, value any, stack []byte) (fatal bool)
	// PostAlarm is the queue depth at which OnBacklog is called, on the loop, once until the depth
	// was under half of it; 4096 unless set.
	PostAlarm int
	OnBacklog func(now time.Time, depth int)
}

// Handler takes the packets of a batch on the loop. The loop releases the batch afterwards.
type Handler func(now time.Time, b *socket.Batch)

// delivery is a batch on its way to its handler.
type delivery struct {
	batch   *socket.Batch
	handler Handler
}

// Loop runs handlers, posted functions, timers and hooks, one at a time: on the goroutine that calls Run, and those that come with a batch of a
// Direct sink on its reader's. All but Post, Sink, Direct, Depth, Stats and Beat belong to them, or to the time before Run.
type Loop struct {
	// Passed in.
	cfg   Config
	hooks []func(now time.Time)

	epoch time.Time // when the loop was made

	// Owned.
	pool    *socket.Pool
	batches chan delivery
	posts   posts
	timers  timer.Queue
	wake    alarm
	started atomic.Bool

	// baton is held by who runs a turn, and guards the state below. A mutex hands it to who waits for a millisecond: nobody starves.
	baton  sync.Mutex
	queued atomic.Int64 // batches that were put into the queue and not handled yet

	// State.
	open     bool      // between the beginning of Run and its end
	caughtUp bool      // with the batches from before Run
	failed   error     // of a reader's turn, which ends Run
	now      time.Time // what was passed down last
	ended    time.Time // when the last turn ended
	alarmed  bool
	meter    meter
}

// New makes a loop that Run starts.
func New(cfg Config) *Loop {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Batches == 0 {
		cfg.Batches = 32
	}
	if cfg.PostAlarm == 0 {
		cfg.PostAlarm = 4096
	}
	l := &Loop{
		cfg:     cfg,
		pool:    socket.NewPool(cfg.Batches),
		batches: make(chan delivery, cfg.Batches),
	}
	l.posts.wake = make(chan struct{}, 1)
	l.epoch = cfg.Clock()
	l.meter.start = l.epoch
	return l
}

// steady is a time as it was measured since the loop was made: its wall reading, of which sender reports are made, does not step when
// somebody sets the machine's clock.
func (l *Loop) steady(at time.Time) time.Time { return l.epoch.Add(at.Sub(l.epoch)) }

// Pool is where the readers of this loop's sockets take their batches from.
func (l *Loop) Pool() *socket.Pool { return l.pool }

// Timers is the queue of deadlines that the loop advances.
func (l *Loop) Timers() *timer.Queue { return &l.timers }

// OnTurnEnd adds a hook that is called at the end of each turn, after everything else.
func (l *Loop) OnTurnEnd(hook func(now time.Time)) { l.hooks = append(l.hooks, hook) }

// Sink makes the sink of a socket whose batches go to h. The queue has room for all batches of the
// loop's Pool, so readers wait in Pool.Take only.
func (l *Loop) Sink(h Handler) socket.Sink {
	return func(b *socket.Batch) { l.queue(delivery{b, h}) }
}

// Post calls f on the loop, in the order of posting. It never blocks, from any goroutine, the loop's
// own included. After Run has returned f is forgotten.
func (l *Loop) Post(f func(now time.Time)) { l.posts.add(f) }

// Depth returns how many posted functions wait.
func (l *Loop) Depth() int { return int(l.posts.depth.Load()) }

// Run is the loop. It returns nil once ctx is done and what was posted before has run, and a
// *PanicError when something panicked. It can be called once.
func (l *Loop) Run(ctx context.Context) error {
	if !l.started.CompareAndSwap(false, true) {
		return errors.New("loop: was run before")
	}
	defer l.posts.close()
	l.baton.Lock()
	defer func() {
		l.open = false
		l.wake.stop()
		l.baton.Unlock()
	}()
	l.open, l.caughtUp = true, l.queued.Load() == 0
	l.wake.init()
	l.now = l.steady(l.cfg.Clock())
	l.ended = l.now
	for {
		first, stop := l.wait(ctx)
		switch {
		case l.failed != nil:
			return l.failed
		case stop:
			return l.turn(first, l.Depth()) // the last: everything that was posted, and what is being sent
		}
		if err := l.turn(first, turnPosts); err != nil {
			return err
		}
	}
}

// wait sleeps until there is something to do, and returns the batch that ended the sleep, if one
// did. stop tells that the loop was asked to end. The baton is free meanwhile.
func (l *Loop) wait(ctx context.Context) (first delivery, stop bool) {
	select {
	case <-ctx.Done():
		return delivery{}, true
	default:
	}
	select {
	case first = <-l.batches:
		return first, false
	default:
	}
	if l.posts.depth.Load() > 0 || l.wake.set(l.timers.Next(), l.ended) {
		return delivery{}, false
	}
	l.baton.Unlock()
	fired := false
	select {
	case first = <-l.batches:
	case <-l.posts.wake:
	case <-l.wake.C():
		fired = true
	case <-ctx.Done():
		stop = true
	}
	l.baton.Lock()
	if fired {
		l.wake.fired()
	}
	return first, stop
}

// turn does what is ready. The clock is read once, before everything: what the turn itself takes
// does not age the time that timers and posts are told.
func (l *Loop) turn(first delivery, posts int) error {
	woke := l.steady(l.cfg.Clock())
	l.meter.begin(woke)
	if err := l.takeBatches(first); err != nil {
		return err
	}
	l.caughtUp = l.caughtUp || l.queued.Load() == 0
	l.advance(woke)
	if err := l.takePosts(posts); err != nil {
		return err
	}
	return l.endTurn()
}

// endTurn is what every turn ends with: timers and hooks.
func (l *Loop) endTurn() error {
	if err := l.guard("timer", func() { l.timers.Advance(l.now) }); err != nil {
		return err
	}
	if err := l.guard("turn end", l.runHooks); err != nil {
		return err
	}
	l.ended = l.steady(l.cfg.Clock())
	l.meter.end(l.ended)
	return nil
}

// advance moves the loop's time, forward only.
func (l *Loop) advance(to time.Time) {
	if to.After(l.now) {
		l.now = to
	}
}

func (l *Loop) runHooks() {
	for _, hook := range l.hooks {
		hook(l.now)
	}
}
