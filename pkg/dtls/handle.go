package dtls

import (
	"fmt"
	"time"
)

// Handle takes in one datagram from the peer, from an address that ICE has authenticated (R-DTLS-1).
// The slice is borrowed, and may be written to. It never blocks, and answers only what the peer is proven to have
// written: a Finished, or a close_notify. A ClientHello that comes before Start is held until then.
func (a *Association) Handle(now time.Time, datagram []byte) {
	if a.state == StateFailed || a.state == StateClosed {
		a.drop(DropOver)
		return
	}
	for len(datagram) > 0 {
		r, rest, ok := nextRecord(datagram)
		if !ok {
			a.drop(DropRecord)
			return
		}
		datagram = rest
		if why := a.gate.check(now, r); why != passed {
			a.drop(why)
			continue
		}
		a.record(now, r)
	}
}

// record sends an admitted record where it belongs.
func (a *Association) record(now time.Time, r record) {
	switch {
	case a.gate.done && r.epoch == 0:
		// The peer missed our last flight. Its Finished says so too, and can be believed.
		a.cfg.Counters.Retransmitted++
	case r.epoch == 0 && r.kind == contentHandshake:
		a.fragments(now, r.fragment())
	case a.current == nil:
		a.drop(DropEarly)
	case r.epoch == 0:
		a.current.changeCipherSpec(r)
	default:
		a.current.protected(now, r)
	}
}

func (a *Association) fragments(now time.Time, b []byte) {
	for len(b) > 0 {
		f, rest, ok := nextFragment(b)
		if !ok {
			a.drop(DropFragment)
			return
		}
		b = rest
		switch {
		case f.kind == typeClientHello && a.role != Client:
			a.helloFragment(now, f)
		case a.current == nil:
			a.drop(DropEarly)
		default:
			a.current.handshakeFragment(now, f)
		}
	}
}

// helloFragment gathers a ClientHello. We never ask for a second one by HelloVerifyRequest: ICE has
// verified the address. So it is always message 0.
func (a *Association) helloFragment(now time.Time, f fragment) {
	if f.seq != 0 {
		a.drop(DropFragment)
		return
	}
	if why := a.hellos.add(f); why != passed {
		a.drop(why)
	}
	if p, ok := a.hellos.front(); ok {
		raw := p.raw
		a.hellos.reject()
		a.clientHello(now, raw)
	}
}

// clientHello decides about a whole ClientHello.
func (a *Association) clientHello(now time.Time, raw []byte) {
	h, ok := parseClientHello(raw)
	if !ok || !parses(raw) {
		a.refuse(DropHelloMalformed)
		return
	}
	if _, why := h.choose(a.cfg.Profiles); why != passed {
		a.refuse(why)
		return
	}
	if a.current != nil && a.current.hello.random == h.random {
		a.drop(DropDuplicate) // the island repeats its answer by itself
		return
	}
	if a.current != nil {
		a.drop(DropHelloRival)
	}
	a.hello = h
	a.advance(now)
}

// refuse drops a ClientHello, and remembers why: should no better one come, that is what went wrong.
func (a *Association) refuse(why Drop) {
	a.drop(why)
	a.failure = fmt.Errorf("ClientHello refused: %w", why)
}
