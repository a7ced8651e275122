package ice

import (
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/timer"
	"gazpacho/pkg/tuple"
)

// Agent is one ICE-lite agent. It is not safe for concurrent use.
type Agent struct {
	// Passed in.
	handler        Handler
	consentTimeout time.Duration // 0 is off
	totals         *Drops

	// Owned.
	consent  *timer.Timer
	seen     transactions
	failures budget

	// State.
	state        State
	drops        Drops
	current      credentials
	previous     credentials // after Restart, until the peer uses the current ones
	tuples       []entry     // at most MaxTuples
	selected     tuple.Tuple
	hasSelected  bool
	mediaAt      time.Time // when media last came from the selected tuple, or it was selected
	nomination   uint32    // the highest so far
	consentUntil time.Time
}

// credentials are a username fragment with its password; without integrity there are none.
type credentials struct {
	fragment  string
	password  string
	integrity *stun.Integrity
}

func newCredentials(fragment, password string) credentials {
	return credentials{fragment: fragment, password: password, integrity: stun.NewIntegrity([]byte(password))}
}

func (c *credentials) valid() bool { return c.integrity != nil }

// NewAgent makes an agent in state New. A consent timeout other than 0 is brought into its bounds.
func NewAgent(cfg Config, h Handler) *Agent {
	a := &Agent{
		handler: h,
		totals:  cfg.Totals,
		current: newCredentials(cfg.UsernameFragment, cfg.Password),
		tuples:  make([]entry, 0, 1), // many peers never need more
	}
	if a.totals == nil {
		a.totals = new(Drops)
	}
	if cfg.ConsentTimeout != 0 {
		a.consentTimeout = min(max(cfg.ConsentTimeout, MinConsentTimeout), MaxConsentTimeout)
		a.consent = cfg.Timers.New(a.consentDue)
	}
	a.seen.reset()
	return a
}

// State returns the state.
func (a *Agent) State() State { return a.state }

// UsernameFragment and Password are the credentials given last, for the peer to use.
func (a *Agent) UsernameFragment() string { return a.current.fragment }

// Password belongs to UsernameFragment.
func (a *Agent) Password() string { return a.current.password }

// Drops returns what the agent did not act on, by reason.
func (a *Agent) Drops() Drops { return a.drops }

// Selected returns the tuple media is sent to.
func (a *Agent) Selected() (tuple.Tuple, bool) { return a.selected, a.hasSelected }

// KnowsTuple tells whether a valid check came from the tuple: only then may DTLS and SRTP be read
// from it (R-DTLS-1).
func (a *Agent) KnowsTuple(t tuple.Tuple) bool {
	return a.hasSelected && t == a.selected || a.find(t) >= 0
}

// Restart begins an ICE restart (RFC 8445 section 9): the peer is to use new credentials. Until its
// first check with them the old ones go on to work, and so does media.
func (a *Agent) Restart(now time.Time, fragment, password string) {
	if a.state == Closed {
		return
	}
	// After two restarts in a row the peer still uses the credentials of before the first: the ones
	// in the middle are those to give up.
	unused := a.current
	if !a.previous.valid() {
		a.previous, unused = a.current, credentials{}
	}
	a.current = newCredentials(fragment, password)
	if a.consentRunning() {
		a.renewConsent(now) // time for signaling and new checks
	}
	if unused.valid() {
		a.handler.ICEUsernameForgotten(unused.fragment)
	}
}

// restarted ends a restart: the peer has shown that it uses the current credentials. Its nomination
// values may begin again, and what it sent under the old password can no more be replayed.
func (a *Agent) restarted() {
	old := a.previous
	a.previous = credentials{}
	a.nomination = 0
	a.seen.reset()
	a.handler.ICEUsernameForgotten(old.fragment)
}

// Close removes all tuples and forgets all usernames. It emits no state. Closing again does nothing.
func (a *Agent) Close() {
	if a.state == Closed {
		return
	}
	a.state = Closed
	a.stopConsent()
	a.removeAll()
	if a.previous.valid() {
		a.handler.ICEUsernameForgotten(a.previous.fragment)
	}
	a.handler.ICEUsernameForgotten(a.current.fragment)
}

func (a *Agent) setState(now time.Time, s State) {
	if a.state != s {
		a.state = s
		a.handler.ICEState(now, s)
	}
}
