package bwe

import (
	"math"
	"testing"
	"time"
)

// follow feeds bursts every 20 ms that arrive grown times as far apart as they were sent, and returns the last estimate.
func follow(t *trend, bursts int, at *time.Duration, grown float64) (estimate float64) {
	for range bursts {
		v := variation{sent: 20 * ms, arrived: time.Duration(grown * float64(20*ms))}
		*at += v.arrived
		v.at = *at
		estimate = t.add(v)
	}
	return estimate
}

func TestTrendOfASteadyPathIsNothing(t *testing.T) {
	var at time.Duration
	if got := follow(&trend{}, 100, &at, 1); got != 0 {
		t.Errorf("%v", got)
	}
}

// Packets that arrive 10 % slower than they are sent make a slope of 0.1/1.1, which counts 60 times 4-fold.
func TestTrendOfAGrowingQueue(t *testing.T) {
	var at time.Duration
	var tr trend
	if got := follow(&tr, trendWindow-1, &at, 1.1); got != 0 {
		t.Errorf("%v before the window is full", got)
	}
	got := follow(&tr, 200, &at, 1.1)
	if want := 0.1 / 1.1 * trendMaxCount * trendGain; math.Abs(got-want) > 0.01*want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestTrendOfADrainingQueue(t *testing.T) {
	var at time.Duration
	if got := follow(&trend{}, 100, &at, 0.9); got >= 0 {
		t.Errorf("%v", got)
	}
}

// Bursts that all arrive at the same moment have no slope, and no division by zero.
func TestTrendWithoutTime(t *testing.T) {
	var tr trend
	for range 50 {
		if got := tr.add(variation{sent: 20 * ms, at: time.Second}); got != 0 {
			t.Fatalf("%v", got)
		}
	}
}

// states feeds a detector with trends every interval and returns its last state.
func states(d *detector, at *time.Duration, interval time.Duration, trends ...float64) (state usage) {
	for _, trend := range trends {
		*at += interval
		state = d.update(trend, variation{sent: interval, arrived: interval, at: *at})
	}
	return state
}

func TestDetector(t *testing.T) {
	for _, c := range []struct {
		name     string
		interval time.Duration
		trends   []float64
		want     usage
	}{
		{"quiet", 20 * ms, []float64{0, 1, -1, 5}, normalUse},
		{"one peak is no evidence", 20 * ms, []float64{0, 20}, normalUse},
		{"two are", 20 * ms, []float64{0, 20, 21}, overUse},
		// The draft asks for overuse_time_th, 10 ms, above the threshold (draft-ietf-rmcat-gcc-02 section 5.4).
		{"two, but of 6 ms", 4 * ms, []float64{0, 20, 21}, normalUse},
		{"three of 4 ms, 10 ms in all", 4 * ms, []float64{0, 20, 21, 22}, normalUse},
		{"four of 4 ms", 4 * ms, []float64{0, 20, 21, 22, 23}, overUse},
		// And for a trend that does not fall.
		{"high, but falling", 20 * ms, []float64{0, 50, 40, 30, 20}, normalUse},
		{"draining", 20 * ms, []float64{0, -20}, underUse},
		{"over and out", 20 * ms, []float64{20, 21, 22, 0}, normalUse},
		{"stays over", 20 * ms, []float64{20, 21, 22, 21}, overUse},
	} {
		var d detector
		var at time.Duration
		if got := states(&d, &at, c.interval, c.trends...); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// The threshold rises under trends above it, so that a rival's queue does not starve us, falls when they are gone, and ignores
// outliers.
func TestThresholdAdapts(t *testing.T) {
	var d detector
	var at time.Duration
	states(&d, &at, 20*ms, 0)
	for range 100 {
		states(&d, &at, 20*ms, d.threshold+10)
	}
	if d.threshold < 30 {
		t.Errorf("the threshold rose to %v only", d.threshold)
	}
	high := d.threshold
	states(&d, &at, 20*ms, high+16, -high-16)
	if d.threshold != high {
		t.Errorf("an outlier moved the threshold to %v", d.threshold)
	}
	for range 1000 {
		states(&d, &at, 20*ms, 0)
	}
	if d.threshold != thresholdMin {
		t.Errorf("the threshold fell to %v", d.threshold)
	}
	for range 100_000 {
		states(&d, &at, 20*ms, d.threshold+14)
	}
	if d.threshold != thresholdMax {
		t.Errorf("the threshold rose to %v", d.threshold)
	}
}
