// Package ice is an ICE-lite agent: checks, tuples, nomination, consent.
//
// A lite agent (RFC 8445 section 2.5) sends no checks. It answers those of its peer, which is always
// controlling, learns the tuples they come from, and sends media to the one the peer nominates.
package ice

import (
	"time"

	"gazpacho/pkg/timer"
	"gazpacho/pkg/tuple"
)

// MaxTuples is how many tuples an agent remembers (R-ICE-4).
const MaxTuples = 8

// Bounds of the consent timeout (R-ICE-5).
const (
	MinConsentTimeout = 5 * time.Second
	MaxConsentTimeout = 60 * time.Second
)

// State is the progress of an agent.
type State uint8

// The states. An agent that lost consent or its last tuple is disconnected, and the next check
// connects it again.
const (
	New          State = iota
	Connected          // a tuple is selected, none was nominated yet
	Completed          // the peer nominated the selected tuple
	Disconnected       // consent expired, or the selected tuple went and no other was there
	Closed
)

// String returns the name the channel protocol uses.
func (s State) String() string {
	switch s {
	case New:
		return "new"
	case Connected:
		return "connected"
	case Completed:
		return "completed"
	case Disconnected:
		return "disconnected"
	default:
		return "closed"
	}
}

// Config is what an agent is made of.
type Config struct {
	UsernameFragment string // at least 4 characters (RFC 8839 section 5.4)
	Password         string // at least 22
	ConsentTimeout   time.Duration
	Timers           *timer.Queue
	Totals           *Drops // counted along with the agent's own, for all agents of an owner; may be nil
}

// Handler is the owner of an agent, told synchronously what a call changed. It must not call the
// agent back, but for RemoveTuple from within ICETupleRemoved, which does nothing there.
//
// Of one check: tuples first, then the selection, then the state.
type Handler interface {
	ICEState(now time.Time, s State)
	ICESelected(now time.Time, t tuple.Tuple)

	// ICETupleAdded and ICETupleRemoved keep the owner's map of tuples true. The connection
	// behind a removed TCP tuple is to be closed.
	ICETupleAdded(t tuple.Tuple)
	ICETupleRemoved(t tuple.Tuple)

	// ICEUsernameForgotten reports that a username fragment given to NewAgent or Restart is
	// accepted no more.
	ICEUsernameForgotten(fragment string)
}
