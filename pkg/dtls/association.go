// Package dtls hides pion/dtls and its goroutines behind events on the loop.
//
// An Association is loop state: every method of it, and every function it is given except Post, is
// called on the loop. The library runs in an island (island.go) that knows nothing of the loop
// but Post, and reads only what the Association lets through: a gate checks each record, a
// reassembler rebuilds the handshake messages, and the library is handed whole messages, in order,
// once. So no datagram that is not authenticated can fill its buffers or end its connection.
//
// An association that carries no application data needs the library for the handshake only: once connected, it goes on as a remnant (remnant.go),
// which is keys and a counter on the loop.
package dtls

import (
	"errors"
	"fmt"
	"net"
	"time"
)

const (
	handshakeBudget = 30 * time.Second
	restartInterval = 200 * time.Millisecond // at most 5 handshakes are started per second
)

// The reasons DTLSFailed gives, to be told apart with errors.Is.
var (
	ErrFingerprint  = errors.New("dtls: the peer's certificate matches no signalled fingerprint")
	ErrTimeout      = errors.New("dtls: no handshake succeeded in time")
	ErrRecordBudget = errors.New("dtls: the record budget of the key is spent")
)

// State is the life of an association, by the names of the channel protocol.
type State string

// The states, in the order they can come. The last two are final.
const (
	StateNew        State = "new"
	StateConnecting State = "connecting"
	StateConnected  State = "connected"
	StateFailed     State = "failed"
	StateClosed     State = "closed"
)

// Role is who sends the ClientHello. Auto is what signaling may say before it is decided.
type Role string

// The roles, by the names of the channel protocol.
const (
	Auto   Role = "auto"
	Client Role = "client"
	Server Role = "server"
)

// Events is told, on the loop, what becomes of an association. Connecting comes when the association was
// started and is ready; then Connected or Failed; after Connected, Closed or Failed.
type Events interface {
	DTLSConnecting(now time.Time)
	DTLSConnected(now time.Time, keys Keys)
	// DTLSFailed says why: the peer is not who signaling said, or the handshake took too long.
	DTLSFailed(now time.Time, reason error)
	// DTLSClosed means that the peer ended the association.
	DTLSClosed(now time.Time)
}

// Config is what an association is made of. All fields are needed but Profiles and Data.
type Config struct {
	Certificate *Certificate
	Profiles    []Profile // SRTP profiles in our order of preference; nil is DefaultProfiles
	Data        bool      // application data is wanted: see Association.Data
	Events      Events
	// Post runs f on the loop. It is called from any goroutine, and never blocks.
	Post func(f func(now time.Time))
	// Send sends one DTLS datagram to the peer. The slice is borrowed. It is called once
	// more during or after Close, with the close_notify, and may ignore that.
	Send func(now time.Time, datagram []byte)
	// Timer calls f on the loop at a time, unless stop is called before.
	Timer    func(at time.Time, f func(now time.Time)) (stop func())
	Limiter  *Limiter  // shared by the associations of a worker
	Counters *Counters // what the gate dropped, and handshakes
}

// Association is one DTLS association with one peer: at most one of its handshakes succeeds, and
// failed ones are repeated with fresh state for 30 seconds.
type Association struct {
	// Passed in.
	cfg    Config
	role   Role // Auto until Start
	remote []digest

	gcmRecords int // see island.budget

	// Owned.
	hellos  reassembler // ClientHellos, before there is an attempt to give them to
	current *attempt    // nil while a server waits for a ClientHello, or a client for its next try

	// State.
	state      State
	ready      bool
	gate       gate
	hello      *clientHello // acceptable, and not answered yet
	nextAt     time.Time    // when the next attempt may start
	attempts   int          // so far
	failure    error        // why the last attempt or ClientHello came to nothing
	stopBudget func()
	stopRetry  func()
}

// New makes an association that holds a ClientHello but answers nothing until Start and Ready.
func New(cfg Config) *Association {
	if cfg.Profiles == nil {
		cfg.Profiles = DefaultProfiles()
	}
	return &Association{
		cfg: cfg, role: Auto, gcmRecords: gcmRecords, state: StateNew, gate: gate{data: cfg.Data},
		stopBudget: none, stopRetry: none,
	}
}

// State returns where the association is.
func (a *Association) State() State { return a.state }

// Role returns our role: Auto until Start.
func (a *Association) Role() Role { return a.role }

// Start gives the association what signaling says: our role, and the fingerprints of which the peer's
// certificate must match one. The errors are about the arguments; nothing has changed then.
func (a *Association) Start(now time.Time, role Role, remote []Fingerprint) error {
	if a.state != StateNew || a.role != Auto {
		return errors.New("dtls: already started")
	}
	if role != Client && role != Server {
		return fmt.Errorf("dtls: role %q is neither client nor server", role)
	}
	digests, err := parseFingerprints(remote)
	if err != nil {
		return err
	}
	a.role, a.remote = role, digests
	if role == Client {
		a.hello, a.hellos = nil, reassembler{}
	}
	a.connect(now)
	return nil
}

// Ready tells the association that there is a way to the peer: Send works from here on. The handshake begins
// when both Start and Ready have come, and its 30 seconds with it.
func (a *Association) Ready(now time.Time) {
	if a.state == StateNew && !a.ready {
		a.ready = true
		a.connect(now)
	}
}

