package sctp

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	pion "github.com/pion/sctp"
)

// maxStrangers is how many streams that nobody declared are served: enough for messages that overtake signaling.
const maxStrangers = 64

// maxResets is how many streams a peer can reset at a time.
const maxResets = 1024

// wire is the library's connection. By the time the library asks for a packet it is done with the one before; so messages are taken
// off its streams here, in the library's own reading goroutine, and of the packet that comes it is noted which streams it is for.
type wire struct {
	net.Conn
	island *island

	// Of the reading goroutine.
	streams   map[uint16]inbound
	strangers int
	touched   []uint16 // streams that may have messages
	all       bool     // all of them may
	resetting []uint16 // streams the peer has asked to reset
	sacked    bool
	buffer    []byte

	peer atomic.Uint32 // the numbers of streams it offers: outbound, inbound
	once sync.Once
	done chan struct{} // closed when reading is over
}

// inbound is one stream as the reader sees it.
type inbound struct {
	stream   *pion.Stream
	stranger bool // nobody had declared it
}

// bufferSize is that of the buffer small messages are copied from, in bytes; larger ones are read where they stay.
const bufferSize = 2 << 10

func newWire(i *island, conn net.Conn) *wire {
	_ = conn.SetReadDeadline(time.Time{}) // a try before this one has left one; a closed conn says so on Read
	return &wire{Conn: conn, island: i, streams: map[uint16]inbound{}, done: make(chan struct{})}
}

// poke makes Read look around.
func (w *wire) poke() { _ = w.Conn.SetReadDeadline(past) }

// Read is called by the library's reading goroutine.
func (w *wire) Read(b []byte) (int, error) {
	for {
		if w.island.isClosed() {
			w.over()
			return 0, net.ErrClosed
		}
		w.settle()
		n, err := w.Conn.Read(b)
		switch {
		case err == nil:
			w.island.heard.Add(1)
			w.inspect(b[:n])
			return n, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			_ = w.Conn.SetReadDeadline(time.Time{})
		case !errors.Is(err, io.ErrShortBuffer): // of one packet, which is nobody's loss but the peer's
			w.over()
			return 0, err
		}
	}
}

// Close is called by the library when the association is over. What it runs on is not its to close.
func (w *wire) Close() error {
	w.island.shut()
	w.over()
	return nil
}

func (w *wire) over() {
	w.once.Do(func() {
		close(w.done)
		w.island.shut()
		w.island.post(w.island.owner.over)
	})
}

// capabilities is for the time after the handshake: the library, which has streams of all numbers, agrees to what the peer offers.
func (w *wire) capabilities() Capabilities {
	n := w.peer.Load()
	return Capabilities{Outbound: uint16(n), Inbound: uint16(n >> 16)}
}

// inspect notes what a packet is about, before the library sees it.
func (w *wire) inspect(b []byte) {
	if len(b) < commonHeader {
		return
	}
	for b = b[commonHeader:]; ; {
		c, rest, ok := nextChunk(b)
		if !ok {
			return
		}
		b = rest
		switch c.kind {
		case chunkData, chunkIData:
			if id, ok := c.stream(); ok {
				w.touch(id)
			}
		case chunkSACK:
			w.sacked = true
		case chunkForwardTSN, chunkIForwardTSN:
			w.all = true
		case chunkReconfig:
			c.eachReset(func(id uint16) {
				if len(w.resetting) < maxResets && !slices.Contains(w.resetting, id) {
					w.resetting = append(w.resetting, id)
				}
				if w.island.library.Load() != nil {
					w.open(id, true) // or the library would end a stream of ours without our noticing
				}
			})
		case chunkInit, chunkInitAck:
			if outbound, inbound, ok := c.streams(); ok {
				w.peer.Store(uint32(outbound)<<16 | uint32(inbound))
			}
		}
	}
}

// touch notes that a stream may have messages, and makes it if need be: a stream that the library makes by itself waits to be
// accepted, and nobody does.
func (w *wire) touch(id uint16) {
	early := w.island.library.Load() == nil
	if (early && len(w.touched) == maxStrangers) || (!early && !w.open(id, false)) {
		w.island.counters.UnknownStreams.Add(1)
		return
	}
	w.note(id)
}

