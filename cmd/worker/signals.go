package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"gazpacho/proto"
)

// signals is what the operator of a worker that relays says to the process.
type signals struct {
	reload chan *proto.TURNSettings
	drain  chan struct{}
}

func newSignals() *signals {
	return &signals{reload: make(chan *proto.TURNSettings), drain: make(chan struct{})}
}

// endings are what ends the worker at once. Without a controller SIGTERM drains first.
func (o *options) endings() []os.Signal {
	if o.channel == "" {
		return []os.Signal{syscall.SIGINT}
	}
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM}
}

// watch reads the settings again on SIGHUP. Of a worker that is alone it takes SIGTERM, too: the first drains, the second calls end. It returns with ctx.
func (s *signals) watch(ctx context.Context, log *slog.Logger, alone bool, again func() (*options, error), end func()) {
	c := make(chan os.Signal, 4)
	signal.Notify(c, syscall.SIGHUP)
	if alone {
		signal.Notify(c, syscall.SIGTERM)
	}
	defer signal.Stop(c)
	draining := false
	for {
		select {
		case <-ctx.Done():
			return
		case got := <-c:
			switch {
			case got == syscall.SIGHUP:
				s.read(ctx, log, again)
			case draining:
				end()
			default:
				draining = true
				close(s.drain)
			}
		}
	}
}

// read takes settings over that are good.
func (s *signals) read(ctx context.Context, log *slog.Logger, again func() (*options, error)) {
	o, err := again()
	if err != nil {
		log.Error("settings are not taken over", "reason", err.Error())
		return
	}
	if o.relaying == nil {
		log.Error("settings are not taken over", "reason", "nothing is relayed any more: end the worker instead")
		return
	}
	select {
	case s.reload <- o.relaying:
	case <-ctx.Done():
	}
}
