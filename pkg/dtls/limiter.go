package dtls

import "time"

// MaxHandshakes is how many handshakes a worker runs at the same time: at a third of a millisecond
// of CPU each, some 70 ms of work.
const MaxHandshakes = 200

// Limiter bounds the handshakes in progress. It belongs to the loop, and all associations of a worker share it. Whoever begins handshakes and does not
// go on cannot keep others out: attempts that stand still make room, and those who had fewest attempts are the first to get it.
type Limiter struct {
	free    int
	running map[*attempt]struct{}
	waiting map[*Association]uint64 // who found no place, with the number of its turn
	turn    uint64
	called  *Association // whose turn it is now
}

// NewLimiter allows max handshakes at the same time.
func NewLimiter(max int) *Limiter {
	return &Limiter{free: max, running: make(map[*attempt]struct{}), waiting: make(map[*Association]uint64)}
}

// Free returns how many more may start.
func (l *Limiter) Free() int { return l.free }

// take gives a place to a, or has it wait: it is called when there is one.
func (l *Limiter) take(a *Association) bool {
	if l.free > 0 && (len(l.waiting) == 0 || l.called == a) {
		l.free--
		return true
	}
	if _, waits := l.waiting[a]; !waits {
		l.turn++
		l.waiting[a] = l.turn
	}
	return false
}

// leave says that a does not wait any more.
func (l *Limiter) leave(a *Association) { delete(l.waiting, a) }

// run enters the attempt that a place was taken for.
func (l *Limiter) run(at *attempt) { l.running[at] = struct{}{} }

// release gives back the place of an attempt that is over, for who waits.
func (l *Limiter) release(now time.Time, at *attempt) {
	delete(l.running, at)
	l.free++
	for l.free > 0 && len(l.waiting) > 0 {
		a := l.first()
		delete(l.waiting, a)
		l.called = a
		a.advance(now) // it may have changed its mind
		l.called = nil
	}
}

// first is who had the fewest attempts, and of those who has waited the longest.
func (l *Limiter) first() (best *Association) {
	for a, turn := range l.waiting {
		if best == nil || a.attempts < best.attempts || a.attempts == best.attempts && turn < l.waiting[best] {
			best = a
		}
	}
	return best
}

// evict gives up the attempt whose peer has stood still the longest, if that is long enough, and tells whether there was one. Its place is free when
// its island has unwound.
func (l *Limiter) evict(now time.Time) bool {
	var stalest *attempt
	for at := range l.running {
		if !now.Before(at.stalledAt()) && (stalest == nil || at.progressAt.Before(stalest.progressAt)) {
			stalest = at
		}
	}
	if stalest == nil {
		return false
	}
	delete(l.running, stalest) // once is enough
	stalest.cancel()
	return true
}
