package api

import (
	"context"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

type contextOf = context.Context

// place finds the worker a router or WebRtcServer shall live in.
func (k *call) place(pid int) (*workerOf, error) {
	if k.worker != nil {
		if pid != 0 && k.worker.Hello().PID != pid {
			return nil, proto.BadField("pid", "%d is not that of worker %q", pid, idOf(k.worker))
		}
		return k.worker, nil
	}
	if pid != 0 {
		for _, w := range k.server.cfg.Workers.Running() {
			if w.Hello().PID == pid {
				return w, nil
			}
		}
		return nil, proto.BadField("pid", "no worker is process %d", pid)
	}
	ctx, cancel := context.WithTimeout(k, placeTimeout)
	defer cancel()
	w, err := k.server.cfg.Workers.Place(ctx)
	if err != nil {
		return nil, proto.InvalidState("no worker runs")
	}
	return w, nil
}

// placed makes something on a worker, and on another if the one that was chosen dies under it.
func (k *call) placed(pid int, make func(w *workerOf) (any, error)) (any, error) {
	for {
		w, err := k.place(pid)
		if err != nil {
			return nil, err
		}
		result, err := make(w)
		if err == nil || w.Err() == nil || k.worker != nil || pid != 0 || k.Err() != nil {
			return result, err
		}
	}
}

func (k *call) createRouter() (any, error) {
	b, err := decode[proto.NewRouter](k)
	if err != nil {
		return nil, err
	}
	return k.placed(b.PID, func(w *workerOf) (any, error) {
		h := &holding{kind: ofRouter, id: control.IDOr(b.RouterID), worker: w}
		reg := k.server.reg
		if err := reg.hold(h, k.session); err != nil {
			return nil, err
		}
		router, err := w.CreateRouter(k, control.RouterOptions{
			ID: h.id, MediaCodecs: b.MediaCodecs,
			Event:  func(n channel.Notification) { reg.event(h, n) },
			Closed: func(why control.Reason) { reg.gone(h, why) },
		})
		if err != nil {
			reg.release(h)
			return nil, err
		}
		if !reg.settle(h, func() { h.router = router }) {
			return nil, proto.InvalidState("the worker is gone")
		}
		return proto.RouterCreated{RouterID: h.id, WorkerID: idOf(w), RTPCapabilities: router.RTPCapabilities()}, nil
	})
}

// settle lets requests in to what was made, unless it has ended by now.
func (r *registry) settle(h *holding, set func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	set()
	return !h.ended
}

func (k *call) closeRouter() (any, error) {
	b, err := decode[proto.CloseRouter](k)
	if err != nil {
		return nil, err
	}
	return k.closeHolding(ofRouter, b.RouterID)
}

func (k *call) closeWebRTCServer() (any, error) {
	b, err := decode[proto.CloseWebRTCServer](k)
	if err != nil {
		return nil, err
	}
	return k.closeHolding(ofServer, b.WebRTCServerID)
}

// closeHolding closes a router or WebRtcServer, of the worker that the request is addressed to if it is to one.
func (k *call) closeHolding(kind, id string) (any, error) {
	h, err := k.opened(kind, id)
	if err != nil {
		return nil, err
	}
	if k.worker != nil && k.worker != h.worker {
		return nil, proto.NotFound(kind, clip(id))
	}
	k.server.reg.close(h, k.session)
	return nil, nil
}

func (k *call) createWebRTCServer() (any, error) {
	b, err := decode[proto.NewWebRTCServer](k)
	if err != nil {
		return nil, err
	}
	return k.placed(b.PID, func(w *workerOf) (any, error) {
		h := &holding{kind: ofServer, id: control.IDOr(b.WebRTCServerID), worker: w}
		reg := k.server.reg
		if err := reg.hold(h, k.session); err != nil {
			return nil, err
		}
		server, err := w.OpenWebRTCServer(k, control.WebRTCServerOptions{
			ID: h.id, ListenInfos: b.ListenInfos, Closed: func(why control.Reason) { reg.gone(h, why) },
		})
		if err != nil {
			reg.release(h)
			return nil, err
		}
		if !reg.settle(h, func() { h.server = server }) {
			return nil, proto.InvalidState("the worker is gone")
		}
		dump, err := server.Dump(k)
		return proto.WebRTCServerCreated{WebRTCServerDump: dump, WorkerID: idOf(w)}, err
	})
}

func (k *call) updateMediaCodecs() (any, error) {
	b, err := decode[proto.UpdateMediaCodecs](k)
	if err != nil {
		return nil, err
	}
	if err := k.of.router.UpdateMediaCodecs(k, b.MediaCodecs); err != nil {
		return nil, err
	}
	return k.of.router.RTPCapabilities(), nil
}

func (k *call) canConsume() (any, error) {
	b, err := decode[proto.CanConsume](k)
	if err != nil {
		return nil, err
	}
	return proto.CanConsumeResult{CanConsume: k.of.router.CanConsume(b.ProducerID, b.RTPCapabilities)}, nil
}
