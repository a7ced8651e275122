package stream

import (
	"testing"
	"time"
)

func TestResends(t *testing.T) {
	const rtt = 50 * time.Millisecond
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var r Resends
	tests := []struct {
		ms        int
		seq       uint16
		ok, first bool
	}{
		{0, 7, true, true},
		{1, 8, true, true},
		{49, 7, false, false},
		{50, 7, true, false},
		{51, 7, false, false},
		{51, 8, true, false},
		{60, 7 + resendSlots, true, true}, // takes the slot of 7
		{61, 7, true, true},               // which is forgotten
	}
	for _, tt := range tests {
		if ok, first := r.Allow(at(tt.ms), tt.seq, rtt); ok != tt.ok || first != tt.first {
			t.Errorf("%d ms: %d allowed %t, first %t", tt.ms, tt.seq, ok, first)
		}
	}
}

func TestResendsEnd(t *testing.T) {
	var r Resends
	now, allowed := start, 0
	for range 100 {
		if ok, _ := r.Allow(now, 1, 0); ok {
			allowed++
		}
		now = now.Add(time.Second)
	}
	if allowed != maxResends {
		t.Errorf("sent again %d times, want %d", allowed, maxResends)
	}
	if n := testing.AllocsPerRun(100, func() { r.Allow(now, 5, 0); now = now.Add(time.Second) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
