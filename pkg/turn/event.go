package turn

import (
	"net/netip"

	"gazpacho/pkg/tuple"
)

// EventKind is what happened to an allocation.
type EventKind uint8

// The kinds.
const (
	Created EventKind = iota
	Refreshed
	Moved  // to another 5-tuple (RFC 8016)
	Ended  // see Event.Reason
	Denied // an authenticated request was refused; see Event.Code
)

var eventNames = [...]string{"created", "refreshed", "moved", "ended", "denied"}

// String returns "created", "refreshed" and so on.
func (k EventKind) String() string { return eventNames[k] }

// EndReason is why an allocation ended.
type EndReason uint8

// The reasons.
const (
	EndNone     EndReason = iota
	EndExpired            // nobody refreshed it
	EndDeleted            // by a Refresh with LIFETIME 0
	EndClosed             // the client's connection ended
	EndRevoked            // Server.End
	EndShutdown           // Server.Close
)

var endNames = [...]string{"", "expired", "deleted", "closed", "revoked", "shutdown"}

// String returns "expired" and so on.
func (r EndReason) String() string { return endNames[r] }

// Event is something an operator may want to know. Username is hostile text of at most 508 bytes.
type Event struct {
	Kind     EventKind
	ID       uint64 // of the allocation; 0 with Denied if there is none
	Client   tuple.Tuple
	Listener *Listener
	Relay    netip.AddrPort // the first relayed address, as announced
	Username string
	Class    UserClass
	Reason   EndReason // of Ended
	Code     int       // of Denied: the error code the client got
	Method   string    // of Denied
}
