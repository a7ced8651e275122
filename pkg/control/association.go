package control

import (
	"sync"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// association is what a transport without DTLS knows of its SCTP association.
type association struct {
	transport *Transport
	told      func(state string) // may be nil

	mu         sync.Mutex
	parameters *proto.SCTPParameters
	state      string
}

// adopt takes over what the transport was made with, unless events were faster.
func (a *association) adopt(d *proto.TransportDump) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.parameters = d.SCTPParameters; a.state == "" {
		a.state = d.SCTPState
	}
}

// event takes one of the association's events.
func (a *association) event(name string, body channel.Raw) {
	switch name {
	case proto.EventSCTPStateChange:
		var b proto.SCTPStateChange
		if channel.Decode(body, &b) == nil {
			a.mu.Lock()
			a.state = b.SCTPState
			a.mu.Unlock()
			call(a.told, b.SCTPState)
		}
	case proto.EventSCTPNegotiatedCapabilities:
		var b proto.SCTPNegotiated
		if channel.Decode(body, &b) == nil {
			a.transport.setMaxStreams(b.SCTPNegotiatedCapabilities.NegotiatedMaxOutboundStreams)
		}
	}
}

func (t *Transport) setMaxStreams(n uint16) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.maxStreams = n
}

// SCTPParameters is what the peer is told of SCTP; nil without it.
func (a *association) SCTPParameters() *proto.SCTPParameters {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.parameters
}

// SCTPState is one of proto's; empty without SCTP.
func (a *association) SCTPState() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}
