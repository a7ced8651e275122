package rtp

import (
	"testing"
	"time"
)

func TestRateMeter(t *testing.T) {
	start := time.Unix(1000, 0)
	tests := []struct {
		name  string
		every time.Duration
		count int
		bytes int
		later time.Duration // after the last packet
		want  int
	}{
		{name: "nothing", want: 0},
		{name: "one packet counts over a second", count: 1, bytes: 1250, want: 10_000},
		{name: "a steady stream", every: 10 * time.Millisecond, count: 1000, bytes: 125, want: 100_000},
		{name: "half a window of silence", every: 10 * time.Millisecond, count: 1000, bytes: 125, later: 1250 * time.Millisecond, want: 50_000},
		{name: "a window of silence", every: 10 * time.Millisecond, count: 1000, bytes: 125, later: 3 * time.Second, want: 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r RateMeter
			now := start
			for i := range tt.count {
				now = start.Add(time.Duration(i) * tt.every)
				r.Add(now, tt.bytes)
			}
			got := r.Bitrate(now.Add(tt.later))
			if diff := got - tt.want; diff < -tt.want/15 || diff > tt.want/15 {
				t.Errorf("measured %d bit/s, want %d", got, tt.want)
			}
		})
	}
}

func TestRateMeterDoesNotAllocate(t *testing.T) {
	var r RateMeter
	now := time.Unix(1000, 0)
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(time.Millisecond)
		r.Add(now, 1200)
		_ = r.Bitrate(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
