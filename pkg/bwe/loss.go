package bwe

import (
	"math"
	"time"
)

// Constants of the loss-based controller (draft-ietf-rmcat-gcc-02 section 6).
const (
	lossHigh     = 0.10 // above it the bitrate falls
	lossLow      = 0.02 // below it the bitrate grows
	lossFactor   = 0.5  // of the loss, that the bitrate falls by
	lossIncrease = 1.08 // per second; the draft has 1.05 per report, and leaves open how often those come

	// A verdict needs packets: one lost of ten says nothing. With few it waits longer.
	lossPackets    = 50
	lossFewPackets = 20
	lossInterval   = 200 * time.Millisecond
	lossLongest    = time.Second

	lossPause = 300 * time.Millisecond // between two decreases, and a round trip: what was sent before must not count twice
)

// lossControl is a ceiling that loss sets: it catches paths whose queue is too short for delay to tell. Up to 10 % it does nothing, as radio
// loses that much without being full.
type lossControl struct {
	ceiling     float64 // bit/s, 0 is none
	expected    int     // packets since the last verdict
	lost        int
	sinceAt     time.Time
	verdictAt   time.Time
	decreasedAt time.Time
	fraction    float64 // of the last verdict
}

// count takes note of packets that were reported; lost may be negative, when some came after all.
func (l *lossControl) count(now time.Time, expected, lost int) {
	if l.expected == 0 {
		l.sinceAt = now
	}
	l.expected += expected
	l.lost = max(l.lost+lost, 0)
}

// update gives a verdict when there is enough to judge. bitrate is the estimate in force.
func (l *lossControl) update(now time.Time, bitrate float64, rtt time.Duration) {
	elapsed := now.Sub(l.sinceAt)
	enough := l.expected >= lossPackets && elapsed >= lossInterval || l.expected >= lossFewPackets && elapsed >= lossLongest
	if !enough {
		return
	}
	fraction := min(float64(l.lost)/float64(l.expected), 1)
	l.expected, l.lost = 0, 0
	l.judge(now, fraction, bitrate, rtt)
}

// judge applies the fraction of packets that were lost.
func (l *lossControl) judge(now time.Time, fraction, bitrate float64, rtt time.Duration) {
	elapsed := min(now.Sub(l.verdictAt), lossLongest)
	l.fraction, l.verdictAt = fraction, now
	switch {
	case fraction > lossHigh:
		if now.Sub(l.decreasedAt) >= lossPause+rtt {
			l.ceiling, l.decreasedAt = max(bitrate*(1-lossFactor*fraction), minBitrate), now
		}
	case fraction < lossLow && l.ceiling > 0:
		l.ceiling *= math.Pow(lossIncrease, elapsed.Seconds())
	}
}

// lift takes the ceiling away once it is no lower than what delay allows.
func (l *lossControl) lift(bitrate float64) {
	if l.ceiling >= bitrate {
		l.ceiling = 0
	}
}

// lossSamples is how many reports an average of loss covers.
const lossSamples = 24

// lossAverage is the loss over the last reports, the newer weighing the more: the newest as many times as there are.
type lossAverage struct {
	samples [lossSamples]float64 // a ring
	count   int                  // of all
}

func (a *lossAverage) add(expected, lost int) {
	if expected > 0 {
		a.samples[a.count%lossSamples] = float64(lost) / float64(expected)
		a.count++
	}
}

// value is 0 before the first report.
func (a *lossAverage) value() float64 {
	n := min(a.count, lossSamples)
	sum, weights := 0.0, 0
	for i := range n {
		weight := n - i // the newest first
		sum += float64(weight) * a.samples[(a.count-1-i)%lossSamples]
		weights += weight
	}
	return sum / float64(max(weights, 1))
}
