// Package supervisor starts one worker per core, restarts the dead, picks the least loaded.
//
// Each slot is one worker process at a time, on its own WebRTC port. A worker is at the other end of an inherited socket: it ends
// when its controller does, leaves no file behind, and its death is known by whichever is first, the process's end, the
// channel's, or the silence of its loop.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// Config is how workers are started.
type Config struct {
	Workers   int
	WorkerBin string
	Args      []string // for the worker, besides its channel
	RTC       RTC
	// TURN is how workers relay for clients; nil: not at all. What RelayAddresses leaves open is RTC's; MediaPorts are those of the other workers.
	TURN *proto.TURNSettings
	// TURNEvent hears, one worker at a time, what happens to clients' allocations; nil: nobody does.
	TURNEvent func(slot int, name string, e proto.TURNEvent)
	Log       *slog.Logger
	// Output gets every line a worker writes, without its end; it may be called from several goroutines. Nil drops them.
	Output func(slot int, line string)
}

// SettingError says which setting keeps workers from starting.
type SettingError struct {
	Setting string
	Err     error
}

// Error is one line.
func (e *SettingError) Error() string { return e.Setting + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *SettingError) Unwrap() error { return e.Err }

// Worker is a running worker.
type Worker struct {
	*control.Worker
	Slot   int
	Server *control.WebRTCServer
	Plain  proto.ListenInfo // where its transports without ICE listen

	relaying relaying
}

// Supervisor keeps the workers running.
type Supervisor struct {
	cfg    Config
	cancel context.CancelFunc
	slots  sync.WaitGroup

	mu      sync.Mutex
	running map[int]*Worker
	turn    *proto.TURNSettings // how workers relay now; nil: not at all
	lives   []SlotStats         // by slot, but for Running
	changed chan struct{}       // closed and replaced when running changes
	closed  bool
}

// Start starts all workers and returns when every one is ready. That one cannot be started is a *SettingError if a setting
// is to blame; the others are ended then.
func Start(ctx context.Context, cfg Config) (*Supervisor, error) {
	if _, err := exec.LookPath(cfg.WorkerBin); err != nil {
		return nil, &SettingError{Setting: "worker-bin", Err: err}
	}
	if _, err := cfg.RTC.listenInfos(0); err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Supervisor{cfg: cfg, cancel: cancel, running: map[int]*Worker{}, turn: cfg.TURN, lives: newLives(cfg.Workers), changed: make(chan struct{})}
	first := make(chan error, cfg.Workers)
	for i := range cfg.Workers {
		s.slots.Go(func() { s.keep(life, i, first) })
	}
	var failed error
	for range cfg.Workers {
		select {
		case err := <-first:
			if failed == nil {
				failed = err
			}
		case <-ctx.Done():
			failed = context.Cause(ctx)
		}
		if failed != nil {
			s.Close()
			return nil, failed
		}
	}
	return s, nil
}

// Place returns the worker with the least to do. If none runs it waits for one until ctx ends.
func (s *Supervisor) Place(ctx context.Context) (*Worker, error) {
	for {
		s.mu.Lock()
		best, changed, closed := leastLoaded(s.running), s.changed, s.closed
		s.mu.Unlock()
		if best != nil {
			return best, nil
		}
		if closed {
			return nil, errors.New("the supervisor is closed")
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// leastLoaded compares producers and consumers, then routers, since a new room has neither; then the slot, to be predictable. One whose
// channel has just ended is still in the map for a moment, and has the least load of all.
func leastLoaded(running map[int]*Worker) *Worker {
	var best *Worker
	for _, w := range running {
		if w.Err() == nil && (best == nil || less(w, best)) {
			best = w
		}
	}
	return best
}

func less(a, b *Worker) bool {
	if la, lb := a.Load(), b.Load(); la != lb {
		return la < lb
	}
	if ra, rb := a.Routers(), b.Routers(); ra != rb {
		return ra < rb
	}
	return a.Slot < b.Slot
}

// Running is the workers that live now, in no order.
func (s *Supervisor) Running() []*Worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Worker, 0, len(s.running))
	for _, w := range s.running {
		list = append(list, w)
	}
	return list
}

// Close ends all workers and waits for them.
func (s *Supervisor) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.slots.Wait()
	s.set(0, nil) // wakes whoever waits for a worker
}

// set says that the worker of a slot is w from now on, or none.
func (s *Supervisor) set(slot int, w *Worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w == nil {
		delete(s.running, slot)
	} else {
		s.running[slot] = w
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// keep is the life of one slot: it starts workers one after the other until ctx ends. How the first start went goes to first.
func (s *Supervisor) keep(ctx context.Context, slot int, first chan<- error) {
	log := s.cfg.Log.With("slot", slot)
	var r restarts
	for ctx.Err() == nil {
		p, err := s.start(ctx, slot)
		if first != nil {
			first <- err
			if err != nil {
				return
			}
			first = nil
		}
		if err == nil {
			s.set(slot, p.worker)
			err = s.watch(ctx, p)
			s.set(slot, nil)
			p.end(ctx.Err() != nil)
		} else {
			err = fmt.Errorf("%w: %w", errStart, err)
		}
		if ctx.Err() != nil {
			return
		}
		delay, quarantined := r.died(time.Now())
		s.died(slot, err, quarantined)
		if quarantined {
			log.Error("worker dies again and again: its slot rests", "reason", err, "for", delay)
		} else {
			log.Error("worker died", "reason", err, "restartIn", delay)
		}
		pause(ctx, delay)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
