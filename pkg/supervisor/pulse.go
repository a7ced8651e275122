package supervisor

import "time"

// The watchdog: a worker whose loop answers no request for silence is stopped or spins, and is replaced within 2 s of the fault.
const (
	beatEvery = 250 * time.Millisecond
	silence   = 1500 * time.Millisecond
	// lateness of our own beats by more than this means that we, or the whole machine, did not get to run: what the worker
	// said meanwhile was not heard, so its silence proves nothing.
	lateness = beatEvery
)

// pulse decides whether a worker lives.
type pulse struct {
	heardAt time.Time // when it answered last, or was given another chance
	beatAt  time.Time
}

func newPulse(now time.Time) pulse { return pulse{heardAt: now, beatAt: now} }

// heard says that the worker answered.
func (p *pulse) heard(now time.Time) { p.heardAt = now }

// beat is called every beatEvery and tells whether the worker is to be taken for dead.
func (p *pulse) beat(now time.Time) (dead bool) {
	if now.Sub(p.beatAt) > beatEvery+lateness {
		p.heardAt = now
	}
	p.beatAt = now
	return now.Sub(p.heardAt) > silence
}
