package bwe

import (
	"testing"
	"time"

	"gazpacho/pkg/rtp"
)

// within checks the estimates of the seconds [from, to).
func (c *call) within(t *testing.T, from, to int, least, most float64) {
	t.Helper()
	for i, estimate := range c.estimates[from:to] {
		if e := float64(estimate); e < least || e > most {
			t.Errorf("second %d: %d is not between %.0f and %.0f: %v", from+i, estimate, least, most, c.estimates)
			return
		}
	}
}

// mean is that of the estimates of the seconds [from, to).
func (c *call) mean(from, to int) float64 {
	sum := 0
	for _, estimate := range c.estimates[from:to] {
		sum += estimate
	}
	return float64(sum) / float64(to-from)
}

func TestEstimateConvergesToTheCapacity(t *testing.T) {
	for _, capacity := range []int{100_000, 300_000, 1_000_000, 3_000_000} {
		for _, jitter := range []time.Duration{0, 5 * ms, 20 * ms} {
			c := newCall(constant(capacity))
			c.jitter = jitter
			c.run(time.Minute)
			full := float64(capacity)
			// It swings between 0.85 times the capacity and what makes the queue grow.
			c.within(t, 12, 60, 0.7*full, 1.3*full)
			if mean := c.mean(15, 60); mean < 0.7*full || mean > 1.05*full {
				t.Errorf("capacity %d, jitter %v: mean %.0f", capacity, jitter, mean)
			}
		}
	}
}

// A link of 1 Mbit/s is found within three seconds, and held.
func TestEstimateOfOneMegabit(t *testing.T) {
	c := newCall(constant(1_000_000))
	c.run(time.Minute)
	c.within(t, 3, 60, 700_000, 1_100_000)
}

func TestEstimateGrowsOnAnOpenPath(t *testing.T) {
	c := newCall(constant(0))
	c.run(20 * time.Second)
	for i := 1; i < 8; i++ {
		if c.estimates[i] < c.estimates[i-1]*13/10 {
			t.Errorf("second %d: %d after %d", i, c.estimates[i], c.estimates[i-1])
		}
	}
	// Up to the headroom over the 10 Mbit/s the sender wants, and no further.
	c.within(t, 10, 20, 10_000_000, 16_000_000)
}

func TestEstimateOfASenderWithLittleToSay(t *testing.T) {
	c := newCall(constant(0))
	c.wanted = 40_000
	c.run(30 * time.Second)
	c.within(t, 1, 30, initialBitrate, initialBitrate)
}

func TestEstimateFallsWithThePath(t *testing.T) {
	c := newCall(func(at time.Duration) int {
		if at < 30*time.Second {
			return 1_000_000
		}
		return 300_000
	})
	c.run(33 * time.Second)
	if got := c.estimator.Bitrate(); got > 330_000 {
		t.Errorf("%d three seconds after the path fell to 300000", got)
	}
	c.run(30 * time.Second)
	c.within(t, 35, 63, 0.7*300_000, 1.15*300_000)
}

func TestEstimateRisesWithThePath(t *testing.T) {
	c := newCall(func(at time.Duration) int {
		if at < 15*time.Second {
			return 300_000
		}
		return 2_000_000
	})
	c.run(60 * time.Second)
	if got := c.estimates[59]; got < 1_000_000 {
		t.Errorf("%d, 45 s after the path rose to 2000000: %v", got, c.estimates)
	}
}

// The queue is the reason for all this: packets must not wait in it for long once the estimate has settled.
func TestEstimateKeepsTheQueueShort(t *testing.T) {
	c := newCall(constant(1_000_000))
	c.run(15 * time.Second)
	longest, sum, n := time.Duration(0), time.Duration(0), 0
	for range 450 {
		c.run(100 * ms)
		wait := max(c.freeAt.Sub(c.now), 0)
		longest, sum, n = max(longest, wait), sum+wait, n+1
	}
	if mean := sum / time.Duration(n); mean > 60*ms || longest > 350*ms {
		t.Errorf("packets wait %v, at most %v", mean, longest)
	}
}

// arrive feeds packets of 1000 bytes every 10 ms, sent as they arrive, from now on for d.
func arrive(e *Estimator, now *time.Time, d time.Duration, ssrc uint32) {
	for end := now.Add(d); now.Before(end); *now = now.Add(10 * ms) {
		e.Arrived(*now, ssrc, rtp.AbsSendTime(*now), 1000)
	}
}

