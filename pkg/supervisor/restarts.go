package supervisor

import (
	"math/rand/v2"
	"time"
)

// How often a worker is restarted (SECURITY.md, Processes): at once after the first death, then in steps that double up to
// maxDelay; too many deaths in a short time and the slot rests, since a crash that comes back with its rooms costs them more than
// a missing worker does.
const (
	firstDelay  = 100 * time.Millisecond
	maxDelay    = 5 * time.Second
	deathsIn    = 60 * time.Second
	tooMany     = 5
	quarantine  = 5 * time.Minute
	delayJitter = 0.2 // up to this share more, so that the workers of one crash do not come back as one
)

// restarts remembers the deaths of one slot.
type restarts struct {
	deaths []time.Time // within deathsIn
}

// died counts a death and tells how long to wait before the next start, and whether the slot is in quarantine.
func (r *restarts) died(now time.Time) (delay time.Duration, quarantined bool) {
	recent := r.deaths[:0]
	for _, at := range r.deaths {
		if now.Sub(at) < deathsIn {
			recent = append(recent, at)
		}
	}
	r.deaths = append(recent, now)
	if len(r.deaths) >= tooMany {
		r.deaths = r.deaths[:0]
		return quarantine, true
	}
	return jitter(backoff(len(r.deaths))), false
}

// backoff is the pause before the start after the n-th death in a row.
func backoff(n int) time.Duration {
	if n <= 1 {
		return 0
	}
	return min(firstDelay<<min(n-2, 16), maxDelay)
}

func jitter(d time.Duration) time.Duration {
	return d + time.Duration(rand.Float64()*delayJitter*float64(d))
}
