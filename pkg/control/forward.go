package control

import (
	"context"

	"gazpacho/pkg/channel"
)

// Forward hands a request on to the worker as it is, and its answer back. It is for requests that change nothing a handle keeps.
func (w *Worker) Forward(ctx context.Context, method, handlerID string, body channel.Raw) (channel.Raw, error) {
	return ask[channel.Raw](ctx, w, method, handlerID, body)
}

// ForwardBinary hands a binary notification on.
func (w *Worker) ForwardBinary(event, handlerID string, meta channel.Raw, payload []byte) error {
	return w.client.NotifyBinary(event, handlerID, meta, payload)
}

// Has tells whether anything in the worker that has events has this id.
func (w *Worker) Has(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.objects[id]
	return ok
}

// RouterIDs are those of its routers, in no order.
func (w *Worker) RouterIDs() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]string, 0, len(w.routers))
	for id := range w.routers {
		ids = append(ids, id)
	}
	return ids
}
