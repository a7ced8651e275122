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
	elapsed, sending := now.Sub(s.heardAt), s.passed.bitrate(now)
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
func (s *Sender) Passed(size int) { s.passed.bytes += size }

// passed measures what was sent between one REMB and the next.
type passed struct {
	bytes int
	since time.Time
	last  int // bit/s
}

// passedLeast is the shortest time that says something.
const passedLeast = 200 * time.Millisecond

func (p *passed) bitrate(now time.Time) int {
	if elapsed := now.Sub(p.since); p.since.IsZero() || elapsed >= passedLeast {
		if !p.since.IsZero() {
			p.last = int(float64(p.bytes) * 8 / elapsed.Seconds())
		}
		p.bytes, p.since = 0, now
	}
	return p.last
}

// Reported takes the fraction lost of a receiver report, in 256ths (RFC 3550 section 6.4.1). With feedback it is known better already.
func (s *Sender) Reported(now time.Time, fraction uint8) {
	if s.fed {
		return
	}
	s.average.add(256, int(fraction))
	s.loss.judge(now, float64(fraction)/256, s.estimate(), s.control.roundTrip())
}
