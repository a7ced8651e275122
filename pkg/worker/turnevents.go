package worker

import (
	"net/netip"
	"time"

	"gazpacho/pkg/tuple"
	"gazpacho/pkg/turn"
	"gazpacho/proto"
)

// maxTURNEvents is how many events of one kind are told in a second: clients decide how many there are.
const maxTURNEvents = 100

var turnEventNames = [...]string{
	turn.Created: proto.EventTURNCreated, turn.Refreshed: proto.EventTURNRefreshed, turn.Moved: proto.EventTURNMoved,
	turn.Ended: proto.EventTURNEnded, turn.Denied: proto.EventTURNDenied,
}

// turnEvents passes on what happens to allocations, and keeps connections as long as they have one.
type turnEvents struct {
	relay *relay
	kinds [len(turnEventNames)]struct {
		since            time.Time
		told, suppressed int
	}
}

// TURN is told of everything.
func (t *turnEvents) TURN(e turn.Event) {
	r := t.relay
	switch e.Kind {
	case turn.Created, turn.Moved:
		if e.Client.Protocol == tuple.TCP {
			r.links.Authenticated(e.Client.Link)
		}
		if d := r.onDTLS(e.Client); d != nil {
			d.acceptor.Keep(e.Client.Remote)
		}
	case turn.Ended:
		if e.Client.Protocol == tuple.TCP {
			r.links.Released(e.Client.Link)
		}
		if d := r.onDTLS(e.Client); d != nil {
			d.acceptor.Release(time.Now(), e.Client.Remote)
		}
		if r.draining {
			r.loop.Post(func(time.Time) { r.checkDrained() }) // it is counted until this returns
		}
	}
	suppressed, ok := t.admit(int(e.Kind), time.Now())
	if !ok {
		return
	}
	r.log.Debug("turn", "event", e.Kind.String(), "client", e.Client.String(), "listener", e.Listener.Name, "relay", e.Relay.String(),
		"username", e.Username, "reason", e.Reason.String(), "code", e.Code, "method", e.Method)
	r.emit(proto.Event{Name: turnEventNames[e.Kind], Body: proto.TURNEvent{
		ID: e.ID, Client: e.Client.Remote.String(), Listener: e.Listener.Name, Relay: addressText(e.Relay), Username: e.Username, Class: e.Class.String(),
		Reason: e.Reason.String(), Code: e.Code, Method: e.Method, Suppressed: suppressed,
	}})
}

// admit counts an event, and says how many were left out before it.
func (t *turnEvents) admit(kind int, now time.Time) (suppressed int, ok bool) {
	k := &t.kinds[kind]
	if now.Sub(k.since) >= time.Second {
		k.since, k.told = now, 0
	}
	if k.told == maxTURNEvents {
		k.suppressed++
		return 0, false
	}
	k.told++
	suppressed, k.suppressed = k.suppressed, 0
	return suppressed, true
}

// addressText is empty for no address.
func addressText(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
