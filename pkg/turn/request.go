package turn

import (
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/tuple"
)

// request is one STUN request, while it is handled.
type request struct {
	reply
	m    stun.Message
	now  time.Time
	size int

	a       *allocation // of the 5-tuple, if there is one
	user    user        // who sent it, once that is proved
	verdict Verdict     // on the peer that was judged last
}

// overStream tells whether the client came over TCP or TLS.
func (r *request) overStream() bool { return r.from.Protocol == tuple.TCP }

// handle takes the request through the gates.
func (r *request) handle() {
	r.via.Counters.Requests++
	if r.m.Method == stun.Binding {
		r.binding()
		return
	}
	answer := r.handler()
	if answer == nil {
		r.via.Counters.drop(DropNotRequest)
		return
	}
	if !r.authenticate() {
		return
	}
	if len(r.m.Unknown()) > 0 {
		r.refuse(stun.CodeUnknownAttribute)
		return
	}
	answer(r)
}

// handler returns what answers the request, nil if nothing does.
func (r *request) handler() func(*request) {
	switch r.m.Method {
	case stun.Allocate:
		return (*request).allocate
	case stun.Refresh:
		return (*request).refresh
	case stun.CreatePermission:
		return (*request).createPermission
	case stun.ChannelBind:
		return (*request).channelBind
	case stun.Connect:
		return (*request).connect
	case stun.ConnectionBind:
		return (*request).connectionBind
	default:
		return nil
	}
}

var methodNames = map[stun.Method]string{
	stun.Allocate: "allocate", stun.Refresh: "refresh", stun.CreatePermission: "createPermission", stun.ChannelBind: "channelBind",
	stun.Connect: "connect", stun.ConnectionBind: "connectionBind",
}

// binding answers a Binding request (RFC 8489 section 3).
func (r *request) binding() {
	if len(r.m.Unknown()) > 0 {
		r.reject(stun.CodeUnknownAttribute)
		return
	}
	limit, ok := r.unauthenticated()
	if !ok {
		return
	}
	w := r.begin(stun.SuccessResponse)
	w.AddXORAddress(stun.AttrXORMappedAddress, r.from.Remote)
	if r.mirror {
		limit -= fingerprintAttribute
	}
	r.addSoftware(&w, limit-w.Finish())
	r.send(&w, 0)
}
