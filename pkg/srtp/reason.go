package srtp

// Reason says why a packet was not taken. Whoever drops the packet counts it under the reason; none of them ends a session.
type Reason uint8

// What Unprotect answers.
const (
	OK           Reason = iota
	TooShort            // no room for header, index and tag
	TooLong             // more than a protected packet of rtp.MaxPacketSize
	Malformed           // wrong version, or CSRCs or extension that do not fit
	NotEncrypted        // RTCP with the E flag off: our profiles all encrypt
	Replayed            // this index was taken before
	TooOld              // behind the replay window
	AuthFailed          // the tag is wrong
	NumReasons
)

var reasonNames = [NumReasons]string{
	OK:           "ok",
	TooShort:     "tooShort",
	TooLong:      "tooLong",
	Malformed:    "malformed",
	NotEncrypted: "notEncrypted",
	Replayed:     "replayed",
	TooOld:       "tooOld",
	AuthFailed:   "authFailed",
}

// String returns the reason's name, as counters carry it.
func (r Reason) String() string {
	if r < NumReasons {
		return reasonNames[r]
	}
	return "unknown"
}
