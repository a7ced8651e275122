package worker

import (
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// wire is this end of the channel, in whatever format it is. Calls encode before they return and do not block.
type wire interface {
	// Serve returns when the other end is gone for good, or after Close.
	Serve() error
	// Notify and NotifyBinary tell whether the event could be encoded.
	Notify(target string, e proto.Event) bool
	NotifyBinary(target, event string, meta any, payload []byte) bool
	// Dropped counts what was not sent since the other end reads too slowly.
	Dropped() uint64
	// Close lets what is queued be read, for a moment.
	Close() error
}

// request is a request, in whatever format it came.
type request struct {
	Method    string
	HandlerID string
	Decode    func(into any) *proto.Error // its body
	Respond   func(result any, refused *proto.Error)
}

// notification is one of the controller's, in whatever format it came. Payload is nil if it carries none.
type notification struct {
	Event     string
	HandlerID string
	Payload   []byte
	Decode    func(into any) *proto.Error // its body, or the meta beside the payload
	size      int                         // of the body, in bytes
}

// listen opens the channel of this project's own protocol.
func (w *Worker) listen(address string) (wire, error) {
	server, err := channel.Listen(address, channel.Config{
		Hello: w.hello(), Logger: w.cfg.Log,
		Request: func(r channel.Request) {
			w.requested(request{
				Method: r.Method, HandlerID: r.HandlerID, Respond: r.Respond,
				Decode: func(into any) *proto.Error { return channel.Decode(r.Body, into) },
			})
		},
		Notification: func(n channel.Notification) {
			w.notified(notification{
				Event: n.Event, HandlerID: n.HandlerID, Payload: n.Payload, size: len(n.Body),
				Decode: func(into any) *proto.Error { return channel.Decode(n.Body, into) },
			})
		},
		Attached: func(proto.Attach) { w.loop.Post(w.attached) },
		Detached: func() { w.loop.Post(w.detached) },
	})
	if err != nil {
		return nil, &SettingError{Setting: "channel", Err: err}
	}
	return server, nil
}

// requested takes a request. It runs on the goroutine that reads the channel.
func (w *Worker) requested(r request) { w.loop.Post(func(now time.Time) { w.serve(now, r) }) }
