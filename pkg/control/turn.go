package control

import (
	"context"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// UpdateTURN has the worker relay for clients, or changes how.
func (w *Worker) UpdateTURN(ctx context.Context, s proto.TURNSettings) error {
	return w.client.Request(ctx, proto.WorkerUpdateTURN, "", s, nil)
}

// TURNDump tells the allocations of the worker's clients.
func (w *Worker) TURNDump(ctx context.Context) (proto.TURNDump, error) {
	return ask[proto.TURNDump](ctx, w, proto.TURNDumpMethod, "", nil)
}

// ObserveTURN has f hear what happens to allocations: name is one of proto's events turn.*. It is called once, before UpdateTURN.
func (w *Worker) ObserveTURN(f func(name string, e proto.TURNEvent)) {
	w.listen("", listener{object: turnObserver(f)}, 0)
}

// turnObserver gets the events that are about no object but the worker.
type turnObserver func(name string, e proto.TURNEvent)

func (o turnObserver) event(name string, body channel.Raw) {
	switch name {
	case proto.EventTURNCreated, proto.EventTURNRefreshed, proto.EventTURNMoved, proto.EventTURNEnded, proto.EventTURNDenied:
		var e proto.TURNEvent
		if channel.Decode(body, &e) == nil {
			o(name, e)
		}
	}
}
