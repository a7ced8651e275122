package signaling

import (
	"sync"
	"time"
)

const (
	// expiryNotice is how long before its end a client is told that its token expires.
	expiryNotice = 60 * time.Second
	// expiryCheck bounds how long a clock that was set goes unnoticed.
	expiryCheck = 60 * time.Second
)

// expiry ends a session with its token, unless that is renewed in time. Tokens expire by the clock on the wall.
type expiry struct {
	now    func() time.Time
	notice time.Duration
	warn   func(at time.Time) // the token expires soon; once for each token
	end    func()             // it has expired; once

	mu     sync.Mutex
	timer  *time.Timer
	at     time.Time // zero: never
	warned bool
	over   bool
}

// set is when the token, perhaps a new one, expires.
func (e *expiry) set(at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.at, e.warned = at, false
	e.step()
}

// stop ends the watch.
func (e *expiry) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
	e.step()
}

func (e *expiry) tick() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.step()
}

// step does what is due, and sets the timer for what comes next. It is called with the lock held; what it calls must not block.
func (e *expiry) step() {
	if e.timer != nil {
		e.timer.Stop()
	}
	if e.over || e.at.IsZero() {
		return
	}
	left := e.at.Sub(e.now().Round(0)) // not by the monotonic clock
	if left <= 0 {
		e.over = true
		e.end()
		return
	}
	next := left
	if !e.warned {
		next = left - e.notice
		if next <= 0 {
			e.warned = true
			e.warn(e.at)
			next = left
		}
	}
	e.timer = time.AfterFunc(min(next, expiryCheck), e.tick)
}
