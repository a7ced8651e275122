package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// hangups turns SIGHUP into what is meant by it until ctx ends: read the certificates again; or, when the terminal is gone that we
// were started from, end, as programs do that do not listen to it.
func hangups(ctx context.Context, reload chan<- struct{}, end func()) {
	fromTerminal := !signal.Ignored(syscall.SIGHUP) && hasTerminal() // nohup means to go on
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	defer signal.Stop(c)
	for {
		select {
		case <-c:
			if fromTerminal && !hasTerminal() {
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

// hasTerminal tells whether there is a terminal that controls this process.
func hasTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	f.Close()
	return true
}
