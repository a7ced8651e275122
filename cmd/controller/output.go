package main

import (
	"fmt"
	"log/slog"
	"sync"

	"gazpacho/pkg/logging"
)

// maxHeld bounds what is kept of workers' output while they start, in bytes.
const maxHeld = 64 << 10

// output passes on what workers write.
type output struct {
	log *logging.Log

	mu       sync.Mutex
	released bool
	held     []func()
	bytes    int
}

// line passes on one line of a worker, each of whom has the limit of a call site: one that logs like mad floods nothing. What is none
// of slog's, such as a line of a panic's trace, is an error.
func (o *output) line(slot int, line string) {
	level, ok := logging.LevelOf(line)
	if !ok {
		level = slog.LevelError
	}
	pass := func() { o.log.Line(fmt.Sprint("worker ", slot), level, line) }
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.released:
		pass()
	case o.bytes+len(line) <= maxHeld:
		o.bytes += len(line)
		o.held = append(o.held, pass)
	}
}

// release ends holding back, once all workers run. If they never do, nobody reads what they said but the supervisor, which puts the
// last of it into its error.
func (o *output) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.released = true
	for _, pass := range o.held {
		pass()
	}
	o.held = nil
}
