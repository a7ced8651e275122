package worker

import (
	"time"

	"gazpacho/pkg/fbwire"
)

// serveLibrary leads what a mediasoup library asks to the loop. There is no attaching: the library that started the worker is its controller, and the
// worker ends with it.
func (w *Worker) serveLibrary(conn *fbwire.Conn) wire {
	conn.Handle(fbwire.Handlers{
		Request: func(r fbwire.Request) {
			w.requested(request{Method: r.Method, HandlerID: r.HandlerID, Decode: r.Decode, Respond: r.Respond})
		},
		Notification: func(n fbwire.Notification) {
			w.notified(notification{Event: n.Event, HandlerID: n.HandlerID, Payload: n.Payload, Decode: n.Decode, size: n.Size()})
		},
		Close: func() { w.loop.Post(func(time.Time) { w.cancel() }) },
	})
	return conn
}
