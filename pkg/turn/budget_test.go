package turn

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

func newTestBudget(sets int) budget {
	return newBudget(sets, &random{source: rand.NewChaCha8([32]byte{7})})
}

func sourceNumber(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), uint16(1024+i>>16))
}

// R-TURN-2: at most 10 unauthenticated answers per second and source.
func TestBudgetPerSource(t *testing.T) {
	b := newTestBudget(64)
	for second := range 3 {
		now := epoch.Add(time.Duration(second) * time.Second)
		for i := range 12 {
			if got, want := b.take(now, clientAddr), i < budgetPerSecond; got != want {
				t.Fatalf("answer %d of second %d: %v", i, second, got)
			}
		}
		if !b.spent(now, clientAddr) || b.spent(now, peerAddr) {
			t.Fatal("the wrong one has spent its budget")
		}
		if !b.take(now, netip.AddrPortFrom(clientAddr.Addr(), 1)) {
			t.Fatal("another port shares the budget")
		}
	}
}

// A flood of many sources neither grows the table nor gives one that floods more than its share.
func TestBudgetUnderAFlood(t *testing.T) {
	b := newTestBudget(64)
	answered := 0
	for i := range 20_000 {
		b.take(epoch, sourceNumber(i))
		if b.take(epoch, clientAddr) {
			answered++
		}
	}
	if answered > budgetPerSecond {
		t.Errorf("who floods got %d answers in one second", answered)
	}
	if len(b.sets) != 64 {
		t.Errorf("the table has %d sets", len(b.sets))
	}
}

// In a table as the server has it, thousands of sources each have their own.
func TestBudgetKeepsSourcesApart(t *testing.T) {
	b := newTestBudget(answerSets)
	refused := 0
	for range budgetPerSecond {
		for i := range 4000 {
			if !b.take(epoch, sourceNumber(i)) {
				refused++
			}
		}
	}
	if refused > 0 {
		t.Errorf("%d answers refused", refused)
	}
	if n := testing.AllocsPerRun(100, func() { b.take(epoch, clientAddr) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
