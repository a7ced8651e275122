package channel

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"gazpacho/proto"
)

// flushTimeout is how long a closing end waits for its peer to read what is still queued.
const flushTimeout = time.Second

// link is what both ends have in common: a connection, the frames coming in and the queue going out. Its writer is a
// goroutine of its own; its reader is the goroutine of whoever calls receive. So neither direction waits for the other: with
// one goroutine for both, two ends that fill each other's socket buffers would wait for ever.
//
// It ends once, for the first reason that comes up: the connection is closed, which wakes the reader and the writer, and both
// return. The owner waits for them.
type link struct {
	conn net.Conn
	in   frameReader // of the reader goroutine alone
	out  *queue

	mu     sync.Mutex
	cause  error         // why it ended: the first reason wins
	ended  chan struct{} // closed when it ended
	writer chan struct{} // closed when the writer has returned
}

// newLink starts the writer of conn; the reader is the caller's goroutine.
func newLink(conn net.Conn) *link {
	l := &link{conn: conn, out: newQueue(), ended: make(chan struct{}), writer: make(chan struct{})}
	l.in.r = conn
	go l.write()
	return l
}

// end closes the connection at once because of err.
func (l *link) end(err error) {
	l.mu.Lock()
	first := l.cause == nil
	if first {
		l.cause = err
		close(l.ended)
	}
	l.mu.Unlock()
	if first {
		l.out.close()
		l.conn.Close()
	}
}

// finish lets nothing more in, waits until what is queued was read, though not for long, and closes.
func (l *link) finish(err error) {
	l.out.close()
	l.conn.SetWriteDeadline(time.Now().Add(flushTimeout))
	<-l.writer
	l.end(err)
}

// reason is why the link ended: nil while it lives.
func (l *link) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// write is the writer goroutine: it gathers small frames into one write.
func (l *link) write() {
	defer close(l.writer)
	var batch []*entry
	var scratch []byte
	for {
		var more bool
		batch, more = l.out.take(batch[:0])
		if len(batch) == 0 {
			if !more {
				return
			}
			<-l.out.wake
			continue
		}
		// Copying small frames together is cheaper than a vector of them; a large one is alone in its batch.
		out := batch[0].frame
		if len(batch) > 1 {
			out = scratch[:0]
			for _, e := range batch {
				out = append(out, e.frame...)
			}
			scratch = out
		}
		_, err := l.conn.Write(out)
		l.out.wrote(len(out))
		for i, e := range batch {
			e.release()
			batch[i] = nil
		}
		if err != nil {
			l.end(err)
			return
		}
	}
}

// post queues a sealed entry without blocking. A reader that has stalled is cut off: dropping state would leave it with a
// picture that is wrong for good, while a new connection starts from dumps.
func (l *link) post(e *entry) {
	if err := l.out.put(e); errors.Is(err, errStalled) {
		l.end(err)
	}
}

// postWait queues a sealed entry and waits for room if there is none.
func (l *link) postWait(ctx context.Context, e *entry) error {
	if err := l.out.putWait(ctx, e); err != nil {
		e.release()
		return err
	}
	return nil
}

// receive reads the next envelope. An error is the end of the connection, since nobody knows where the next frame begins.
func (l *link) receive() (envelope, error) {
	frame, err := l.in.next()
	if err != nil {
		return envelope{}, err
	}
	e, err := parse(frame)
	if err != nil {
		return envelope{}, violation("%v", err)
	}
	return e, nil
}

// notify queues an event or, if payload is not nil, a binary one.
func (l *link) notify(class proto.Class, target, event string, body any, payload []byte) error {
	return l.notifyFrom(nil, class, target, event, body, payload)
}

// notifyFrom is notify with an origin, unless that is empty.
func (l *link) notifyFrom(origin Raw, class proto.Class, target, event string, body any, payload []byte) error {
	e := newEntry(class)
	if class == proto.Coalesce {
		e.key = key{topic: proto.Event{Name: event}.Topic(), target: target}
	}
	var err error
	if payload != nil {
		e.frame, err = appendBinary(e.frame, event, target, body, payload)
	} else {
		e.frame, err = appendNotification(e.frame, event, target, body)
	}
	if err == nil {
		e.frame = appendOrigin(e.frame, origin)
	}
	if err == nil && !e.seal(MaxFrame) {
		err = proto.Failed(proto.CodeLimit, "%s is longer than %d bytes", event, MaxFrame)
	}
	if err != nil {
		e.release()
		return err
	}
	l.post(e)
	return nil
}

// gone tells whether err is only that the peer, or we, closed the connection.
func gone(err error) bool {
	return err == nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, errClosed) || reset(err)
}
