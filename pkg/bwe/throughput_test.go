package bwe

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestThroughputOfASteadyStream(t *testing.T) {
	var m throughput
	for d := time.Duration(0); d < 10*time.Second; d += 10 * ms {
		m.add(start.Add(d), 1250) // 1 Mbit/s
		got, ok := m.bitrate(start.Add(d))
		if ok != (d >= throughputWindow/2) {
			t.Fatalf("after %v: known %v", d, ok)
		}
		if ok && (got < 980_000 || got > 1_060_000) {
			t.Fatalf("after %v: %d", d, got)
		}
	}
}

// A change has arrived wholly after one window.
func TestThroughputFollows(t *testing.T) {
	var m throughput
	at := start
	for ; at.Before(start.Add(3 * time.Second)); at = at.Add(10 * ms) {
		m.add(at, 1250)
	}
	for ; at.Before(start.Add(4 * time.Second)); at = at.Add(10 * ms) {
		m.add(at, 125)
	}
	if got, ok := m.bitrate(at); !ok || got > 110_000 {
		t.Errorf("%d a second after the fall to 100000", got)
	}
}

func TestThroughputOfSilence(t *testing.T) {
	var m throughput
	if _, ok := m.bitrate(start); ok {
		t.Error("nothing has a bitrate")
	}
	m.add(start, 10_000)
	if _, ok := m.bitrate(start.Add(499 * ms)); ok {
		t.Error("half a second is too little")
	}
	if got, ok := m.bitrate(start.Add(800 * ms)); !ok || got != 100_000 {
		t.Errorf("%d, %v", got, ok)
	}
	if _, ok := m.bitrate(start.Add(time.Hour)); ok {
		t.Error("an hour of silence has a bitrate")
	}
	m.add(start.Add(2*time.Hour), 1000)
	if got, ok := m.bitrate(start.Add(2*time.Hour + 500*ms)); !ok || got != 16_000 {
		t.Errorf("after a pause %d, %v", got, ok)
	}
}

// The sum is always that of the packets in the window.
func TestThroughputProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m throughput
		type packet struct {
			at   time.Duration
			size int
		}
		var all []packet
		var now time.Duration
		for range rapid.IntRange(1, 100).Draw(t, "packets") {
			now += time.Duration(rapid.IntRange(0, 900).Draw(t, "ms")) * ms
			size := rapid.IntRange(1, 1500).Draw(t, "size")
			m.add(start.Add(now), size)
			all = append(all, packet{now, size})
			// Bounds: what lies in the window for sure, and what may.
			least, most := 0, 0
			for _, p := range all {
				if now-p.at < throughputWindow-throughputBucket {
					least += p.size
				}
				if now-p.at <= throughputWindow {
					most += p.size
				}
			}
			if m.sum < least || m.sum > most {
				t.Fatalf("%d bytes in the window, between %d and %d were", m.sum, least, most)
			}
		}
	})
}
