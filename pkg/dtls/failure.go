package dtls

import "errors"

// Failure is why a handshake was given up.
type Failure uint8

// The reasons. What the last attempt came to is the reason where the time ran out: nothing at all is FailedTimeout.
const (
	FailedTimeout     Failure = iota // the peer said nothing acceptable
	FailedFingerprint                // the peer's certificate matches no signalled fingerprint
	FailedMalformed                  // the peer's ClientHello does not parse
	FailedVersion                    // it has no DTLS 1.2
	FailedSuite                      // it has no cipher suite of ours
	FailedGroup                      // it has no elliptic curve of ours
	FailedSRTP                       // it has no SRTP profile of ours
	FailedAlert                      // the peer refused, by an authentic alert
	FailedProtocol                   // the library refused the peer
	FailedClosed                     // closed before it was over
	NumFailures
)

var failureNames = [NumFailures]string{
	"timeout", "fingerprint", "malformed", "version", "suite", "group", "srtpProfile", "alert", "protocol", "closed",
}

// String returns the name the counter is published under.
func (f Failure) String() string { return failureNames[f] }

// FailureOf classifies the reason DTLSFailed gives before the handshake was over.
func FailureOf(reason error) Failure {
	var refused Drop
	var said interface{ IsFatalOrCloseNotify() bool } // the library does not export its alerts
	switch {
	case errors.Is(reason, ErrFingerprint):
		return FailedFingerprint
	case errors.As(reason, &refused):
		switch refused {
		case DropHelloVersion:
			return FailedVersion
		case DropHelloSuite:
			return FailedSuite
		case DropHelloGroup:
			return FailedGroup
		case DropHelloSRTP:
			return FailedSRTP
		}
		return FailedMalformed
	case errors.As(reason, &said):
		return FailedAlert
	case reason == ErrTimeout: // itself: wrapped, it has a cause
		return FailedTimeout
	}
	return FailedProtocol
}

// Handshakes counts the handshakes of the associations that share it.
type Handshakes struct {
	Running   int    // begun, and neither completed nor given up
	Started   uint64 // the first attempt of each association
	Completed uint64
	Restarted uint64 // attempts after a failed or stalled one, with fresh state
	Evicted   uint64 // attempts that made room for another's, since their peers stood still
	Failed    [NumFailures]uint64
}

func (h *Handshakes) begin() {
	h.Started++
	h.Running++
}

func (h *Handshakes) complete() {
	h.Completed++
	h.Running--
}

func (h *Handshakes) giveUp(why Failure) {
	h.Failed[why]++
	h.Running--
}
