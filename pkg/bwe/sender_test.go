package bwe

import (
	"testing"
	"time"
)

// mean is that of the seconds [from, to).
func mean(values []int, from, to int) float64 {
	sum := 0
	for _, v := range values[from:to] {
		sum += v
	}
	return float64(sum) / float64(to-from)
}

// within checks the estimates of the seconds [from, to).
func (f *flow) within(t *testing.T, from, to int, least, most float64) {
	t.Helper()
	for i, estimate := range f.estimates[from:to] {
		if e := float64(estimate); e < least || e > most {
			t.Errorf("second %d: %d is not between %.0f and %.0f: %v", from+i, estimate, least, most, f.estimates)
			return
		}
	}
}

// The bottleneck is found within seconds of the first report, by probing, and held: nothing of what swings below 80 % or above 110 % lasts.
func TestSenderFindsTheBottleneck(t *testing.T) {
	for _, capacity := range []int{300_000, 1_000_000, 5_000_000} {
		for _, jitter := range []time.Duration{0, 5 * ms, 20 * ms} {
			l := newNet(constant(capacity))
			l.Jitter = jitter
			f := l.join(600_000)
			l.run(time.Minute)
			full := float64(capacity)
			f.within(t, 5, 60, 0.5*full, 1.6*full) // jitter makes a probe see too much now and then
			if m := mean(f.estimates, 3, 60); m < 0.8*full || m > 1.1*full {
				t.Errorf("capacity %d, jitter %v: mean %.0f", capacity, jitter, m)
			}
			if m := mean(f.sending, 3, 60); m < 0.8*full {
				t.Errorf("capacity %d, jitter %v: %.0f was sent", capacity, jitter, m)
			}
			if share := float64(f.probed) * 8 / 60 / full; share > 0.02 {
				t.Errorf("capacity %d: %.3f of it was padding", capacity, share)
			}
		}
	}
}

// When the path falls from 3 to 0.7 Mbit/s the queue is left within three seconds; when it recovers a probe finds out within ten.
func TestSenderFollowsThePath(t *testing.T) {
	l := newNet(func(at time.Duration) int {
		if at >= 20*time.Second && at < 40*time.Second {
			return 700_000
		}
		return 3_000_000
	})
	f := l.join(600_000)
	l.run(80 * time.Second)
	f.within(t, 3, 20, 1_900_000, 3_300_000)
	f.within(t, 23, 40, 400_000, 850_000)
	f.within(t, 50, 80, 1_900_000, 3_300_000)
	for second := 23; second < 40; second++ {
		if f.delays[second] > 150*ms {
			t.Errorf("second %d: %v in the queue: %v", second, f.delays[second], f.delays)
		}
	}
}

// 2 % of random loss is nothing (draft-ietf-rmcat-gcc-02 section 6: below 10 % the loss-based estimate does not fall).
func TestSenderBearsRandomLoss(t *testing.T) {
	l := newNet(constant(5_000_000))
	l.Loss = 0.02
	f := l.join(600_000)
	l.run(time.Minute)
	if m := mean(f.estimates, 3, 60); m < 3_500_000 || m > 5_500_000 {
		t.Errorf("mean %.0f: %v", m, f.estimates)
	}
	if loss := f.sender.Loss(); loss < 0.002 || loss > 0.08 {
		t.Errorf("loss is told to be %.3f", loss)
	}
}

// A path whose queue is too short for delay to show is found by loss.
func TestSenderOfAShallowQueue(t *testing.T) {
	l := newNet(constant(1_000_000))
	l.Queue = 20 * ms
	f := l.join(600_000)
	l.run(time.Minute)
	if m := mean(f.estimates, 5, 60); m < 600_000 || m > 1_300_000 {
		t.Errorf("mean %.0f: %v", m, f.estimates)
	}
}

// Two share a path: both live, and together they fill it.
func TestSendersShare(t *testing.T) {
	l := newNet(constant(3_000_000))
	one, other := l.join(600_000), l.join(600_000)
	l.run(2 * time.Minute)
	a, b := mean(one.sending, 10, 120), mean(other.sending, 10, 120)
	if a+b < 2_400_000 || a/b < 0.4 || a/b > 2.5 {
		t.Errorf("%.0f and %.0f", a, b)
	}
}

// What was never tried is not assumed: without need the estimate stays where it was, and nothing is probed.
func TestSenderOfAnApplicationWithLittleToSay(t *testing.T) {
	l := newNet(constant(10_000_000))
	f := l.join(600_000)
	f.wanted = constant(200_000)
	l.run(30 * time.Second)
	f.within(t, 0, 30, 600_000, 600_000)
	if f.probed != 0 || !f.sender.Limited() {
		t.Errorf("%d bytes were probed, limited %v", f.probed, f.sender.Limited())
	}
}

// With layers too coarse to fill the path it is probing alone that finds room for the next, and no more than that is looked for.
func TestSenderOfLayers(t *testing.T) {
	l := newNet(constant(20_000_000))
	f := l.join(600_000)
	f.layers = []int{150_000, 500_000, 2_500_000}
	f.wanted = constant(2_500_000)
	l.run(20 * time.Second)
	f.within(t, 2, 20, 2_500_000, Headroom*2_500_000)
	if m := mean(f.sending, 3, 20); m < 2_300_000 {
		t.Errorf("%.0f was sent: %v", m, f.sending)
	}
	if f.probed > 60_000 {
		t.Errorf("%d bytes were probed", f.probed)
	}
}

// The application's floor and ceiling hold whatever the path says; the absolute minimum is 30 kbit/s.
func TestSenderLimits(t *testing.T) {
	l := newNet(constant(1_000_000))
	f := l.join(600_000)
	f.sender.SetLimits(0, 400_000)
	l.run(10 * time.Second)
	f.within(t, 0, 10, 300_000, 400_000)
	f.sender.SetLimits(1_500_000, 0)
	l.run(10 * time.Second)
	f.within(t, 10, 20, 1_500_000, 5_000_000)
	if s := NewSender(SenderConfig{}); s.Bitrate() != minBitrate || s.Least() != minBitrate {
		t.Errorf("%d of nothing", s.Bitrate())
	}
}

// A peer that stops reporting is sent less and less, and a bit of what it was once it reports again.
func TestSenderUnheard(t *testing.T) {
	l := newNet(constant(3_000_000))
	f := l.join(600_000)
	l.run(5 * time.Second)
	was, feedback := f.sender.Bitrate(), f.feedback
	f.feedback = func(time.Time, []byte) {}
	l.run(10 * time.Second)
	if now := f.sender.Bitrate(); now > was/4 {
		t.Errorf("%d after ten seconds of silence, of %d", now, was)
	}
	f.feedback = feedback
	l.run(20 * time.Second)
	f.within(t, 30, 35, 2_000_000, 3_500_000)
}

// A peer that never reports, though it said that it would, leaves the estimate where it began, and is never probed.
func TestSenderNeverHeard(t *testing.T) {
	l := newNet(constant(3_000_000))
	f := l.join(600_000)
	f.feedback = func(time.Time, []byte) {}
	f.sender.SetDesired(5_000_000)
	l.run(10 * time.Second)
	if padding, next := f.sender.Probe(l.now); f.sender.Bitrate() != 600_000 || padding != 0 || !next.IsZero() {
		t.Errorf("%d, %d bytes to probe at %v", f.sender.Bitrate(), padding, next)
	}
}
