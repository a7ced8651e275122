package signaling

import (
	"context"
	"errors"
	"time"

	"gazpacho/pkg/limit"
	"gazpacho/proto"
)

// errFlood ends the reader of a client that sends too much.
var errFlood = errors.New("the client sends too much")

// budget is how much a client may still ask of us.
type budget struct {
	messages, requests, refusals, controls *limit.Bucket
}

func newBudget(l Limits) budget {
	return budget{
		messages: limit.NewBucket(l.MessageRate, l.MessageBurst),
		requests: limit.NewBucket(l.RequestRate, l.RequestBurst),
		refusals: limit.NewBucket(float64(l.RefusedPerMinute)/60, l.RefusedPerMinute),
		controls: limit.NewBucket(l.ControlRate, l.ControlBurst),
	}
}

// afford takes a message from the budget, before anything is done with it; false ends the session.
func (c *session) afford() bool {
	if c.budget.messages.Allow(time.Now()) {
		return !c.out.isClosed() // what comes after our goodbye is not heard any more
	}
	c.flooded(closedMessages, "too many messages")
	return false
}

// controlled takes a ping or pong of the client, which the WebSocket answers by itself, from the budget. false leaves it unanswered
// and has the reader end.
func (c *session) controlled() bool {
	if c.budget.controls.Allow(time.Now()) {
		return true
	}
	c.flooded(closedControls, "too many pings")
	_ = c.socket.SetReadDeadline(time.Now()) // a socket that is gone ends the reader as well
	return false
}

// received looks at a message.
func (c *session) received(message []byte) {
	f, err := parseFrame(message)
	switch {
	case errors.Is(err, errNoFrame), err != nil && f.kind == notification:
		c.ignored++
	case f.kind == response:
		c.answered(f, err)
	case f.kind == notification:
		c.ignored++ // clients have none that mean something to us
	case !c.budget.requests.Allow(time.Now()):
		c.refuse(f, errRate)
		if !c.budget.refusals.Allow(time.Now()) {
			c.flooded(closedRefused, "too many requests that were refused")
		}
	case err != nil:
		c.refuse(f, err)
	default:
		select {
		case c.requests <- f:
		default:
			c.refuse(f, errQueue)
		}
	}
}

var (
	errRate  = proto.Failed(proto.CodeLimit, "too many requests in a short time")
	errQueue = proto.Failed(proto.CodeLimit, "too many requests at a time")
)

// answered takes a client's answer to a request of ours. A malformed one is a no.
func (c *session) answered(f frame, err error) {
	id, ours := f.number()
	if !ours {
		c.ignored++
		return
	}
	if err == nil && !f.ok {
		err = refusal(f)
	}
	c.pending.resolve(id, err)
}

// do does what a request asks, if the session's token allows it now.
func (c *session) do(f frame) {
	m, known := methods[f.method]
	if !known {
		c.refuse(f, &proto.Error{
			Name: proto.NotFoundErrorName, Code: proto.CodeUnknownMethod, Message: "unknown request method " + quoted(f.method),
		})
		return
	}
	g := c.peer.Grant()
	if g.Expired(c.server.cfg.Now()) {
		c.refuse(f, errExpired)
		return
	}
	if err := m.needs.check(g); err != nil {
		c.refuse(f, err)
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
	defer cancel()
	if err := m.do(ctx, c, f.data, func(result any) { c.accept(f, result) }); err != nil {
		c.refuse(f, err)
	}
}
