package bwe

import "time"

// Constants of the trend line as libwebrtc's delay-based estimator has them.
const (
	trendWindow    = 20  // bursts
	trendSmoothing = 0.9 // weight of the past in the smoothed delay
	trendGain      = 4.0
	trendMaxCount  = 60 // bursts after which a slope counts fully
)

// trend estimates how fast the one-way delay grows: the slope of a line through the smoothed, accumulated delay variations of
// the last bursts, by least squares. A queue that builds up makes it positive: at a slope of 0.1 packets arrive at 10/11 of the
// rate at which they are sent.
type trend struct {
	points      [trendWindow]point // a ring
	count       int                // of all bursts
	accumulated float64            // ms
	smoothed    float64            // ms
}

type point struct{ at, delay float64 } // ms

// add notes a variation and returns the estimate: the slope times the number of bursts, up to trendMaxCount, and the gain. It is
// 0 until the window is full.
func (t *trend) add(v variation) float64 {
	t.accumulated += milliseconds(v.arrived - v.sent)
	t.smoothed = trendSmoothing*t.smoothed + (1-trendSmoothing)*t.accumulated
	t.points[t.count%trendWindow] = point{milliseconds(v.at), t.smoothed}
	t.count++
	if t.count < trendWindow {
		return 0
	}
	return t.slope() * float64(min(t.count, trendMaxCount)) * trendGain
}

// slope is that of the line with the least squared distance from all points.
func (t *trend) slope() float64 {
	var at, delay float64
	for i := range t.points {
		at += t.points[i].at
		delay += t.points[i].delay
	}
	at /= trendWindow
	delay /= trendWindow
	var numerator, denominator float64
	for i := range t.points {
		d := t.points[i].at - at
		numerator += d * (t.points[i].delay - delay)
		denominator += d * d
	}
	if denominator == 0 {
		return 0
	}
	return numerator / denominator
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
