package admin

import (
	"context"
	"sync"
	"time"

	"gazpacho/pkg/supervisor"
	"gazpacho/proto"
)

const (
	pollTimeout = time.Second // for all workers together, who are asked at the same time
	pollEvery   = time.Second // at most, however many scrape
)

// reading is what one worker told.
type reading struct {
	slot  int
	stats *proto.WorkerStats // nil: it did not answer
}

// poll asks workers for their statistics. Callers share a round that is under way, or was a moment ago.
type poll struct {
	workers func() []*supervisor.Worker

	mu   sync.Mutex
	last *round
}

// round is one question to all workers.
type round struct {
	startedAt time.Time
	done      chan struct{}
	readings  []reading // once done is closed
}

// read returns what the workers told last, less than pollEvery ago, in no order. It takes pollTimeout at most.
func (p *poll) read() []reading {
	p.mu.Lock()
	r := p.last
	if r == nil || time.Since(r.startedAt) >= pollEvery {
		r = &round{startedAt: time.Now(), done: make(chan struct{})}
		p.last = r
		go r.run(p.workers())
	}
	p.mu.Unlock()
	<-r.done
	return r.readings
}

func (r *round) run(workers []*supervisor.Worker) {
	defer close(r.done)
	// Not the context of whoever asked first: the others wait for the same answers.
	ctx, cancel := context.WithTimeout(context.Background(), pollTimeout)
	defer cancel()
	readings := make([]reading, len(workers))
	var asked sync.WaitGroup
	for i, w := range workers {
		readings[i].slot = w.Slot
		asked.Go(func() {
			if s, err := w.Stats(ctx); err == nil {
				readings[i].stats = &s
			}
		})
	}
	asked.Wait()
	r.readings = readings
}