func (a *Association) connect(now time.Time) {
	if a.role == Auto || !a.ready {
		return
	}
	a.state = StateConnecting
	a.cfg.Counters.Handshakes.begin()
	a.stopBudget = a.cfg.Timer(now.Add(handshakeBudget), func(now time.Time) {
		if a.failure != nil {
			a.fail(now, fmt.Errorf("%w: %w", ErrTimeout, a.failure))
			return
		}
		a.fail(now, ErrTimeout)
	})
	a.cfg.Events.DTLSConnecting(now)
	a.advance(now)
}

// advance starts the next attempt as soon as there is something to attempt and the limits allow it.
func (a *Association) advance(now time.Time) {
	switch {
	case a.state != StateConnecting:
		return
	case a.role == Server && a.hello == nil, a.role == Client && a.current != nil:
		return
	case a.current != nil && now.Before(a.current.stalledAt()):
		a.retry(a.current.stalledAt())
		return
	case now.Before(a.nextAt):
		a.retry(a.nextAt)
		return
	case !a.cfg.Limiter.take(a):
		if a.cfg.Limiter.evict(now) {
			a.cfg.Counters.Handshakes.Evicted++
		}
		a.drop(DropLimit)
		a.retry(now.Add(restartInterval))
		return
	}
	if a.current != nil {
		a.current.cancel()
	}
	if !a.nextAt.IsZero() {
		a.cfg.Counters.Handshakes.Restarted++
	}
	a.nextAt = now.Add(restartInterval)
	a.attempts++
	a.current = newAttempt(now, a)
	a.cfg.Limiter.run(a.current)
	a.hello = nil
	a.current.start()
}

// retry has advance called again. A later call replaces an earlier one.
func (a *Association) retry(at time.Time) {
	a.stopRetry()
	a.stopRetry = a.cfg.Timer(at, a.advance)
}

// handshakeOver hears, once per attempt, how its handshake ended. By then the association may have gone on to
// another attempt, or be over.
func (a *Association) handshakeOver(now time.Time, at *attempt, out outcome, err error) {
	defer a.cfg.Limiter.release(now, at) // after us: we may have another try
	if a.current != at || a.state != StateConnecting {
		return
	}
	if err == nil {
		a.state = StateConnected
		a.cfg.Counters.Handshakes.complete()
		a.stopTimers()
		a.gate.finish(now)
		a.hello, a.hellos = nil, reassembler{}
		at.finish(out.data, out.remnant)
		a.cfg.Events.DTLSConnected(now, out.keys)
		at.catchUp(now)
		return
	}
	a.current, a.failure = nil, err
	if errors.Is(err, ErrFingerprint) {
		a.fail(now, err)
		return
	}
	a.advance(now)
}

// ended hears that a connected attempt is over; err is nil when the peer ended it.
func (a *Association) ended(now time.Time, at *attempt, err error) {
	if a.current != at {
		return
	}
	a.current = nil
	if a.state != StateConnected {
		return
	}
	if err != nil {
		a.drop(DropBudget)
		a.fail(now, err)
		return
	}
	a.state = StateClosed
	a.cfg.Events.DTLSClosed(now)
}

func (a *Association) fail(now time.Time, reason error) {
	if a.state == StateConnecting {
		a.cfg.Counters.Handshakes.giveUp(FailureOf(reason))
	}
	a.state = StateFailed
	a.stopTimers()
	if a.current != nil {
		a.current.cancel()
		a.current = nil
	}
	a.hello, a.hellos = nil, reassembler{}
	a.cfg.Events.DTLSFailed(now, reason)
}

// Close ends the association: a connected peer is sent a close_notify. It does not wait for the island, and no
// event follows. Closing twice does nothing.
func (a *Association) Close(now time.Time) {
	if a.state == StateFailed || a.state == StateClosed {
		return
	}
	connected := a.state == StateConnected
	if a.state == StateConnecting {
		a.cfg.Counters.Handshakes.giveUp(FailedClosed)
	}
	a.state = StateClosed
	a.stopTimers()
	a.hello, a.hellos = nil, reassembler{}
	if a.current == nil {
		return
	}
	at := a.current
	at.cancel()
	switch {
	case !connected:
		a.current = nil
	case at.remnant != nil:
		a.current = nil
		at.remnant.goodbye(now, a)
	default: // the attempt has its last words to say: see outgoing
	}
}

// Data returns where application data is read and written, one message per Read and Write, or nil
// unless the association is connected and Config.Data was set. What nobody reads is dropped beyond
// mailbox.Bulk messages. It is for the goroutines of another island, and ends with the association.
func (a *Association) Data() net.Conn {
	if a.state != StateConnected || !a.cfg.Data {
		return nil
	}
	return a.current.data
}

func (a *Association) stopTimers() {
	a.stopBudget()
	a.stopRetry()
	a.stopBudget, a.stopRetry = none, none // and let go of the timers
	a.cfg.Limiter.leave(a)
}

// none stops a timer that is not set.
func none() {}

func (a *Association) drop(why Drop) { a.cfg.Counters.count(why) }
