package ice

import (
	"time"

	"gazpacho/pkg/tuple"
)

// entry is a tuple a valid check came from.
type entry struct {
	tuple   tuple.Tuple
	heardAt time.Time // of the last valid check
	fresh   bool      // one of its checks was fresh, or media came from it: it may be selected
}

// find returns the place of a tuple, -1 if it is unknown.
func (a *Agent) find(t tuple.Tuple) int {
	for i := range a.tuples {
		if a.tuples[i].tuple == t {
			return i
		}
	}
	return -1
}

// trusts tells whether a fresh check came from the tuple.
func (a *Agent) trusts(t tuple.Tuple) bool {
	i := a.find(t)
	return i >= 0 && a.tuples[i].fresh
}

// learn notes a check from a tuple, and makes room for a new one at the cost of the least worth.
func (a *Agent) learn(now time.Time, t tuple.Tuple, fresh bool) {
	if i := a.find(t); i >= 0 {
		a.tuples[i].heardAt = now
		a.tuples[i].fresh = a.tuples[i].fresh || fresh
		return
	}
	if len(a.tuples) == MaxTuples {
		a.remove(a.leastWorth())
	}
	a.tuples = append(a.tuples, entry{tuple: t, heardAt: now, fresh: fresh})
	a.handler.ICETupleAdded(t)
}

// leastWorth returns the place of the tuple to give up: never the selected one, first those that
// sent nothing fresh, then the one not heard for longest.
func (a *Agent) leastWorth() int {
	worst := -1
	for i := range a.tuples {
		e := &a.tuples[i]
		if a.hasSelected && e.tuple == a.selected {
			continue
		}
		if worst < 0 || less(e, &a.tuples[worst]) {
			worst = i
		}
	}
	return worst
}

// less orders entries by worth.
func less(e, than *entry) bool {
	if e.fresh != than.fresh {
		return than.fresh
	}
	return e.heardAt.Before(than.heardAt)
}

// lastHeard returns the tuple to fall back on: the one with the latest check, if it ever was fresh.
func (a *Agent) lastHeard() (tuple.Tuple, bool) {
	best := -1
	for i := range a.tuples {
		if a.tuples[i].fresh && (best < 0 || !less(&a.tuples[i], &a.tuples[best])) {
			best = i
		}
	}
	if best < 0 {
		return tuple.Tuple{}, false
	}
	return a.tuples[best].tuple, true
}

// remove forgets the tuple at a place, and keeps the order of the others.
func (a *Agent) remove(i int) {
	t := a.tuples[i].tuple
	last := len(a.tuples) - 1
	copy(a.tuples[i:], a.tuples[i+1:])
	a.tuples[last] = entry{}
	a.tuples = a.tuples[:last]
	a.handler.ICETupleRemoved(t)
}

// removeAll forgets every tuple and with them the selection.
func (a *Agent) removeAll() {
	a.selected, a.hasSelected = tuple.Tuple{}, false
	for len(a.tuples) > 0 {
		a.remove(0)
	}
}
