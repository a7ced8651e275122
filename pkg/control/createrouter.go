package control

import (
	"context"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// RouterOptions are what a router is made of and who is told.
type RouterOptions struct {
	ID          string // made up if empty
	MediaCodecs []proto.RTPCodecCapability

	// Event is told of every event of what is in the router, after the handle it is about. It may be nil.
	Event  func(channel.Notification)
	Closed func(Reason) // the worker is gone; may be nil
}

// CreateRouter makes a router that forwards the given codecs. Errors: those of ortc.GenerateRouterRTPCapabilities.
func (w *Worker) CreateRouter(ctx context.Context, o RouterOptions) (*Router, error) {
	capabilities, refused := capabilitiesOf(o.MediaCodecs)
	if refused != nil {
		return nil, refused
	}
	r := w.newRouter(o)
	r.capabilities = capabilities
	return kept(r, r.open(ctx, "", proto.CreateRouter{RouterID: r.id}, nil))
}

func (w *Worker) newRouter(o RouterOptions) *Router {
	o.ID = IDOr(o.ID)
	return &Router{
		worker: w, id: o.ID, opts: o, transports: map[string]*Transport{}, observers: map[string]rtpObserver{}, producers: map[string]*Producer{},
		dataProducers: map[string]*DataProducer{}, pairs: map[*Router]*joint{},
	}
}

// open asks for the router. It is known before: an end in between must reach it.
func (r *Router) open(ctx context.Context, workerID string, body, result any) error {
	if err := r.worker.adopt(r); err != nil {
		return err
	}
	if err := r.worker.client.Request(ctx, proto.WorkerCreateRouter, workerID, body, result); err != nil {
		undo(err, r.Close, r.end)
		return err
	}
	return nil
}

// event hears of an end by somebody else; there are no others.
func (r *Router) event(name string, body channel.Raw) {
	if name == proto.EventRouterClosed {
		heedEnd(body, r.closeBy)
	}
}
