package main

import (
	"fmt"
	"net"
	"strings"

	"gazpacho/pkg/api"
)

// checkControl refuses what strangers could reach: whoever is a client of the control API may do everything.
func checkControl(s *checked) error {
	if s.Control == "" {
		s.Control = "none"
	}
	path, ok := strings.CutPrefix(s.Control, "unix:")
	if s.Control != "none" && (!ok || path == "" || len(path) > maxSocketPath) {
		return s.wrong("control", fmt.Errorf("%q is not none, or unix: and a path of 1 to %d bytes", s.Control, maxSocketPath))
	}
	return nil
}

// listenControl returns nil for nowhere.
func (c *controller) listenControl() (net.Listener, error) {
	if c.Control == "none" {
		return nil, nil
	}
	return api.Listen(c.Control)
}

// serveControl answers programs until the function it returns is called: what they have made is closed, or kept, as they said.
func (c *controller) serveControl(served chan<- error) (end func()) {
	if c.controlAt == nil {
		return func() {}
	}
	server := api.New(c.controlAt, api.Config{Workers: c.workers, Version: c.Version, Log: c.log})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(); err != nil {
			served <- err
		}
	}()
	return func() {
		_ = server.Close() // the path may be gone already
		<-done
	}
}
