// Package sctp hides pion/sctp and its goroutines behind events on the loop.
//
// An Association is loop state: every method of it, and every function it is given except Post, is called on the loop. The library
// runs in an island that knows the loop by Post alone. It takes four goroutines: the library reads packets in one (wire.go, which also
// takes messages off its streams), writes them in another and keeps time in a third; the fourth hands it messages (writer.go). None
// is made for a stream or a message.
//
// The library accepts any amount of data and never gives up on a peer. So what may wait is the caller's decision, told what is
// Released; and what has to wait longer than the library needs for its window stays in queues of ours, which can be dropped.
package sctp

import (
	"errors"
	"net"
	"time"
)

// The peer is dead when something waits for it and it said nothing, though asked, for deathChecks times deathInterval.
const (
	deathInterval = 10 * time.Second
	deathChecks   = 3
)

// ErrSilent is the failure of an association whose peer does not acknowledge what it was sent.
var ErrSilent = errors.New("sctp: the peer is silent")

// State is the life of an association, by the names of the channel protocol.
type State string

// The states, in the order they can come. The last two are final.
const (
	StateConnecting State = "connecting"
	StateConnected  State = "connected"
	StateFailed     State = "failed"
	StateClosed     State = "closed"
)

// Stream is one stream in both directions, and how reliable what we send on it is. The zero value is ordered and reliable.
type Stream struct {
	ID                uint16
	Unordered         bool
	MaxRetransmits    *uint16
	MaxPacketLifeTime *uint16 // milliseconds
}

// Message is one that came. Its payload is the callee's to keep.
type Message struct {
	Stream  uint16
	PPID    uint32
	Payload []byte
}

// Release says that of what was sent on a stream some bytes wait no longer, and which number of messages that completed.
type Release struct {
	Stream          uint16
	Bytes, Messages int
}

// Capabilities are the numbers of streams both sides agreed on.
type Capabilities struct {
	Outbound, Inbound uint16
}

// Events is told, on the loop, what becomes of an association. Connected or Failed comes first; after Connected, Closed or Failed.
type Events interface {
	SCTPConnected(now time.Time, c Capabilities)
	SCTPFailed(now time.Time, reason error)
	// SCTPClosed means that the peer ended the association, or what it runs on ended.
	SCTPClosed(now time.Time)
	SCTPMessages(now time.Time, list []Message)
	SCTPReleased(now time.Time, list []Release)
	// SCTPStreamClosed means that the peer closed a stream: what waited on it is discarded.
	SCTPStreamClosed(now time.Time, id uint16)
}

// Config is what an association is made of.
type Config struct {
	Conn   net.Conn // one packet per Read and Write; its read deadline is the island's
	Events Events
	// Post runs f on the loop. It is called from any goroutine, and never blocks.
	Post func(f func(now time.Time))
	// Timer calls f on the loop at a time, unless stop is called before.
	Timer func(at time.Time, f func(now time.Time)) (stop func())

	MaxSendMessage    int // bytes
	MaxReceiveMessage int // bytes; larger ones are dropped
	ReceiveWindow     int // bytes
	Counters          *Counters
}

// Association is one SCTP association with one peer.
type Association struct {
	// Passed in.
	cfg Config

	// Owned.
	island *island

	// State.
	state     State
	ended     bool // the island is over; its success may be told after its end
	waiting   int  // about how many bytes were sent and not released
	heard     uint64
	silences  int
	stopDeath func()
}

// New makes an association and begins to connect it. Both sides do; the library resolves the collision (RFC 9260 section 5.2.1).
func New(cfg Config) *Association {
	a := &Association{cfg: cfg, state: StateConnecting, stopDeath: func() {}}
	a.island = newIsland(a)
	a.island.start()
	return a
}

// State returns where the association is.
func (a *Association) State() State { return a.state }

// Open declares a stream. Messages that come on undeclared streams are handed on as well, but of a few such streams only.
func (a *Association) Open(s Stream) { a.command(command{kind: commandOpen, stream: s}) }

// CloseStream discards what waits on a stream and resets it, which tells the peer (RFC 8831 section 6.7). Nothing is released.
func (a *Association) CloseStream(id uint16) {
	a.command(command{kind: commandClose, stream: Stream{ID: id}})
}

// Send sends a message on an open stream. The payload is kept and never written to.
func (a *Association) Send(now time.Time, id uint16, ppid uint32, payload []byte) {
	if a.state != StateConnected {
		return
	}
	if a.waiting <= 0 {
		a.waiting = 0
		a.silences, a.heard = 0, a.island.heard.Load()
		a.watch(now)
	}
	a.waiting += len(payload)
	a.command(command{kind: commandSend, stream: Stream{ID: id}, ppid: ppid, payload: payload})
}

func (a *Association) command(c command) {
	if a.state == StateConnecting || a.state == StateConnected {
		a.island.command(c)
	}
}

// watch looks for signs of life while something waits.
func (a *Association) watch(now time.Time) {
	a.stopDeath()
	a.stopDeath = a.cfg.Timer(now.Add(deathInterval), func(now time.Time) {
		heard := a.island.heard.Load()
		switch {
		case a.waiting <= 0:
			return
		case heard != a.heard:
			a.heard, a.silences = heard, 0
		default:
			a.silences++
		}
		if a.silences == deathChecks {
			a.fail(now, ErrSilent)
			return
		}
		// A peer whose window is closed has nothing to say until it is asked, and the library asks ever more rarely.
		a.command(command{kind: commandPing})
		a.watch(now)
	})
}

func (a *Association) fail(now time.Time, reason error) {
	a.stop(StateFailed)
	a.cfg.Events.SCTPFailed(now, reason)
}

func (a *Association) stop(s State) {
	a.state = s
	a.stopDeath()
	a.island.shut()
}

// Close ends the association. It does not wait for the island, and no event follows. The peer is not told: whoever closes what the
// association runs on tells it that.
func (a *Association) Close() {
	if a.state == StateConnecting || a.state == StateConnected {
		a.stop(StateClosed)
	}
}

// What the island posts.

func (a *Association) connected(now time.Time, c Capabilities) {
	if a.state != StateConnecting {
		return
	}
	a.state = StateConnected
	a.cfg.Events.SCTPConnected(now, c)
	if a.ended && a.state == StateConnected {
		a.over(now)
	}
}

// unconnected hears that the handshake failed.
func (a *Association) unconnected(now time.Time, reason error) {
	if a.state == StateConnecting {
		a.fail(now, reason)
	}
}

// over hears that the library is done with its connection.
func (a *Association) over(now time.Time) {
	a.ended = true
	if a.state == StateConnected {
		a.stop(StateClosed)
		a.cfg.Events.SCTPClosed(now)
	}
}

func (a *Association) received(now time.Time, list []Message) {
	if a.state == StateConnected {
		a.cfg.Events.SCTPMessages(now, list)
	}
}

func (a *Association) released(now time.Time, list []Release) {
	if a.state != StateConnected {
		return
	}
	for _, r := range list {
		a.waiting -= r.Bytes
	}
	a.cfg.Events.SCTPReleased(now, list)
}

// discarded hears that bytes of a stream that was given up wait no longer.
func (a *Association) discarded(bytes int) { a.waiting -= bytes }

func (a *Association) streamClosed(now time.Time, id uint16) {
	if a.state == StateConnected {
		a.cfg.Events.SCTPStreamClosed(now, id)
	}
}
