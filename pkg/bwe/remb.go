package bwe

import (
	"math"
	"time"
)

// REMB takes the peer's own estimate in bit/s, 0 is no limit (draft-alvestrand-rmcat-remb-03). Beside feedback it is a ceiling.
//
// Without feedback it is the estimate where it is below what is sent. Otherwise it is bound by what is sent, as nobody can see more than
// that arrive, and says only that this much fits: the estimate grows slowly, for the application to try a little more.
func (s *Sender) REMB(now time.Time, bitrate int) {
	bitrate = min(max(bitrate, 0), rembMost)
	s.remb = bitrate
	if s.fed {
		return
	}
	elapsed, sending := now.Sub(s.heardAt), s.passing(now)
	if bitrate == 0 {
		return
	}
	s.heardAt = now
	before := s.estimate()
	switch {
	case bitrate < sending || float64(bitrate) > s.control.bitrate:
		s.control.bitrate = max(float64(bitrate), minBitrate)
	case elapsed > 0:
		grown := s.control.bitrate * math.Pow(increaseFactor, min(elapsed, time.Second).Seconds())
		s.control.bitrate = max(s.control.bitrate, min(grown, 2*float64(sending), float64(s.Most())))
	}
	s.loss.lift(s.control.bitrate)
	if after := s.estimate(); after < before {
		s.overAt = now
	}
}

// rembMost is more than any peer receives: the field could say 2^81 bit/s.
const rembMost = 10_000_000_000

// Passed notes bytes that were sent without a transport-wide sequence number.
func (s *Sender) Passed(size int) { s.passed += size }

// sending is how much was sent between one REMB and the next.
type sending struct {
	since   time.Time
	bitrate int
}

// sendingLeast is the shortest time that says something.
const sendingLeast = 200 * time.Millisecond

// passing returns the bitrate of what was sent of late.
func (s *Sender) passing(now time.Time) int {
	m := &s.sending
	if elapsed := now.Sub(m.since); m.since.IsZero() || elapsed >= sendingLeast {
		if !m.since.IsZero() {
			m.bitrate = int(float64(s.passed) * 8 / elapsed.Seconds())
		}
		s.passed, m.since = 0, now
	}
	return m.bitrate
}

// Reported takes the fraction lost of a receiver report, in 256ths (RFC 3550 section 6.4.1). With feedback it is known better already.
func (s *Sender) Reported(now time.Time, fraction uint8) {
	if s.fed {
		return
	}
	s.average.add(256, int(fraction))
	s.loss.judge(now, float64(fraction)/256, s.estimate(), s.control.roundTrip())
}
