package ice

import (
	"net/netip"
	"testing"
	"time"
)

func source(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port)
}

func TestBudgetOfOneSource(t *testing.T) {
	var b budget
	now := epoch
	for i := range failureBudget {
		if b.spent(now, source(1)) {
			t.Fatalf("spent after %d failures", i)
		}
		b.charge(now, source(1))
		now = now.Add(time.Millisecond)
	}
	expect(t, "spent", b.spent(now, source(1)), true)
	expect(t, "another port's spent", b.spent(now, source(2)), false)
	// The window began with the first failure.
	now = epoch.Add(failureWindow - 1)
	expect(t, "spent at the end of the window", b.spent(now, source(1)), true)
	now = epoch.Add(failureWindow)
	expect(t, "spent in the next window", b.spent(now, source(1)), false)
	b.charge(now, source(1))
	now = now.Add(failureWindow - 1)
	for range failureBudget - 1 {
		expect(t, "spent within the next window", b.spent(now, source(1)), false)
		b.charge(now, source(1))
	}
	expect(t, "spent within the next window", b.spent(now, source(1)), true)
}

// Each source has its own budget, as many as there are places.
func TestBudgetOfSeveralSources(t *testing.T) {
	var b budget
	for range failureBudget {
		for port := range uint16(len(b)) {
			b.charge(epoch, source(port))
		}
	}
	for port := range uint16(len(b)) {
		expect(t, "spent", b.spent(epoch, source(port)), true)
	}
}

// A flood from ever other ports does not lift the lock of those that failed most, as long as there is a
// place with less in it.
func TestBudgetKeepsTheWorst(t *testing.T) {
	var b budget
	for range failureBudget {
		b.charge(epoch, source(1))
	}
	for port := range uint16(1000) {
		b.charge(epoch, source(1000+port))
	}
	expect(t, "spent", b.spent(epoch, source(1)), true)
	expect(t, "the last of the flood", b.spent(epoch, source(1999)), false)
}

// Places whose window is over are free.
func TestBudgetForgetsOldWindows(t *testing.T) {
	var b budget
	for port := range uint16(len(b)) {
		for range failureBudget {
			b.charge(epoch, source(port))
		}
	}
	later := epoch.Add(failureWindow)
	for range failureBudget {
		b.charge(later, source(100))
	}
	expect(t, "spent", b.spent(later, source(100)), true)
	expect(t, "an old one's spent", b.spent(later, source(2)), false)
}
