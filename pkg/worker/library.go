package worker

import (
	"time"

	"gazpacho/pkg/fbwire"
	"gazpacho/proto"
)

// serveLibrary leads what a mediasoup library asks to the loop. There is no attaching: the library that started the worker is its controller, and the
// worker ends with it.
func (w *Worker) serveLibrary(conn *fbwire.Conn) wire {
	conn.Handle(fbwire.Handlers{
		Request: func(r fbwire.Request) { w.requested(libraryRequest(r)) },
		Notification: func(n fbwire.Notification) {
			w.notified(notification{Event: n.Event, HandlerID: n.HandlerID, Payload: n.Payload, Decode: n.Decode, size: n.Size()})
		},
		Close: func() { w.loop.Post(func(time.Time) { w.cancel() }) },
	})
	return conn
}

func libraryRequest(r fbwire.Request) request {
	if r.Method == proto.DataConsumerSend {
		return sendRequest(r)
	}
	return request{Method: r.Method, HandlerID: r.HandlerID, Decode: r.Decode, Respond: r.Respond}
}

// sendRequest answers as a library expects: of what waits for the peer, what is under way is left out, and the message that was just sent is. We
// count it until it is acknowledged.
func sendRequest(r fbwire.Request) request {
	size := 0
	return request{
		Method: r.Method, HandlerID: r.HandlerID,
		Decode: func(into any) *proto.Error {
			err := r.Decode(into)
			if b, ok := into.(*proto.SendData); ok {
				size = max(len(b.Data), 1) // an empty message travels as one byte (RFC 8831 section 6.6)
			}
			return err
		},
		Respond: func(result any, refused *proto.Error) {
			if b, ok := result.(proto.BufferedAmount); ok {
				b.BufferedAmount = max(b.BufferedAmount-size, 0)
				result = b
			}
			r.Respond(result, refused)
		},
	}
}
