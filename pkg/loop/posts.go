package loop

import (
	"sync"
	"sync/atomic"
	"time"
)

// posts is the queue of functions from other goroutines: one slice is filled while the other runs.
// It has no bound, because what it carries (requests, handshake results) may not be lost and Post
// may not wait; its depth is a gauge with an alarm.
type posts struct {
	mu     sync.Mutex
	queue  []func(now time.Time)
	closed bool
	depth  atomic.Int64  // of queue and batch together
	wake   chan struct{} // holds one token while the loop has not noticed

	batch []func(now time.Time) // taken by the loop, from next on not run yet
	next  int
}

// keepPosts is the capacity that a slice keeps after a burst.
const keepPosts = 4096

func (p *posts) add(f func(now time.Time)) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.queue = append(p.queue, f)
	first := p.depth.Add(1) == 1
	p.mu.Unlock()
	if !first {
		return // whoever was first woke the loop
	}
	p.kick()
}

// kick wakes the loop.
func (p *posts) kick() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// take returns the next function, or nil when the queue is empty. Called on the loop.
func (p *posts) take() func(now time.Time) {
	if p.next == len(p.batch) {
		p.swap()
		if len(p.batch) == 0 {
			return nil
		}
	}
	f := p.batch[p.next]
	p.batch[p.next] = nil
	p.next++
	p.depth.Add(-1)
	return f
}

// swap exchanges the slice that was run for the one that was filled.
func (p *posts) swap() {
	empty := p.batch[:0]
	if cap(empty) > keepPosts {
		empty = nil
	}
	p.mu.Lock()
	p.batch, p.queue = p.queue, empty
	p.mu.Unlock()
	p.next = 0
}

func (p *posts) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.queue, p.batch, p.next = nil, nil, 0
	p.depth.Store(0)
}

// takePosts runs up to most of the functions that were posted before now. Those that they post
// themselves wait for the next turn, so that a chain of posts cannot hold the loop.
func (l *Loop) takePosts(most int) error {
	depth := l.Depth()
	l.watchDepth(depth)
	todo := min(depth, most)
	if todo == 0 {
		return nil
	}
	l.meter.post(todo)
	return l.guard("post", func() {
		for range todo {
			l.posts.take()(l.now)
		}
	})
}

// watchDepth raises the alarm once each time the queue grows too deep.
func (l *Loop) watchDepth(depth int) {
	switch {
	case depth >= l.cfg.PostAlarm && !l.alarmed:
		l.alarmed = true
		if l.cfg.OnBacklog != nil {
			l.cfg.OnBacklog(l.now, depth)
		}
	case depth < l.cfg.PostAlarm/2:
		l.alarmed = false
	}
}
