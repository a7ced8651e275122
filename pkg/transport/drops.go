package transport

// Drop is why a received or outgoing packet went no further.
type Drop uint8

// The reasons, counted per transport and per server.
const (
	DropMalformed      Drop = iota // not RTP, RTCP, STUN or DTLS, or not well-formed
	DropUnknownTuple               // nobody's 5-tuple, and no STUN
	DropUnknownUser                // STUN for a user name fragment we don't have
	DropUnauthorized               // from a tuple that has not passed an ICE check
	DropNoKeys                     // media before DTLS connected
	DropSRTPAuth                   // failed authentication
	DropSRTPReplay                 // replayed, or too old
	DropSRTPMalformed              // too short for its profile
	DropUnknownStream              // authenticated, but no producer expects it
	DropTooManyStreams             // over the limit of streams per transport
	DropNotOpen                    // outgoing, but there is no selected tuple or no key
	DropProtect                    // outgoing, but SRTP refused it
	numDrops
)

var dropNames = [numDrops]string{
	DropMalformed:      "malformed",
	DropUnknownTuple:   "unknownTuple",
	DropUnknownUser:    "unknownUsername",
	DropUnauthorized:   "unauthorizedTuple",
	DropNoKeys:         "noKeys",
	DropSRTPAuth:       "srtpAuthentication",
	DropSRTPReplay:     "srtpReplay",
	DropSRTPMalformed:  "srtpMalformed",
	DropUnknownStream:  "unknownStream",
	DropTooManyStreams: "tooManyStreams",
	DropNotOpen:        "notOpen",
	DropProtect:        "srtpProtect",
}

// String returns the key under which statistics show the reason.
func (d Drop) String() string { return dropNames[d] }

// drops counts by reason.
type drops [numDrops]uint64

func (d *drops) add(reason Drop) { d[reason]++ }

// table returns the reasons that occurred.
func (d *drops) table() map[string]uint64 {
	var t map[string]uint64
	for reason, n := range d {
		if n == 0 {
			continue
		}
		if t == nil {
			t = make(map[string]uint64)
		}
		t[dropNames[reason]] = n
	}
	return t
}
