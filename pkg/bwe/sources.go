package bwe

import "time"

const (
	maxSources    = 16
	sourceTimeout = 2 * time.Second
)

// sources are the streams heard of late, which a REMB names.
type sources struct {
	ssrcs   [maxSources]uint32
	heardAt [maxSources]time.Time
	n       int
}

// heard notes that a packet of ssrc came. When all places are taken by streams that live, a further one is not named.
func (s *sources) heard(now time.Time, ssrc uint32) {
	for i, known := range s.ssrcs[:s.n] {
		if known == ssrc {
			s.heardAt[i] = now
			return
		}
	}
	if s.n == maxSources {
		s.expire(now)
	}
	if s.n < maxSources {
		s.ssrcs[s.n], s.heardAt[s.n] = ssrc, now
		s.n++
	}
}

// live returns the streams that were heard within the timeout, borrowed.
func (s *sources) live(now time.Time) []uint32 {
	s.expire(now)
	return s.ssrcs[:s.n]
}

func (s *sources) expire(now time.Time) {
	kept := 0
	for i := range s.n {
		if now.Sub(s.heardAt[i]) < sourceTimeout {
			s.ssrcs[kept], s.heardAt[kept] = s.ssrcs[i], s.heardAt[i]
			kept++
		}
	}
	s.n = kept
}
