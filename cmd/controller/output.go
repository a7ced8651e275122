package main

import (
	"fmt"
	"strings"
	"sync"
)

// output passes on what workers write.
type output struct {
	settings settings

	mu       sync.Mutex
	released bool
	held     strings.Builder
}

// line passes on one line. In JSON, a line that is none itself, such as of a panic's trace, is wrapped.
func (o *output) line(slot int, line string) {
	text := fmt.Sprintf("worker %d: %s\n", slot, line)
	if o.settings.LogFormat == "json" {
		if !strings.HasPrefix(line, "{") {
			o.settings.log.Error("worker says", "slot", slot, "line", line)
			return
		}
		text = line + "\n"
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.released:
		fmt.Fprint(o.settings.Stderr, text)
	case o.held.Len()+len(text) <= maxWorkerOutput:
		o.held.WriteString(text)
	}
}

// release ends holding back.
func (o *output) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.released = true
	fmt.Fprint(o.settings.Stderr, o.held.String())
	o.held.Reset()
}
