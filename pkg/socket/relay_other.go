//go:build !linux

package socket

import (
	"errors"
	"net/netip"
)

// Relays need batch calls and epoll: elsewhere there are none.
type (
	relayPoller struct{}
	relayFD     struct{}

	relayWhole   Relay
	relayFragile Relay
)

func (p *relayPoller) init() error { return errors.ErrUnsupported }
func (p *relayPoller) close()      {}

func (r *Relay) open(netip.AddrPort, Options) error { return errors.ErrUnsupported }
func (r *Relay) close() bool                        { return false }

func (r *relayWhole) send(*Egress, uint16)   {}
func (r *relayFragile) send(*Egress, uint16) {}

func (r *Relays) run() {}
