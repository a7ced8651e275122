package supervisor

import (
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"syscall"
)

// Why workers are replaced, as Stats counts it.
const (
	DeathExited  = "exited"  // the process ended by itself
	DeathPanic   = "panic"   // it ended because of a panic
	DeathSignal  = "signal"  // somebody ended it: the system when memory is short, or a person
	DeathSilent  = "silent"  // its loop stopped or spun
	DeathChannel = "channel" // the channel to it broke, or somebody else has it
	DeathStart   = "start"   // it could not be started again
)

var reasons = [...]string{DeathExited, DeathPanic, DeathSignal, DeathSilent, DeathChannel, DeathStart}

const exitPanic = 70 // of a worker

// How watch and keep name deaths that no system call explains.
var (
	errSilent = fmt.Errorf("its loop did not answer for %v", silence)
	errExited = errors.New("it ended by itself")
	errStart  = errors.New("it does not start")
)

// Stats is how the workers fare.
type Stats struct {
	Slots []SlotStats // one for every worker that should run
}

// SlotStats is how the workers of one slot fared, one after the other.
type SlotStats struct {
	Running     bool
	Quarantined bool              // dies again and again, and rests
	Restarts    map[string]uint64 // deaths of its workers by reason, every reason present
}

// Running counts the workers that run.
func (s Stats) Running() int {
	n := 0
	for _, slot := range s.Slots {
		if slot.Running {
			n++
		}
	}
	return n
}

// Stats tells how the workers fare.
func (s *Supervisor) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]SlotStats, len(s.lives))
	for i, life := range s.lives {
		_, running := s.running[i]
		list[i] = SlotStats{Running: running, Quarantined: life.Quarantined && !running, Restarts: maps.Clone(life.Restarts)}
	}
	return Stats{Slots: list}
}

// newLives has every reason at zero, so that the first death is a change that graphs and alerts see.
func newLives(workers int) []SlotStats {
	lives := make([]SlotStats, workers)
	for i := range lives {
		lives[i].Restarts = make(map[string]uint64, len(reasons))
		for _, r := range reasons {
			lives[i].Restarts[r] = 0
		}
	}
	return lives
}

// died counts the death of a slot's worker.
func (s *Supervisor) died(slot int, err error, quarantined bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lives[slot].Restarts[reason(err)]++
	s.lives[slot].Quarantined = quarantined
}

// reason puts a death into one of the classes above.
func reason(err error) string {
	var exit *exec.ExitError
	switch {
	case errors.Is(err, errStart):
		return DeathStart
	case errors.Is(err, errSilent):
		return DeathSilent
	case errors.As(err, &exit):
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return DeathSignal
		}
		if exit.ExitCode() == exitPanic {
			return DeathPanic
		}
		return DeathExited
	case errors.Is(err, errExited):
		return DeathExited
	}
	return DeathChannel
}
