package worker

import (
	"slices"
	"time"

	"gazpacho/pkg/router"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// handlers are the worker's own methods; all others belong to a router.
var handlers = map[string]func(w *Worker, now time.Time, r request) (any, *proto.Error){
	proto.WorkerAttach: func(w *Worker, _ time.Time, _ request) (any, *proto.Error) {
		return proto.AttachResult{Protocol: proto.Current, Instance: w.instance, RouterIDs: keys(w.routers)}, nil
	},
	proto.WorkerClose: func(w *Worker, now time.Time, _ request) (any, *proto.Error) {
		w.loop.Post(func(time.Time) { w.cancel() }) // after the answer
		return nil, nil
	},
	proto.WorkerDumpMethod:         func(w *Worker, _ time.Time, _ request) (any, *proto.Error) { return w.dump(), nil },
	proto.WorkerResourceUsage:      func(_ *Worker, _ time.Time, _ request) (any, *proto.Error) { return resourceUsage() },
	proto.WorkerUpdateTURN:         body((*Worker).updateTURN),
	proto.TURNDumpMethod:           func(w *Worker, _ time.Time, _ request) (any, *proto.Error) { return w.dumpTURN(), nil },
	proto.WorkerUpdateSettings:     body((*Worker).updateSettings),
	proto.WorkerCreateWebRTCServer: body((*Worker).createServer),
	proto.WorkerCloseWebRTCServer:  body((*Worker).closeServer),
	proto.WorkerCreateRouter:       body((*Worker).createRouter),
	proto.WorkerCloseRouter:        body((*Worker).closeRouter),
	proto.WebRTCServerDumpMethod: func(w *Worker, _ time.Time, r request) (any, *proto.Error) {
		s := w.servers[r.HandlerID]
		if s == nil {
			return nil, proto.NotFound("webRtcServer", r.HandlerID)
		}
		return s.Dump(), nil
	},
}

// body reads the body of a request and calls f with it.
func body[B any](f func(w *Worker, now time.Time, b *B) (any, *proto.Error)) func(*Worker, time.Time, request) (any, *proto.Error) {
	return func(w *Worker, now time.Time, r request) (any, *proto.Error) {
		b := new(B)
		if err := r.Decode(b); err != nil {
			return nil, err
		}
		return f(w, now, b)
	}
}

// slow are the methods that take too long for the loop. They answer later, and whatever happens meanwhile goes ahead.
var slow = map[string]func(w *Worker, now time.Time, r request){
	proto.WorkerGetStats:   (*Worker).getStats,
	proto.WorkerGetProfile: (*Worker).getProfile,
}

// serve answers one request, on the loop.
func (w *Worker) serve(now time.Time, r request) {
	if h := slow[r.Method]; h != nil {
		h(w, now, r)
		return
	}
	result, err := w.dispatch(now, r)
	r.Respond(result, err)
}

func (w *Worker) dispatch(now time.Time, r request) (any, *proto.Error) {
	if h := handlers[r.Method]; h != nil {
		return h(w, now, r)
	}
	if !router.Handles(r.Method) {
		return nil, &proto.Error{Name: proto.TypeErrorName, Code: proto.CodeUnknownMethod, Message: "unknown method " + r.Method}
	}
	owner := w.owners[r.HandlerID]
	if owner == nil {
		return nil, proto.NotFound("handler", r.HandlerID)
	}
	return owner.HandleRequest(now, router.Request{
		Method: r.Method, HandlerID: r.HandlerID, Decode: r.Decode,
	})
}

func (w *Worker) createServer(_ time.Time, b *proto.CreateWebRTCServer) (any, *proto.Error) {
	switch {
	case b.WebRTCServerID == "":
		return nil, proto.BadField("webRtcServerId", "is empty")
	case w.servers[b.WebRTCServerID] != nil || w.owners[b.WebRTCServerID] != nil:
		return nil, proto.Duplicate("webRtcServer", b.WebRTCServerID)
	case len(b.ListenInfos) == 0:
		return nil, proto.BadField("listenInfos", "is empty")
	}
	s, err := transport.NewServer(b.WebRTCServerID, b.ListenInfos, w.env)
	if err != nil {
		return nil, err
	}
	w.servers[b.WebRTCServerID] = s
	return s.Dump(), nil
}

func (w *Worker) closeServer(now time.Time, b *proto.CloseWebRTCServer) (any, *proto.Error) {
	s := w.servers[b.WebRTCServerID]
	if s == nil {
		return nil, proto.NotFound("webRtcServer", b.WebRTCServerID)
	}
	s.Close(now)
	delete(w.servers, b.WebRTCServerID)
	return nil, nil
}

func (w *Worker) createRouter(_ time.Time, b *proto.CreateRouter) (any, *proto.Error) {
	if b.RouterID == "" {
		return nil, proto.BadField("routerId", "is empty")
	}
	r := router.New(b.RouterID, w.env, ids{w})
	if !(ids{w}).Claim(b.RouterID, r) {
		return nil, proto.Duplicate("router", b.RouterID)
	}
	w.routers[b.RouterID] = r
	return nil, nil
}

func (w *Worker) closeRouter(now time.Time, b *proto.CloseRouter) (any, *proto.Error) {
	r := w.routers[b.RouterID]
	if r == nil {
		return nil, proto.NotFound("router", b.RouterID)
	}
	r.Close(now)
	delete(w.routers, b.RouterID)
	delete(w.owners, b.RouterID)
	return nil, nil
}

// ids is the table of ids as routers see it.
type ids struct{ w *Worker }

// Claim gives id to r unless it is taken.
func (i ids) Claim(id string, r *router.Router) bool {
	if i.w.owners[id] != nil || i.w.servers[id] != nil {
		return false
	}
	i.w.owners[id] = r
	return true
}

// Release frees an id.
func (i ids) Release(id string) { delete(i.w.owners, id) }

// Server finds a WebRtcServer.
func (i ids) Server(id string) *transport.Server { return i.w.servers[id] }

func (w *Worker) dump() proto.WorkerDump {
	handlers := append(keys(w.servers), keys(w.owners)...)
	slices.Sort(handlers)
	return proto.WorkerDump{
		PID: w.hello().PID, WebRTCServerIDs: keys(w.servers), RouterIDs: keys(w.routers),
		ChannelMessageHandlers: proto.ChannelMessageHandlers{
			ChannelRequestHandlers: handlers, ChannelNotificationHandlers: []string{},
		},
	}
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for id := range m {
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}
