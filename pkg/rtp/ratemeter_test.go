package rtp

import (
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"
)

// start is when virtual time begins.
var start = time.Unix(1_700_000_000, 0)

func TestRateMeterOfASteadyStream(t *testing.T) {
	for _, rate := range []int{8_000, 64_000, 2_500_000, 40_000_000} {
		var m RateMeter
		now := start
		for now.Sub(start) < 2*time.Second { // 1000 bytes each
			m.Add(now, 1000)
			now = now.Add(time.Duration(8000*int64(time.Second)) / time.Duration(rate))
		}
		got := m.Bitrate(now)
		if limit := rate/10 + 8000; got < rate-limit || got > rate+limit {
			t.Errorf("%d bit/s measured as %d", rate, got)
		}
	}
}

func TestRateMeterForgets(t *testing.T) {
	var m RateMeter
	if m.Bitrate(start) != 0 {
		t.Error("a rate before anything was sent")
	}
	m.Add(start, 125_000)
	if got := m.Bitrate(start); got < 900_000 || got > 1_000_000 {
		t.Errorf("a megabit in the last second is %d", got)
	}
	if got := m.Bitrate(start.Add(1100 * time.Millisecond)); got != 0 {
		t.Errorf("%d after more than a second of silence", got)
	}
	m.Add(start.Add(time.Hour), 125)
	if got := m.Bitrate(start.Add(time.Hour)); got < 900 || got > 1000 {
		t.Errorf("%d after an hour of silence", got)
	}
}

// The rate lies between what an exact window of the shortest and of the longest length it may have would measure.
func TestRateMeterModel(t *testing.T) {
	type sent struct {
		at    time.Time
		bytes int
	}
	rapid.Check(t, func(t *rapid.T) {
		var m RateMeter
		var all []sent
		now := start
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			now = now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "pause")) * time.Millisecond)
			s := sent{now, rapid.IntRange(1, 1500).Draw(t, "bytes")}
			m.Add(s.at, s.bytes)
			all = append(all, s)
		}
		now = now.Add(time.Duration(rapid.IntRange(0, 1500).Draw(t, "later")) * time.Millisecond)
		least, most := 0, 0
		for _, s := range all {
			if age := now.Sub(s.at); age <= meterWindow {
				least += s.bytes
			}
			if age := now.Sub(s.at); age <= meterWindow+1<<meterShift {
				most += s.bytes
			}
		}
		low := int(float64(least*8) / (time.Duration(meterWindow) + 1<<meterShift).Seconds())
		high := int(float64(most*8)/time.Duration(meterWindow).Seconds()) + 1
		if got := m.Bitrate(now); got < low || got > high {
			t.Fatalf("%d is not in %d to %d", got, low, high)
		}
	})
}

func TestRateMeterIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(RateMeter{}); size > 200 {
		t.Errorf("%d bytes", size)
	}
	var m RateMeter
	now := start
	if n := testing.AllocsPerRun(1000, func() {
		m.Add(now, 1200)
		m.Bitrate(now)
		now = now.Add(7 * time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
