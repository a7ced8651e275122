package sctp

import (
	"slices"

	pion "github.com/pion/sctp"
)

// outgoing is a message that waits for the library.
type outgoing struct {
	ppid    pion.PayloadProtocolIdentifier
	payload []byte
	own     bool // made by the island: nobody is told of it
}

// outbound is one stream as the writer sees it.
type outbound struct {
	id      uint16
	params  Stream
	stream  *pion.Stream // nil until there is something to send
	closing bool         // reset by us, not yet by the peer
	pending []outgoing

	// What the library has.
	sizes        []int // of messages, in bytes
	buffered     int   // their bytes that are not acknowledged
	acknowledged int   // bytes of the first of them that are
}

// forgetStream makes ready for a new stream of the same id.
func (o *outbound) forgetStream() {
	o.stream, o.closing = nil, false
	o.sizes, o.buffered, o.acknowledged = nil, 0, 0
}

// progress returns what was acknowledged since the last call.
func (o *outbound) progress() Release {
	now := int(o.stream.BufferedAmount())
	r := Release{Stream: o.id, Bytes: o.buffered - now}
	if r.Bytes <= 0 {
		return Release{}
	}
	o.buffered = now
	o.acknowledged += r.Bytes
	for len(o.sizes) > 0 && o.acknowledged >= o.sizes[0] {
		o.acknowledged -= o.sizes[0]
		o.sizes = o.sizes[1:]
		r.Messages++
	}
	return r
}

func without(list []*outbound, o *outbound) []*outbound {
	return slices.DeleteFunc(list, func(other *outbound) bool { return other == o })
}
