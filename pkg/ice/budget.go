package ice

import (
	"net/netip"
	"time"
)

// The failure budget (R-ICE-2): how many requests with wrong integrity one source may send per
// window before the rest of the window is dropped unread.
const (
	failureBudget = 50
	failureWindow = time.Second
)

// budget counts the failures of the sources that failed last. A flood under many forged source
// addresses pushes them out of each other's places and costs an HMAC each; it locks nobody out.
type budget [3]struct {
	source netip.AddrPort
	since  time.Time
	count  int
}

// spent tells whether a source has used up its budget.
func (b *budget) spent(now time.Time, source netip.AddrPort) bool {
	for i := range b {
		e := &b[i]
		if e.count >= failureBudget && e.source == source && now.Sub(e.since) < failureWindow {
			return true
		}
	}
	return false
}

// charge counts a failure of a source.
func (b *budget) charge(now time.Time, source netip.AddrPort) {
	place := &b[0]
	for i := range b {
		e := &b[i]
		if now.Sub(e.since) >= failureWindow {
			e.count = 0
		}
		if e.source == source {
			place = e
			break
		}
		if e.count < place.count {
			place = e
		}
	}
	if place.source != source || place.count == 0 {
		place.source, place.since, place.count = source, now, 0
	}
	place.count++
}
