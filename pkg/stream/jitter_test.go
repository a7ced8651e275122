package stream

import (
	"math"
	"testing"
	"time"
)

func TestJitterOfAnEvenStreamIsZero(t *testing.T) {
	var j jitter
	now := start
	for i := range 500 {
		j.update(now, uint32(i)*960, 48000)
		now = now.Add(20 * time.Millisecond)
	}
	if j.value() != 0 {
		t.Errorf("jitter %d", j.value())
	}
}

// The estimate follows "J(i) = J(i-1) + (|D(i-1,i)| - J(i-1))/16" (RFC 3550 section 6.4.1), computed here with fractions.
func TestJitterFollowsTheFormula(t *testing.T) {
	var j jitter
	want := 0.0
	delays := []time.Duration{0, 5, 3, 17, 0, 0, 40, 8, 9, 2, 30, 1, 0, 25, 12}
	for round := range 40 {
		for i, d := range delays {
			n := round*len(delays) + i
			now := start.Add(time.Duration(n)*20*time.Millisecond + d*time.Millisecond)
			if n > 0 {
				was := delays[(n-1)%len(delays)]
				want += (math.Abs(float64(d-was))*48 - want) / 16
			}
			j.update(now, uint32(n)*960+1<<31, 48000)
		}
	}
	if got := float64(j.value()); math.Abs(got-want) > 2 {
		t.Errorf("jitter %.0f, want %.0f", got, want)
	}
}

func TestJitterIgnoresAPause(t *testing.T) {
	var j jitter
	j.update(start, 0, 90000)
	j.update(start.Add(time.Minute), 3000, 90000)
	if j.value() != 0 {
		t.Errorf("jitter %d after a publisher's pause", j.value())
	}
	j.update(start.Add(48*time.Hour), 6000, 90000) // must not overflow either
	if v := j.value(); v > 10*90000/16 {
		t.Errorf("jitter %d after two days", v)
	}
}
