package turn

// Drop is why a message got no answer, or a packet was not relayed.
type Drop uint8

// The reasons.
const (
	DropMalformed    Drop = iota // no STUN message, or lengths that do not fit
	DropFingerprint              // a wrong FINGERPRINT
	DropNotRequest               // a response, or an indication that is not for servers
	DropBudget                   // unauthenticated, from a source that had its answers
	DropAmplifying               // any answer would be too long for the request
	DropNoAllocation             // data from a client without an allocation
	DropNoPermission             // data to or from a peer without a permission
	DropNoChannel                // ChannelData on a channel that is not bound
	DropDenied                   // data to a peer that the policy denies
	DropRate                     // over the allocation's bitrate or packet rate
	DropTooLong                  // longer than a slot
	DropLoop                     // TURN to a media port of ours
	DropClosed                   // to a relay that is closed
	DropNoSocket                 // to a peer whose relay's socket could not be opened
	NumDrops
)

var dropNames = [NumDrops]string{
	"malformed", "fingerprint", "notRequest", "budget", "amplifying", "noAllocation", "noPermission", "noChannel", "denied", "rate", "tooLong",
	"loop", "closed", "noSocket",
}

// String returns the key under which statistics show the reason.
func (d Drop) String() string { return dropNames[d] }
