package sctp

import (
	"sync"
	"sync/atomic"
	"time"

	pion "github.com/pion/sctp"
)

const (
	// mtu is what a packet may measure: DTLS, UDP and IPv6 headers on top make less than the 1280 bytes any path carries.
	mtu = 1191
	// maxEntries is how many pieces of messages one stream may hold for reassembly; more of them than that is an attack, which ends the association.
	maxEntries = 8192
	// maxBackoff is the longest pause between retransmissions, in milliseconds: after an outage that ICE survives, data should not
	// wait for another minute.
	maxBackoff = 10_000
	// maxBacklog is how many bytes of messages may be on their way to the loop. Beyond it nothing is taken off the streams, so that
	// the peer's window closes.
	maxBacklog = 2 << 20
)

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// island is one association of the library, with the goroutines that run it. It knows the loop by Post alone: it touches nothing
// of Association but passes it on in what it posts.
type island struct {
	// Passed in.
	owner    *Association
	post     func(func(now time.Time))
	maxSend  int
	maxRead  int
	window   int
	counters *Counters

	// Owned.
	wire   *wire
	writer *writer

	// Shared by the loop and the island's goroutines.
	heard   atomic.Uint64 // packets that came
	backlog atomic.Int64  // bytes of messages that were posted and not handled
	library atomic.Pointer[pion.Association]

	mu       sync.Mutex
	wake     sync.Cond // for the writer
	inbox    []command
	sacked   bool // acknowledgements came
	closed   bool
	declared map[uint16]struct{}
}

func newIsland(a *Association) *island {
	i := &island{
		owner: a, post: a.cfg.Post, maxSend: a.cfg.MaxSendMessage, maxRead: a.cfg.MaxReceiveMessage, window: a.cfg.ReceiveWindow,
		counters: a.cfg.Counters, declared: map[uint16]struct{}{},
	}
	i.wake.L = &i.mu
	i.wire = newWire(i, a.cfg.Conn)
	i.writer = newWriter(i)
	return i
}

func (i *island) start() { go i.run() }

// run connects, and then writes until the end.
func (i *island) run() {
	library, err := pion.ClientWithOptions(
		pion.WithNetConn(i.wire),
		pion.WithLoggerFactory(silence{}),
		pion.WithName("gazpacho"),
		pion.WithMTU(mtu),
		pion.WithMaxMessageSize(uint32(i.maxSend)),
		pion.WithMaxReceiveBufferSize(uint32(i.window)),
		pion.WithMaxReassemblyQueueEntries(maxEntries),
		pion.WithRTOMax(maxBackoff),
	)
	if err != nil {
		i.shut()
		<-i.wire.done // the connection is free for another try
		i.post(func(now time.Time) { i.owner.unconnected(now, err) })
		return
	}
	c := i.wire.capabilities()
	i.post(func(now time.Time) { i.owner.connected(now, c) })
	i.library.Store(library)
	i.wire.poke() // messages may have come already
	i.writer.run(library)
}

// command hands the writer something to do.
func (i *island) command(c command) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return
	}
	if c.kind == commandOpen {
		i.declared[c.stream.ID] = struct{}{}
	}
	if c.kind == commandClose {
		delete(i.declared, c.stream.ID)
	}
	i.inbox = append(i.inbox, c)
	i.wake.Signal()
}

// acknowledged tells the writer that there may be room.
func (i *island) acknowledged() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.sacked = true
	i.wake.Signal()
}

// isDeclared tells whether a stream was opened.
func (i *island) isDeclared(id uint16) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, ok := i.declared[id]
	return ok
}

// shut makes the island unwind. It is not waited for.
func (i *island) shut() {
	i.mu.Lock()
	i.closed = true
	i.inbox = nil
	i.wake.Signal()
	i.mu.Unlock()
	i.wire.poke()
}

func (i *island) isClosed() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.closed
}

// deliver posts messages to the loop.
func (i *island) deliver(list []Message, bytes int) {
	i.backlog.Add(int64(bytes))
	i.post(func(now time.Time) {
		i.owner.received(now, list)
		if left := i.backlog.Add(-int64(bytes)); left < maxBacklog && left+int64(bytes) >= maxBacklog {
			i.wire.poke()
		}
	})
}
