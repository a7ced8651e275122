package sctp

import (
	"time"

	pion "github.com/pion/sctp"
)

// feed is how many bytes the library is given ahead of acknowledgements: what its window may need. The rest waits in queues of ours.
const feed = 1 << 20

// Messages of the data channel establishment protocol (RFC 8832 section 5).
const (
	dcepAck  = 2
	dcepOpen = 3
)

type commandKind uint8

const (
	commandOpen  commandKind = iota
	commandClose             // discard what waits, reset
	commandSend
	commandReset // the peer has reset the stream
	commandPing  // ask the peer for a sign of life
	commandAck   // answer a DATA_CHANNEL_OPEN: channels are agreed on by signaling, but some peers wait for it
)

// command is one thing for the writer to do.
type command struct {
	kind    commandKind
	stream  Stream
	ppid    uint32
	payload []byte
	handle  *pion.Stream // of commandReset
}

// writer hands messages to the library, in turn of streams, and reports what was acknowledged. All of it belongs to one goroutine.
type writer struct {
	island  *island
	library *pion.Association
	streams map[uint16]*outbound
	ready   []*outbound // with messages that wait for the library
	active  []*outbound // with messages the library has
}

func newWriter(i *island) *writer { return &writer{island: i, streams: map[uint16]*outbound{}} }

// run is the life of the goroutine, once the association is connected.
func (w *writer) run(library *pion.Association) {
	w.library = library
	i := w.island
	for {
		i.mu.Lock()
		for !i.closed && !i.sacked && len(i.inbox) == 0 {
			i.wake.Wait()
		}
		closed, commands := i.closed, i.inbox
		i.inbox, i.sacked = nil, false
		i.mu.Unlock()
		if closed {
			return
		}
		for _, c := range commands {
			w.do(c)
		}
		w.report()
		w.feed()
	}
}

func (w *writer) do(c command) {
	if c.kind == commandPing {
		w.library.ActiveHeartbeat()
		return
	}
	o := w.streams[c.stream.ID]
	if o == nil {
		switch c.kind {
		case commandReset:
			_ = c.handle.Close() // the answer to a reset is a reset (RFC 8831 section 6.7); it fails if the association is over
			return
		case commandClose: // the peer was first: to another reset it would not answer, and the number would never be free
			return
		}
		o = &outbound{id: c.stream.ID}
		w.streams[o.id] = o
	}
	switch c.kind {
	case commandOpen:
		o.params = c.stream
		w.attach(o)
	case commandSend:
		w.queue(o, outgoing{ppid: pion.PayloadProtocolIdentifier(c.ppid), payload: c.payload})
	case commandAck:
		w.queue(o, outgoing{ppid: pion.PayloadTypeWebRTCDCEP, payload: []byte{dcepAck}, own: true})
	case commandClose:
		w.close(o)
	case commandReset:
		w.reset(o, c.handle)
	}
}

// attach has the library's stream behave as declared.
func (w *writer) attach(o *outbound) bool {
	if o.closing {
		return false
	}
	if o.stream == nil {
		s, err := w.library.OpenStream(o.id, pion.PayloadTypeWebRTCBinary)
		if err != nil {
			return false
		}
		o.stream = s
	}
	p := o.params
	switch {
	case p.MaxRetransmits != nil:
		o.stream.SetReliabilityParams(p.Unordered, pion.ReliabilityTypeRexmit, uint32(*p.MaxRetransmits))
	case p.MaxPacketLifeTime != nil:
		o.stream.SetReliabilityParams(p.Unordered, pion.ReliabilityTypeTimed, uint32(*p.MaxPacketLifeTime))
	default:
		o.stream.SetReliabilityParams(p.Unordered, pion.ReliabilityTypeReliable, 0)
	}
	return true
}

func (w *writer) queue(o *outbound, m outgoing) {
	o.pending = append(o.pending, m)
	if len(o.pending) == 1 {
		w.ready = append(w.ready, o)
	}
}

// close resets a stream. The id is free for another channel once the peer has answered with a reset of its own.
func (w *writer) close(o *outbound) {
	w.discard(o)
	if o.closing {
		return
	}
	if w.attach(o) {
		_ = o.stream.Close() // it fails if the association is over
		o.closing = true
	}
}

// reset ends what the peer has ended.
func (w *writer) reset(o *outbound, handle *pion.Stream) {
	if o.closing { // that was the answer we waited for
		o.forgetStream()
		if len(o.pending) == 0 && o.params == (Stream{}) {
			delete(w.streams, o.id)
		} else {
			w.attach(o)
		}
		return
	}
	w.discard(o)
	delete(w.streams, o.id)
	_ = handle.Close()
	id := o.id
	w.island.post(func(now time.Time) { w.island.owner.streamClosed(now, id) })
}

// discard forgets what waits on a stream; what the library has of it is no longer reported.
func (w *writer) discard(o *outbound) {
	bytes := o.buffered
	for _, m := range o.pending {
		if !m.own {
			bytes += len(m.payload)
		}
	}
	o.pending, o.sizes, o.params = nil, nil, Stream{}
	o.acknowledged, o.buffered = 0, 0
	w.ready = without(w.ready, o)
	w.active = without(w.active, o)
	if bytes > 0 {
		w.island.post(func(time.Time) { w.island.owner.discarded(bytes) })
	}
}

// feed gives the library messages, one of each stream in turn, as far as it has use for them.
func (w *writer) feed() {
	if len(w.ready) == 0 {
		return
	}
	room := feed - w.library.BufferedAmount()
	for turn := 0; len(w.ready) > 0 && room > 0; {
		o := w.ready[turn%len(w.ready)]
		if o.closing || !w.attached(o) {
			if turn++; turn >= len(w.ready) {
				return // none of them can be written to now
			}
			continue
		}
		m := o.pending[0]
		o.pending[0] = outgoing{}
		o.pending = o.pending[1:]
		room -= len(m.payload)
		w.write(o, m)
		if len(o.pending) == 0 {
			o.pending = nil
			w.ready = without(w.ready, o)
			continue
		}
		w.ready = append(without(w.ready, o), o)
	}
}

func (w *writer) attached(o *outbound) bool { return o.stream != nil || w.attach(o) }

func (w *writer) write(o *outbound, m outgoing) {
	if _, err := o.stream.WriteSCTP(m.payload, m.ppid); err != nil {
		// Too large, or the stream or the association is over: it waits for nothing.
		w.island.counters.Unsent.Add(1)
		if !m.own {
			w.release([]Release{{Stream: o.id, Bytes: len(m.payload), Messages: 1}})
		}
		return
	}
	if m.own {
		return
	}
	if len(o.sizes) == 0 {
		w.active = append(w.active, o)
	}
	o.sizes = append(o.sizes, len(m.payload))
	o.buffered += len(m.payload)
}

// report tells the loop what was acknowledged since the last time.
func (w *writer) report() {
	var list []Release
	for n := 0; n < len(w.active); {
		o := w.active[n]
		if r := o.progress(); r.Bytes > 0 {
			list = append(list, r)
		}
		if len(o.sizes) == 0 {
			w.active = without(w.active, o)
			continue
		}
		n++
	}
	if len(list) > 0 {
		w.release(list)
	}
}

func (w *writer) release(list []Release) {
	w.island.post(func(now time.Time) { w.island.owner.released(now, list) })
}
