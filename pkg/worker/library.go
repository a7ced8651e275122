package worker

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"gazpacho/pkg/fbwire"
	"gazpacho/proto"
)

// LibraryConfig is how the mediasoup library that started the worker is reached.
type LibraryConfig struct {
	In, Out          io.ReadWriteCloser // what it writes to, and what it reads
	Schema           string             // directory of its .fbs files
	MinPort, MaxPort uint16             // for sockets that name neither a port nor a range; 0: the worker's own
}

// Library is its channel, in FlatBuffers.
type Library struct{ conn *fbwire.Conn }

// OpenLibrary reads the schema and opens the channel, for log lines of the start already. The error is a *SettingError: a schema that cannot be read, or
// that lacks something.
func OpenLibrary(cfg LibraryConfig) (*Library, error) {
	schema, err := fbwire.Load(cfg.Schema)
	if err != nil {
		return nil, &SettingError{Setting: "mediasoup-fbs", Err: err}
	}
	var ports *proto.PortRange
	if cfg.MaxPort != 0 {
		ports = &proto.PortRange{Min: max(cfg.MinPort, 1), Max: cfg.MaxPort}
	}
	codec, err := fbwire.Compile(schema, ports)
	if err != nil {
		return nil, &SettingError{Setting: "mediasoup-fbs", Err: fmt.Errorf("%s: %w", cfg.Schema, err)}
	}
	return &Library{fbwire.NewConn(codec, cfg.In, cfg.Out)}, nil
}

// LogHandler returns a handler that sends records to the library's own log.
func (l *Library) LogHandler(level slog.Leveler) slog.Handler { return l.conn.LogHandler(level) }

// IsLibraryGone tells whether Run ended because the library, or the process it was in, has ended.
func IsLibraryGone(err error) bool { return errors.Is(err, fbwire.ErrRemoteClosed) }

// IsProtocolError tells whether Run ended because the library sent what cannot be.
func IsProtocolError(err error) bool {
	var e *fbwire.ProtocolError
	return errors.As(err, &e)
}

// serve leads what the library asks to the loop. There is no attaching: the library is the worker's controller, and the worker ends with it.
func (l *Library) serve(w *Worker) wire {
	l.conn.Handle(fbwire.Handlers{
		Request: func(r fbwire.Request) { w.requested(libraryRequest(r)) },
		Notification: func(n fbwire.Notification) {
			w.notified(notification{Event: n.Event, HandlerID: n.HandlerID, Payload: n.Payload, Decode: n.Decode, size: n.Size()})
		},
		Close: func() { w.loop.Post(func(time.Time) { w.cancel() }) },
	})
	return l.conn
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