func TestREMBIsToldEverySecond(t *testing.T) {
	c := &told{t: t}
	e := NewEstimator(senderSSRC, c.send)
	if e.Bitrate() != 0 {
		t.Error("an estimate of nothing")
	}
	now := start
	arrive(e, &now, 5*time.Second, 7)
	if len(c.at) != 5 || c.at[0] < throughputWindow/2 || c.at[0] > 600*ms {
		t.Fatalf("told at %v", c.at)
	}
	for i := range c.at {
		if i > 0 && c.at[i]-c.at[i-1] != REMBInterval {
			t.Errorf("told at %v", c.at)
		}
		if len(c.sources[i]) != 1 || c.sources[i][0] != 7 {
			t.Errorf("told of %v", c.sources[i])
		}
	}
	if got := e.Bitrate(); got < 1_100_000 || got > 1_300_000 { // 1.5 times what arrives
		t.Errorf("estimate %d", got)
	}
	arrive(e, &now, 3*time.Second, 8)
	if last := c.sources[len(c.sources)-1]; len(last) != 1 || last[0] != 8 {
		t.Errorf("told of %v, of which only 8 lives", last)
	}
}

// A fall of the estimate does not wait for the interval: here the path slows to a third of what is sent.
func TestREMBIsToldAtOnceWhenItFalls(t *testing.T) {
	c := &told{t: t}
	e := NewEstimator(senderSSRC, c.send)
	now := start
	arrive(e, &now, 5*time.Second, 7)
	c.clear()
	sent := now
	for range 100 {
		e.Arrived(now, 7, rtp.AbsSendTime(sent), 1000)
		sent = sent.Add(10 * ms)
		now = now.Add(30 * ms)
	}
	if len(c.at) < 3 || c.bitrates[1] >= c.bitrates[0] {
		t.Fatalf("told of %v at %v", c.bitrates, c.at)
	}
	early := false
	for i := 1; i < len(c.at); i++ {
		if c.at[i]-c.at[i-1] < REMBInterval {
			early = true
			if float64(c.bitrates[i]) > 0.98*float64(c.bitrates[i-1]) {
				t.Errorf("told early of %d after %d", c.bitrates[i], c.bitrates[i-1])
			}
		}
	}
	if !early {
		t.Error("a fall waited for the interval")
	}
}

func TestREMBKeepsTheCeiling(t *testing.T) {
	c := &told{t: t}
	e := NewEstimator(senderSSRC, c.send)
	now := start
	arrive(e, &now, 2*time.Second, 7)
	c.clear()
	e.SetMaxBitrate(200_000)
	arrive(e, &now, 1500*ms, 7)
	if len(c.at) != 2 || c.at[0] > 2*time.Second+20*ms {
		t.Errorf("told at %v", c.at)
	}
	for _, bitrate := range c.bitrates {
		if bitrate != 200_000 {
			t.Errorf("told of %d", bitrate)
		}
	}
	if e.Bitrate() < 1_000_000 {
		t.Error("the ceiling changed the estimate itself")
	}
	e.SetMaxBitrate(0)
	arrive(e, &now, 20*ms, 7)
	if last := c.bitrates[len(c.bitrates)-1]; last < 1_000_000 {
		t.Errorf("told of %d without a ceiling", last)
	}
}

// After a silence delays are not compared with those before it: whatever the path is now, it is not overused yet.
func TestEstimatorAfterASilence(t *testing.T) {
	c := &told{t: t}
	e := NewEstimator(senderSSRC, c.send)
	now := start
	arrive(e, &now, 5*time.Second, 7)
	before := e.Bitrate()
	now = now.Add(10 * time.Second)
	sent := now.Add(-2 * time.Second) // a delay of two seconds more
	for range 300 {
		e.Arrived(now, 7, rtp.AbsSendTime(sent), 1000)
		sent, now = sent.Add(10*ms), now.Add(10*ms)
	}
	if e.Bitrate() < before {
		t.Errorf("%d fell to %d", before, e.Bitrate())
	}
}

func TestEstimatorAllocatesNothing(t *testing.T) {
	size := 0
	e := NewEstimator(senderSSRC, func(_ time.Time, raw []byte) { size += len(raw) })
	now := start
	if n := testing.AllocsPerRun(10, func() { arrive(e, &now, 2*time.Second, 7) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if size == 0 {
		t.Error("nothing was told")
	}
}

// Whatever stamps come, in whatever order, the estimate stays a bitrate.
func FuzzEstimator(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 255, 255, 255, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		e := NewEstimator(senderSSRC, func(_ time.Time, raw []byte) {
			if _, ok := rtp.ParseRTCP(raw); !ok {
				t.Fatalf("sent %x", raw)
			}
		})
		now := start
		for len(data) >= 6 {
			now = now.Add(time.Duration(data[0]) * ms)
			stamp := uint32(data[1])<<16 | uint32(data[2])<<8 | uint32(data[3])
			e.Arrived(now, uint32(data[4]), stamp, 8*int(data[5]))
			data = data[6:]
			if b := e.Bitrate(); b != 0 && (b < minBitrate || b > 100_000_000) {
				t.Fatalf("estimate %d", b)
			}
		}
	})
}

func BenchmarkEstimator(b *testing.B) {
	e := NewEstimator(senderSSRC, func(time.Time, []byte) {})
	now := start
	for b.Loop() {
		now = now.Add(2 * ms)
		e.Arrived(now, 7, rtp.AbsSendTime(now), 1000)
	}
}
