package bwe

import (
	"testing"
	"time"
)

// steps feeds the control one state every 100 ms, with what arrives, and returns the bitrate.
func steps(c *control, now *time.Time, n int, state usage, incoming int) float64 {
	bitrate := 0.0
	for range n {
		*now = now.Add(100 * ms)
		bitrate = c.update(*now, state, incoming, true)
	}
	return bitrate
}

func TestControlFollowsUntilThePathComplains(t *testing.T) {
	var c control
	now := start
	if got := c.update(now, normalUse, 0, false); got != initialBitrate {
		t.Errorf("begins with %v", got)
	}
	for _, incoming := range []int{100_000, 300_000, 1_000_000} {
		want := max(float64(initialBitrate), headroom*float64(incoming)+headroomExtra)
		if got := steps(&c, &now, 3, normalUse, incoming); got != want {
			t.Errorf("%v while %d arrive, want %v", got, incoming, want)
		}
	}
	// What a sender does not use it does not lose.
	if got := steps(&c, &now, 100, normalUse, 50_000); got != 1_510_000 {
		t.Errorf("%v when little arrives", got)
	}
}

// To beta, 0.85, times what arrives (draft-ietf-rmcat-gcc-02 section 5.5).
func TestControlDecreases(t *testing.T) {
	var c control
	now := start
	steps(&c, &now, 3, normalUse, 1_000_000)
	if got := steps(&c, &now, 1, overUse, 1_000_000); got != 850_000 {
		t.Errorf("decreased to %v", got)
	}
	if got := steps(&c, &now, 1, overUse, 900_000); got != 850_000 {
		t.Errorf("decreased to %v before the first decrease can have shown", got)
	}
	if got := steps(&c, &now, 1, overUse, 900_000); got != 765_000 {
		t.Errorf("then decreased to %v", got)
	}
	if got := steps(&c, &now, 20, overUse, 1000); got != minBitrate {
		t.Errorf("decreased to %v in the end", got)
	}
	// More than the estimate may arrive, from a sender that is slow to obey: that must not raise it.
	if got := steps(&c, &now, 10, overUse, 5_000_000); got != minBitrate {
		t.Errorf("an overuse raised it to %v", got)
	}
}

// When more arrives than the estimate allows, what the path was found to carry decides.
func TestControlDecreasesToTheCapacityKnown(t *testing.T) {
	var c control
	now := start
	steps(&c, &now, 3, normalUse, 1_000_000)
	steps(&c, &now, 1, overUse, 1_000_000)
	if got := steps(&c, &now, 30, normalUse, 950_000); got < 900_000 {
		t.Fatalf("grew to %v only", got)
	}
	if got := steps(&c, &now, 1, overUse, 1_200_000); got != 850_000 {
		t.Errorf("decreased to %v", got)
	}
}

// Before anything is known of what arrives the estimate itself stands for it.
func TestControlDecreasesInTheDark(t *testing.T) {
	var c control
	if got := c.update(start, overUse, 0, false); got != decreaseFactor*initialBitrate {
		t.Errorf("decreased to %v", got)
	}
}

func TestControlHoldsWhileTheQueueDrains(t *testing.T) {
	var c control
	now := start
	steps(&c, &now, 3, normalUse, 1_000_000)
	low := steps(&c, &now, 1, overUse, 1_000_000)
	if got := steps(&c, &now, 30, underUse, 1_000_000); got != low {
		t.Errorf("%v while the queue drains", got)
	}
	if got := steps(&c, &now, 1, normalUse, 1_000_000); got != low {
		t.Errorf("%v with the first normal state", got)
	}
	if got := steps(&c, &now, 1, normalUse, 1_000_000); got <= low {
		t.Errorf("%v after that", got)
	}
}

// Near the capacity it grows by about a packet in each response time, away from it by 8 % a second.
func TestControlIncreases(t *testing.T) {
	var c control
	now := start
	steps(&c, &now, 3, normalUse, 1_000_000)
	low := steps(&c, &now, 1, overUse, 1_000_000)
	steps(&c, &now, 1, normalUse, 1_000_000)
	near := steps(&c, &now, 10, normalUse, 900_000) - low
	if near < 20_000 || near > 35_000 {
		t.Errorf("near the capacity it grew by %v in a second", near)
	}
	before := c.bitrate
	if got := steps(&c, &now, 10, normalUse, 1_500_000) / before; got < 1.079 || got > 1.081 {
		t.Errorf("beyond the capacity known it grew %v-fold in a second", got)
	}
	// However long the silence between two updates, it stands for a second at most.
	before = c.bitrate
	now = now.Add(time.Hour)
	if got := c.update(now, normalUse, 1_500_000, true) / before; got > 1.081 {
		t.Errorf("an hour's pause made it grow %v-fold", got)
	}
	// Never beyond the headroom over what arrives.
	if got := steps(&c, &now, 1000, normalUse, 1_500_000); got != 1.5*1_500_000+10_000 {
		t.Errorf("it grew to %v", got)
	}
}

func TestAdditiveIncrease(t *testing.T) {
	for _, c := range []struct{ bitrate, least, most float64 }{
		{30_000, 4000, 4000}, {300_000, 15_000, 20_000}, {1_000_000, 25_000, 32_000}, {10_000_000, 31_000, 32_000},
	} {
		if got := additive(c.bitrate, assumedRTT+detectorTime); got < c.least || got > c.most {
			t.Errorf("%v bit/s a second at %v", got, c.bitrate)
		}
	}
}

func TestCapacity(t *testing.T) {
	var c capacity
	if c.known() {
		t.Error("known from nothing")
	}
	c.sample(1_000_000)
	if !c.known() || c.mean != 1_000_000 || c.upper() < 1_050_000 || c.upper() > 1_070_000 {
		t.Errorf("%+v, upper %v", c, c.upper())
	}
	for range 100 {
		c.sample(1_020_000)
		c.sample(980_000)
	}
	if c.mean < 990_000 || c.mean > 1_010_000 || c.variance < capacityVarianceMin {
		t.Errorf("%+v", c)
	}
	c.sample(300_000)
	if c.mean != 300_000 {
		t.Errorf("after a fall of the path %+v", c)
	}
}

func TestSources(t *testing.T) {
	var s sources
	for i := range uint32(maxSources) {
		s.heard(start, i)
	}
	s.heard(start.Add(time.Second), 99) // no place
	s.heard(start.Add(time.Second), 3)
	s.heard(start.Add(time.Second), 5)
	if got := s.live(start.Add(1999 * ms)); len(got) != maxSources {
		t.Errorf("%v live", got)
	}
	s.heard(start.Add(2*time.Second), 99) // the places of the silent are free now
	got := s.live(start.Add(2 * time.Second))
	if len(got) != 3 || got[0] != 3 || got[1] != 5 || got[2] != 99 {
		t.Errorf("%v live", got)
	}
	if got := s.live(start.Add(time.Minute)); len(got) != 0 {
		t.Errorf("%v live after a minute", got)
	}
}
