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
		ms   int
		seq  uint16
		want bool
	}{
		{0, 7, true}, {1, 8, true}, {49, 7, false}, {50, 7, true}, {51, 7, false}, {51, 8, true},
		{60, 7 + resendSlots, true}, // takes the slot of 7
		{61, 7, true},               // which is forgotten
	}
	for _, tt := range tests {
		if got := r.Allow(at(tt.ms), tt.seq, rtt); got != tt.want {
			t.Errorf("%d ms: %d allowed %t", tt.ms, tt.seq, got)
		}
	}
}

func TestResendsEnd(t *testing.T) {
	var r Resends
	now, allowed := start, 0
	for range 100 {
		if r.Allow(now, 1, 0) {
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
