package stream

import (
	"testing"

	"pgregory.net/rapid"
)

func TestScoreOfAnInterval(t *testing.T) {
	tests := []struct {
		expected, lost, repaired int
		want                     uint8
	}{
		{100, 0, 0, 10},
		{100, 1, 0, 10},
		{100, 5, 0, 8},
		{100, 10, 0, 7},
		{100, 20, 0, 4},
		{100, 50, 0, 1},
		{100, 10, 10, 10},
		{100, 30, 30, 7},
		{100, 50, 50, 3},
		{100, 10, 5, 8},
		{100, 100, 0, 1},   // all lost, but alive: 0 is for silence
		{100, -3, 0, 10},   // duplicates
		{100, 200, 0, 1},   // more lost than expected, as reports that overlap can say
		{100, 5, 80, 10},   // more repaired than lost
		{1, 1, 1, 1},       // the one packet came too late to be worth much
		{100000, 1, 1, 10}, // rounding
	}
	for _, tt := range tests {
		if got := sample(tt.expected, tt.lost, tt.repaired); got != tt.want {
			t.Errorf("%d expected, %d lost, %d repaired: %d, want %d", tt.expected, tt.lost, tt.repaired, got, tt.want)
		}
	}
}

func TestScoreRemembers(t *testing.T) {
	var s score
	s.reset(MaxScore)
	if s.update(0, 0, 0) || s.count != 0 {
		t.Error("an interval without packets counts")
	}
	if s.update(100, 0, 0) || s.value != 10 {
		t.Errorf("a good interval changes the score to %d", s.value)
	}
	if !s.update(100, 50, 0) || s.value != 4 { // (1·10 + 2·1)/3
		t.Errorf("a bad interval makes the score %d", s.value)
	}
	for range scoreSamples {
		s.update(100, 0, 0)
	}
	if s.value != 10 {
		t.Errorf("after %d good intervals the score is %d", scoreSamples, s.value)
	}
	for range scoreSamples - 1 {
		s.update(100, 50, 0)
	}
	if s.value != 1 {
		t.Errorf("after %d bad intervals the score is %d", scoreSamples-1, s.value)
	}
	s.reset(0)
	if s.value != 0 || s.count != 0 {
		t.Error("reset leaves something")
	}
}

// A living stream scores 1 to 10, and never better for having lost more.
func TestScoreIsMonotonous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		expected := rapid.IntRange(1, 2000).Draw(t, "expected")
		lost := rapid.IntRange(0, expected).Draw(t, "lost")
		more := rapid.IntRange(lost, expected).Draw(t, "more")
		a, b := sample(expected, lost, 0), sample(expected, more, 0)
		if a < b || a > MaxScore || b < 1 {
			t.Fatalf("%d of %d lost scores %d, %d lost %d", lost, expected, a, more, b)
		}
		if repaired := sample(expected, more, more); repaired < b {
			t.Fatalf("repair makes %d of %d", repaired, b)
		}
	})
}
