package ice

// Drop is why an agent did not act on a STUN message.
type Drop uint8

// The reasons. Those before DropUnknownAttribute are silent, in the order of the gates (R-ICE-2); the rest are of authenticated
// requests, which are answered.
const (
	DropClosed           Drop = iota // the agent is closed
	DropMalformed                    // no STUN message, or one whose attributes do not fit
	DropFingerprint                  // FINGERPRINT absent or wrong
	DropNotRequest                   // no Binding request
	DropUsername                     // USERNAME absent or not ours
	DropBudget                       // from a source with too many failures
	DropIntegrity                    // MESSAGE-INTEGRITY absent or wrong
	DropUnknownAttribute             // answered with 420
	DropRoleConflict                 // answered with 487
	DropBadRequest                   // answered with 400
	DropReplayed                     // answered, but seen before: it moves nothing
	NumDrops
)

var dropNames = [NumDrops]string{
	"stunClosed", "stunMalformed", "stunFingerprint", "stunNotRequest", "stunUsername", "stunBudget", "stunIntegrity",
	"stunUnknownAttribute", "stunRoleConflict", "stunBadRequest", "stunReplayed",
}

// String returns the key under which statistics show the reason.
func (d Drop) String() string { return dropNames[d] }

// Answered tells whether the message got an answer all the same.
func (d Drop) Answered() bool { return d >= DropUnknownAttribute }

// Drops counts by reason.
type Drops [NumDrops]uint64

func (a *Agent) drop(d Drop) {
	a.drops[d]++
	a.totals[d]++
}
