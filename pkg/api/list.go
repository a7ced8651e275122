package api

import (
	"cmp"
	"slices"

	"gazpacho/proto"
)

// worker finds a worker that runs.
func (s *Server) worker(id string) *workerOf {
	for _, w := range s.cfg.Workers.Running() {
		if idOf(w) == id {
			return w
		}
	}
	return nil
}

// stranger finds the worker that something lives in that no client has made; nil if nothing has this id.
func (s *Server) stranger(id string) *workerOf {
	for _, w := range s.cfg.Workers.Running() {
		if w.Has(id) {
			return w
		}
	}
	return nil
}

func (k *call) listWorkers() (any, error) {
	slots := k.server.cfg.Workers.Stats().Slots
	list := make([]proto.WorkerInfo, len(slots))
	for i := range list {
		list[i] = proto.WorkerInfo{Slot: i, State: "dead"}
	}
	for _, w := range k.server.cfg.Workers.Running() {
		if w.Slot < len(list) && w.Err() == nil {
			list[w.Slot] = proto.WorkerInfo{Slot: w.Slot, State: "running", WorkerID: idOf(w), PID: w.Hello().PID, Load: w.Load(), Routers: w.Routers()}
		}
	}
	return list, nil
}

// listRouters tells of the rooms' routers, too: they are those nobody of us has made.
func (k *call) listRouters() (any, error) {
	list := []proto.RouterInfo{}
	for _, w := range k.server.cfg.Workers.Running() {
		for _, id := range w.RouterIDs() {
			info := proto.RouterInfo{RouterID: id, WorkerID: idOf(w), Owner: proto.OwnerRooms}
			if h := k.server.reg.holding(ofRouter, id); h != nil {
				info.Owner = k.server.reg.ownerOf(h)
			}
			list = append(list, info)
		}
	}
	slices.SortFunc(list, func(a, b proto.RouterInfo) int { return cmp.Compare(a.RouterID, b.RouterID) })
	return list, nil
}

func (k *call) listWebRTCServers() (any, error) {
	reg := k.server.reg
	reg.mu.Lock()
	defer reg.mu.Unlock()
	list := []proto.WebRTCServerInfo{}
	for _, h := range reg.holdings {
		if h.server != nil {
			list = append(list, proto.WebRTCServerInfo{WebRTCServerID: h.id, WorkerID: idOf(h.worker), Owner: h.ownerID()})
		}
	}
	slices.SortFunc(list, func(a, b proto.WebRTCServerInfo) int { return cmp.Compare(a.WebRTCServerID, b.WebRTCServerID) })
	return list, nil
}

func (r *registry) ownerOf(h *holding) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return h.ownerID()
}

// ownerID names the owner. The registry is locked.
func (h *holding) ownerID() string {
	if h.owner == nil {
		return ""
	}
	return h.owner.id
}

// opened finds a holding for a request that names it in its body.
func (k *call) opened(kind, id string) (*holding, error) {
	if h := k.server.reg.holding(kind, id); h != nil {
		return h, nil
	}
	if k.server.stranger(id) != nil {
		return nil, proto.Failed(proto.CodeForbidden, "%q belongs to the controller's rooms", clip(id))
	}
	return nil, proto.NotFound(kind, clip(id))
}

// openRouter tells a client of a router's events from now on, and what is in it.
func (k *call) openRouter() (any, error) {
	b, err := decode[proto.OpenRouter](k)
	if err != nil {
		return nil, err
	}
	h, err := k.opened(ofRouter, b.RouterID)
	if err != nil {
		return nil, err
	}
	if err := k.server.reg.watch(h, k.session, b.Own); err != nil {
		return nil, err
	}
	return k.server.reg.contents(h), nil
}

// watch has a client told of what happens, and may make it the owner.
func (r *registry) watch(h *holding, c *session, own bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h.ended {
		return proto.NotFound(h.kind, h.id)
	}
	h.watchers[c] = struct{}{}
	if own {
		h.owner = c
	}
	return nil
}

func (k *call) takeWebRTCServer() (any, error) {
	b, err := decode[proto.TakeWebRTCServer](k)
	if err != nil {
		return nil, err
	}
	h, err := k.opened(ofServer, b.WebRTCServerID)
	if err != nil {
		return nil, err
	}
	return nil, k.server.reg.watch(h, k.session, true)
}

func (k *call) leaveRouter() (any, error) {
	b, err := decode[proto.LeaveRouter](k)
	if err != nil {
		return nil, err
	}
	h, err := k.opened(ofRouter, b.RouterID)
	if err != nil {
		return nil, err
	}
	reg := k.server.reg
	reg.mu.Lock()
	defer reg.mu.Unlock()
	if _, watches := h.watchers[k.session]; !watches {
		return nil, proto.InvalidState("router %q is not open", h.id)
	}
	delete(h.watchers, k.session)
	if h.owner == k.session {
		h.owner = nil
	}
	return nil, nil
}

// contents is what there is in a router.
func (r *registry) contents(h *holding) proto.RouterContents {
	capabilities := h.router.RTPCapabilities()
	r.mu.Lock()
	defer r.mu.Unlock()
	c := proto.RouterContents{
		RouterID: h.id, WorkerID: idOf(h.worker), Owner: h.ownerID(), RTPCapabilities: capabilities,
		Transports: []proto.TransportContents{}, RTPObservers: []proto.ObserverContents{},
	}
	transports := map[*object]*proto.TransportContents{}
	var order []*object
	for o := range h.parts {
		if o.handle == nil {
			continue
		}
		switch o.kind {
		case "rtpObserver":
			c.RTPObservers = append(c.RTPObservers, proto.ObserverContents{RTPObserverID: o.id, Type: o.sort})
		case "transport":
			order = append(order, o)
			transports[o] = &proto.TransportContents{
				TransportID: o.id, Type: o.sort, Producers: []proto.ProducerContents{}, ConsumerIDs: []string{},
				DataProducers: []proto.ProducerContents{}, DataConsumerIDs: []string{},
			}
		}
	}
	for o := range h.parts {
		if t := transports[o.transport]; t != nil && o.handle != nil {
			o.addTo(t)
		}
	}
	slices.SortFunc(order, func(a, b *object) int { return cmp.Compare(a.id, b.id) })
	for _, o := range order {
		c.Transports = append(c.Transports, *transports[o])
	}
	return c
}

// addTo lists a producer or consumer.
func (o *object) addTo(t *proto.TransportContents) {
	p := proto.ProducerContents{ID: o.id, HandlerID: o.address}
	switch o.kind {
	case "producer":
		t.Producers = append(t.Producers, p)
	case "consumer":
		t.ConsumerIDs = append(t.ConsumerIDs, o.id)
	case "dataProducer":
		t.DataProducers = append(t.DataProducers, p)
	case "dataConsumer":
		t.DataConsumerIDs = append(t.DataConsumerIDs, o.id)
	}
}
