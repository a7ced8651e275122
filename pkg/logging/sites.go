package logging

import (
	"fmt"
	"log/slog"
	"path"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	window      = time.Second
	perPlace    = 8  // messages of one place that have a limit of their own; the others share one
	longMessage = 64 // bytes by which messages are told apart
)

// place is where lines come from: a line of code, or another log that is passed on. The zero place is code that slog does not know.
type place struct {
	pc     uintptr
	source string
}

// String is the source, or directory/file.go:line.
func (p place) String() string {
	if p.pc == 0 {
		if p.source == "" {
			return "unknown"
		}
		return p.source
	}
	frame, _ := runtime.CallersFrames([]uintptr{p.pc}).Next()
	dir, file := path.Split(frame.File)
	return fmt.Sprintf("%s:%d", path.Join(path.Base(dir), file), frame.Line)
}

// site is a call site: a place, and the message for places that have several.
type site struct {
	place
	message string // empty: all messages beyond perPlace
}

// tally is what one site did in this window.
type tally struct {
	lines      int
	suppressed uint64
	level      slog.Level // the highest of those suppressed
}

// sites limits lines by call site, in windows of a second that are the same for all. It forgets everything when a window ends, so
// its size is bounded by what can log within one.
type sites struct {
	perSite    int
	report     func(at place, message string, t tally) // of what was suppressed, at the end of a window; called without the lock
	suppressed atomic.Uint64

	mu       sync.Mutex
	ends     time.Time
	tallies  map[site]tally
	messages map[place]int // with a limit of their own
	timer    *time.Timer   // ends the window; set when it has something to report
	closed   bool
}

// init makes the books. report must not log by way of them.
func (s *sites) init(perSite int, report func(place, string, tally)) {
	s.perSite, s.report = perSite, report
	s.tallies, s.messages = make(map[site]tally), make(map[place]int)
}

// admit tells whether one more line of a site may be written.
func (s *sites) admit(at place, message string, level slog.Level) bool {
	now := time.Now()
	s.mu.Lock()
	var ended map[site]tally
	if !now.Before(s.ends) {
		ended = s.next(now)
	}
	k := s.site(at, message)
	t := s.tallies[k]
	ok := t.lines < s.perSite || s.closed
	switch {
	case ok:
		t.lines++
	default:
		if t.suppressed == 0 {
			t.level = level
		}
		t.suppressed++
		t.level = max(t.level, level)
		s.suppressed.Add(1)
		if s.timer == nil {
			s.timer = time.AfterFunc(s.ends.Sub(now), s.turn)
		}
	}
	s.tallies[k] = t
	s.mu.Unlock()
	s.tell(ended)
	return ok
}

// site is whose tally a line goes to.
func (s *sites) site(at place, message string) site {
	k := site{at, message[:min(len(message), longMessage)]}
	if _, ok := s.tallies[k]; ok {
		return k
	}
	if s.messages[at] >= perPlace {
		k.message = ""
		return k
	}
	s.messages[at]++
	k.message = strings.Clone(k.message) // the message may be long, and is the caller's
	return k
}

// next begins a window and returns the tallies of the last one if any of its lines was suppressed.
func (s *sites) next(now time.Time) map[site]tally {
	s.ends = now.Add(window)
	clear(s.messages)
	if s.timer == nil {
		clear(s.tallies)
		return nil
	}
	s.timer.Stop()
	s.timer = nil
	ended := s.tallies
	s.tallies = make(map[site]tally)
	return ended
}

// turn ends a window in time when no line does.
func (s *sites) turn() {
	now := time.Now()
	s.mu.Lock()
	var ended map[site]tally
	if s.timer != nil && !now.Before(s.ends) {
		ended = s.next(now)
	}
	s.mu.Unlock()
	s.tell(ended)
}

// close reports what the open window has suppressed. There are no limits afterwards: the queue is about to close.
func (s *sites) close() {
	s.mu.Lock()
	ended := s.next(time.Now())
	s.closed = true
	s.mu.Unlock()
	s.tell(ended)
}

// tell reports a window that has ended, without the lock: reports go through the queue.
func (s *sites) tell(ended map[site]tally) {
	for k, t := range ended {
		if t.suppressed > 0 {
			s.report(k.place, k.message, t)
		}
	}
}
