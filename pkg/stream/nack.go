package stream

import (
	"slices"
	"time"
)

// Limits of asking again for what was lost. See ALGORITHMS.md, "NACK".
const (
	nackMaxAge     = 10000 // packets
	nackMaxMissing = 1000  // packets
	nackMaxTries   = 10
	nackTick       = 40 * time.Millisecond
	nackDelay      = 10 * time.Millisecond // for reordering; video only
	defaultRTT     = 100 * time.Millisecond
)

// missing is one packet that has not come.
type missing struct {
	number  int64
	since   time.Time
	askedAt time.Time
	tries   uint8
}

// nackList is what a stream misses, in ascending order. It asks for each number after a delay and then once per round trip.
type nackList struct {
	delay   time.Duration
	missing []missing
	firstAt time.Time // when the oldest that was never asked for is due; zero if there is none
	ask     []uint16  // scratch
}

// add notes that the numbers from first up to, not including, end are missing. It returns false, and forgets everything, when
// that is too much to repair: only a key frame helps then.
func (l *nackList) add(now time.Time, first, end int64) bool {
	l.forget(end - nackMaxAge)
	if int64(len(l.missing))+end-first > nackMaxMissing {
		l.clear()
		return false
	}
	if l.firstAt.IsZero() {
		l.firstAt = now.Add(l.delay)
	}
	for number := first; number < end; number++ {
		l.missing = append(l.missing, missing{number: number, since: now})
	}
	return true
}

// remove takes a number from the list because its packet came. It tells whether it was missing, and how often it was asked for.
func (l *nackList) remove(number int64) (tries uint8, was bool) {
	if len(l.missing) == 0 {
		return 0, false
	}
	i, found := slices.BinarySearchFunc(l.missing, number, func(m missing, n int64) int { return int(m.number - n) })
	if !found {
		return 0, false
	}
	tries = l.missing[i].tries
	l.missing = slices.Delete(l.missing, i, i+1)
	return tries, true
}

// forget drops numbers below limit.
func (l *nackList) forget(limit int64) {
	i := 0
	for i < len(l.missing) && l.missing[i].number < limit {
		i++
	}
	l.missing = slices.Delete(l.missing, 0, i)
}

// clear drops everything, and the memory of a bad moment with it.
func (l *nackList) clear() {
	l.missing, l.firstAt = l.missing[:0], time.Time{}
	if cap(l.missing) > 64 {
		l.missing, l.ask = nil, nil
	}
}

// due returns what to ask for now, in ascending order, borrowed until the next call. Between ticks only what was never asked for
// is due. Numbers asked for too often are given up.
func (l *nackList) due(now time.Time, rtt time.Duration, tick bool) []uint16 {
	l.ask = l.ask[:0]
	if !tick && (l.firstAt.IsZero() || now.Before(l.firstAt)) {
		return nil // the usual case of a packet that comes while others are missing
	}
	l.firstAt = time.Time{}
	kept := l.missing[:0]
	for _, m := range l.missing {
		ready := tick && now.Sub(m.askedAt) >= rtt
		if m.tries == 0 {
			ready = now.Sub(m.since) >= l.delay
		}
		if ready {
			if m.tries == nackMaxTries {
				continue
			}
			m.tries, m.askedAt = m.tries+1, now
			l.ask = append(l.ask, uint16(m.number))
		} else if m.tries == 0 && l.firstAt.IsZero() {
			l.firstAt = m.since.Add(l.delay)
		}
		kept = append(kept, m)
	}
	l.missing = kept
	return l.ask
}
