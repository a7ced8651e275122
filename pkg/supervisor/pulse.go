package supervisor

import "time"

// The watchdog: a worker whose loop answers no request for silence is stopped or spins, and is replaced within 2 s of the fault.
const (
	beatEvery = 250 * time.Millisecond
	silence   = 1500 * time.Millisecond
	// lateness of our own beats by more than this means that we, or the whole machine, did not get to run: what the worker
	// said meanwhile was not heard, so its silence proves nothing.
	lateness = beatEvery
	// maxSilence is for a worker that would answer if it got to run. Killing it would make a machine that has too much to do
	// busier still.
	maxSilence = 10 * time.Second
)

// cpuTime is what a process's threads did since they began: run, and wait for a processor while they could have run.
type cpuTime struct{ ran, waited time.Duration }

// pulse decides whether a worker lives.
type pulse struct {
	heardAt time.Time // when it answered last, or was given another chance
	used    cpuTime   // by then
	beatAt  time.Time
}

func newPulse(now time.Time) pulse { return pulse{heardAt: now, beatAt: now} }

// beat is called every beatEvery with whether the worker has answered since, and the processor time that it has used. It tells
// whether the worker is to be taken for dead.
func (p *pulse) beat(now time.Time, heard bool, used cpuTime) (dead bool) {
	if heard || now.Sub(p.beatAt) > beatEvery+lateness {
		p.heardAt, p.used = now, used
	}
	p.beatAt = now
	silent := now.Sub(p.heardAt)
	return silent > maxSilence || silent > silence && !p.starves(silent, used)
}

// starves tells whether a silent worker is one that does not get to run. One that was stopped waits for nothing, and one that spins
// runs more than it waits, unless it has to share its processor.
func (p *pulse) starves(silent time.Duration, used cpuTime) bool {
	ran, waited := used.ran-p.used.ran, used.waited-p.used.waited
	return waited > silent/2 && waited > ran
}
