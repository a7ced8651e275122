package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// hangups turns SIGHUP into what is meant by it: read the certificates again; or, when the terminal is gone that we were started
// from, end, as programs do that do not listen to it.
type hangups struct {
	signals      chan os.Signal
	fromTerminal bool
}

// catchHangups begins to listen. From here on a SIGHUP ends nothing by itself.
func catchHangups() *hangups {
	h := &hangups{
		signals:      make(chan os.Signal, 1),
		fromTerminal: !signal.Ignored(syscall.SIGHUP) && hasTerminal(), // who says nohup means to go on
	}
	signal.Notify(h.signals, syscall.SIGHUP)
	return h
}

// watch asks for a reload or calls end, until ctx ends.
func (h *hangups) watch(ctx context.Context, reload chan<- struct{}, end func()) {
	defer signal.Stop(h.signals)
	for {
		select {
		case <-h.signals:
			if h.fromTerminal && !hasTerminal() {
				end()
				return
			}
			select {
			case reload <- struct{}{}:
			default: // it is asked for already
			}
		case <-ctx.Done():
			return
		}
	}
}

// hasTerminal tells whether there is a terminal that controls this process. One that hung up cannot be opened any more.
func hasTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}