func (w *wire) note(id uint16) {
	if !slices.Contains(w.touched, id) {
		w.touched = append(w.touched, id)
	}
}

// open makes a stream that can be read without waiting, unless there are too many that nobody declared.
func (w *wire) open(id uint16, whoever bool) bool {
	if w.streams[id].stream != nil {
		return true
	}
	stranger := !w.island.isDeclared(id)
	if stranger && w.strangers >= maxStrangers && !whoever {
		return false
	}
	s, err := w.island.library.Load().OpenStream(id, pion.PayloadTypeWebRTCBinary)
	if err != nil {
		return false
	}
	// A stream whose deadline has passed still gives what it has, and an error instead of waiting for more.
	_ = s.SetReadDeadline(past) // always nil
	w.streams[id] = inbound{stream: s, stranger: stranger}
	if stranger {
		w.strangers++
	}
	return true
}

// settle takes what came off the streams.
func (w *wire) settle() {
	if w.sacked {
		w.sacked = false
		w.island.acknowledged()
	}
	if w.island.library.Load() == nil {
		return
	}
	if w.all {
		w.all, w.touched = false, slices.Sorted(maps.Keys(w.streams))
	}
	// A reset is carried out when everything sent before it has come, perhaps on other streams.
	for _, id := range w.resetting {
		w.note(id)
	}
	// Where something is left the loop pokes as soon as it can take more; unless that was meanwhile, so it is asked again.
	for more := len(w.touched) > 0; more && w.island.backlog.Load() < maxBacklog; {
		more = w.takeAll()
	}
}

// takeAll takes what came off the streams that may have something, and reports whether some is left there.
func (w *wire) takeAll() (more bool) {
	var list []Message
	bytes := 0
	left := w.touched[:0]
	for _, id := range w.touched {
		if !w.take(id, &list, &bytes) {
			left = append(left, id)
		}
	}
	w.touched = left
	if len(list) > 0 {
		w.island.deliver(list, bytes)
	}
	return len(left) > 0
}

// take takes all messages off a stream, or reports false when there are more than the loop can take.
func (w *wire) take(id uint16, list *[]Message, bytes *int) bool {
	if !w.open(id, false) {
		return true
	}
	s := w.streams[id].stream
	for {
		if w.island.backlog.Load()+int64(*bytes) >= maxBacklog {
			return false
		}
		payload, ppid, err := w.read(s)
		n := len(payload)
		switch {
		case err == nil && n > w.island.maxRead:
			w.island.counters.TooLarge.Add(1)
		case err == nil && ppid == pion.PayloadTypeWebRTCDCEP:
			if n > 0 && payload[0] == dcepOpen {
				w.island.command(command{kind: commandAck, stream: Stream{ID: id}})
			}
		case err == nil:
			*list = append(*list, Message{Stream: id, PPID: uint32(ppid), Payload: payload})
			*bytes += n
		case errors.Is(err, os.ErrDeadlineExceeded):
			return true
		default: // the peer has reset it, or the association is over
			w.gone(id, s)
			return true
		}
	}
}

// read reads a message. The payload is the callee's.
func (w *wire) read(s *pion.Stream) ([]byte, pion.PayloadProtocolIdentifier, error) {
	if w.buffer == nil {
		w.buffer = make([]byte, bufferSize)
	}
	n, ppid, err := s.ReadSCTP(w.buffer)
	switch {
	case err == nil:
		return bytes.Clone(w.buffer[:n]), ppid, nil
	case !errors.Is(err, io.ErrShortBuffer):
		return nil, ppid, err
	}
	// The message is still there, and n its size.
	payload := make([]byte, n)
	n, ppid, err = s.ReadSCTP(payload)
	return payload[:n], ppid, err
}

// gone ends a stream the peer has reset.
func (w *wire) gone(id uint16, s *pion.Stream) {
	if w.streams[id].stranger {
		w.strangers--
	}
	delete(w.streams, id)
	w.resetting = slices.DeleteFunc(w.resetting, func(other uint16) bool { return other == id })
	w.island.command(command{kind: commandReset, stream: Stream{ID: id}, handle: s})
}
