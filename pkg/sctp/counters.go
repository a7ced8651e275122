package sctp

import "sync/atomic"

// Counters counts what was dropped, over the associations of a worker. It may be read while they run.
type Counters struct {
	TooLarge       atomic.Uint64 // messages beyond MaxReceiveMessage
	UnknownStreams atomic.Uint64 // packets with data for more undeclared streams than are served
	Unsent         atomic.Uint64 // messages the library refused
	Unposted       atomic.Uint64 // packets that were too many for the loop
}
