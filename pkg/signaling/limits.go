package signaling

import "time"

// Limits is what one client may cost. Zero values stand for DefaultLimits.
type Limits struct {
	RequestRate  float64 // requests per second, of a session; one too many is answered 429
	RequestBurst int     // at once

	MessageRate  float64 // messages of any kind per second, of a session; one too many ends it with 1008
	MessageBurst int

	ByteRate  int // bytes per second, of a session; what comes faster waits
	ByteBurst int

	ControlRate  float64 // pings and pongs per second, of a session; one too many ends it with 1008
	ControlBurst int

	RefusedPerMinute int // requests beyond RequestRate, of a session; one too many ends it with 1008

	// UnauthenticatedPerIP is how many requests that come by way of a trusted proxy may wait to be let in, by the address the proxy
	// forwards. Sockets of their own are counted by limit.Listener.
	UnauthenticatedPerIP int
}

// DefaultLimits are those of SECURITY.md R-WS-1. A client that enters a room of 100 peers answers some 400 requests of ours at once,
// and never more than maxPending: twice as many messages pass.
func DefaultLimits() Limits {
	return Limits{
		RequestRate: 50, RequestBurst: 200,
		MessageRate: 500, MessageBurst: 2 * maxPending,
		ByteRate: 512 << 10, ByteBurst: 4 << 20,
		ControlRate: 10, ControlBurst: 100,
		RefusedPerMinute: 1000, UnauthenticatedPerIP: 100,
	}
}

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	orElse(&l.RequestRate, d.RequestRate)
	orElse(&l.RequestBurst, d.RequestBurst)
	orElse(&l.MessageRate, d.MessageRate)
	orElse(&l.MessageBurst, d.MessageBurst)
	orElse(&l.ByteRate, d.ByteRate)
	orElse(&l.ByteBurst, d.ByteBurst)
	orElse(&l.ControlRate, d.ControlRate)
	orElse(&l.ControlBurst, d.ControlBurst)
	orElse(&l.RefusedPerMinute, d.RefusedPerMinute)
	orElse(&l.UnauthenticatedPerIP, d.UnauthenticatedPerIP)
	return l
}

func orElse[V comparable](v *V, otherwise V) {
	var zero V
	if *v == zero {
		*v = otherwise
	}
}

// goodbyeTimeout bounds a goodbye: what is queued, the close frame, and the client's answer to it.
const goodbyeTimeout = 5 * time.Second
