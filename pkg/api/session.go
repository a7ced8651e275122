package api

import (
	"context"
	"errors"
	"strings"
	"sync"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// maxWaiting is how many requests of a client may wait before no more are read.
const maxWaiting = 256

// session is one client.
type session struct {
	// passed in
	server *Server
	guest  *channel.Guest
	id     string
	keep   bool // what it owns stays when it is gone

	// owned
	ctx    context.Context
	cancel context.CancelFunc
	waits  chan channel.Request
	done   sync.WaitGroup
}

func newSession(s *Server, g *channel.Guest, id string, keep bool) *session {
	c := &session{server: s, guest: g, id: id, keep: keep, waits: make(chan channel.Request, maxWaiting)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.done.Go(c.run)
	return c
}

// enqueue has a request carried out when those before it were.
func (c *session) enqueue(r channel.Request) {
	if r.Method == proto.WorkerGetProfile {
		c.done.Go(func() { c.answer(r) }) // takes its time, and changes nothing
		return
	}
	select {
	case c.waits <- r:
	case <-c.ctx.Done():
	}
}

func (c *session) run() {
	for {
		select {
		case r := <-c.waits:
			c.answer(r)
		case <-c.ctx.Done():
			return
		}
	}
}

// answer carries out one request.
func (c *session) answer(r channel.Request) {
	result, err := c.carryOut(r)
	if err == nil {
		r.Respond(result, nil)
		return
	}
	var refused *proto.Error
	if !errors.As(err, &refused) {
		refused = proto.Failed(proto.CodeInternal, "%v", err)
	}
	r.Respond(nil, refused)
}

// end closes or leaves what the client owns, once its last request is over.
func (c *session) end() {
	c.cancel()
	c.done.Wait()
	c.server.reg.part(c)
}

// call is a request on its way: what it is about was found.
type call struct {
	context.Context
	*session
	method string
	body   channel.Raw
	worker *workerOf // nil in a request to the least loaded one
	of     *holding  // the router or WebRtcServer
	object *object
}

// carryOut finds what a request is about and what is to be done.
func (c *session) carryOut(r channel.Request) (any, error) {
	h, ok := handlers[r.Method]
	if !ok {
		return nil, proto.Failed(proto.CodeUnknownMethod, "unknown method %.100q", r.Method)
	}
	k := &call{Context: c.ctx, session: c, method: r.Method, body: r.Body}
	if err := k.find(h.target, r.HandlerID); err != nil {
		if w := c.server.stranger(r.HandlerID); w != nil {
			return k.lookAt(w, r)
		}
		return nil, err
	}
	return h.do(k)
}

// find finds what a request is about.
func (k *call) find(target, id string) error {
	reg := k.server.reg
	switch target {
	case "controller":
		return nil
	case "worker":
		return k.findWorker(id)
	case ofRouter, ofServer:
		if k.of = reg.holding(target, id); k.of != nil {
			k.worker = k.of.worker
			return nil
		}
	default:
		if o := reg.object(id); o != nil && o.kind == target {
			k.object, k.of, k.worker = o, o.of, o.of.worker
			return nil
		}
	}
	return proto.NotFound(target, clip(id))
}

func (k *call) findWorker(id string) error {
	if id == "" {
		return nil
	}
	if k.worker = k.server.worker(id); k.worker == nil {
		return proto.NotFound("worker", clip(id))
	}
	return nil
}

// lookAt answers what is asked about something of a room's: clients may look, and change nothing, be it by accident.
func (k *call) lookAt(w *workerOf, r channel.Request) (any, error) {
	if strings.HasSuffix(r.Method, ".dump") || strings.HasSuffix(r.Method, ".getStats") {
		return w.Forward(k, r.Method, r.HandlerID, r.Body)
	}
	return nil, proto.Failed(proto.CodeForbidden, "%q belongs to the controller's rooms", r.HandlerID)
}

// clip is a stranger's text, of bearable length.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100]
	}
	return s
}

// decode reads the body.
func decode[B any](k *call) (B, error) {
	var b B
	if err := channel.Decode(k.body, &b); err != nil {
		return b, err
	}
	return b, nil
}
