package stream

import (
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"pgregory.net/rapid"
)

func TestClockConverts(t *testing.T) {
	var c Clock
	if c.Known() {
		t.Error("a clock is known without a report")
	}
	ntp := rtp.NTP(start)
	c.Report(start, 90000, ntp, 1<<32-45000)
	tests := []struct {
		timestamp uint32
		after     time.Duration
	}{
		{1<<32 - 45000, 0},
		{45000, time.Second},
		{1<<32 - 135000, -time.Second},
		{1<<32 - 45000 + 90, time.Millisecond},
		{3600*90000 - 45000, time.Hour},
	}
	for _, tt := range tests {
		at := rtp.NTPTime(c.NTP(tt.timestamp))
		if d := at.Sub(start) - tt.after; d < -time.Microsecond || d > time.Microsecond {
			t.Errorf("%d is %v after the report, want %v", tt.timestamp, at.Sub(start), tt.after)
		}
		if got := c.Timestamp(rtp.NTP(start.Add(tt.after))); got != tt.timestamp {
			t.Errorf("%v after the report is %d, want %d", tt.after, got, tt.timestamp)
		}
	}
}

func TestClockRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Clock
		rate := rapid.SampledFrom([]int{8000, 16000, 48000, 90000}).Draw(t, "rate")
		base := rapid.Uint32().Draw(t, "base")
		c.Report(start, rate, rtp.NTP(start), base)
		timestamp := base + uint32(int32(rapid.IntRange(-1<<30, 1<<30).Draw(t, "units")))
		if got := c.Timestamp(c.NTP(timestamp)); got != timestamp {
			t.Fatalf("%d came back as %d", timestamp, got)
		}
	})
}

// The offset of the report that was under way the shortest is the one that counts, until it is forgotten.
func TestClockTakesTheFastestReport(t *testing.T) {
	var c Clock
	ahead := 3 * time.Hour // the sender's clock is that far ahead of ours
	way := func(i int) time.Duration {
		if i == 2 {
			return 20 * time.Millisecond
		}
		return 200 * time.Millisecond
	}
	report := func(i int) (now time.Time) {
		sent := start.Add(time.Duration(i) * time.Second)
		now = sent.Add(way(i))
		c.Report(now, 90000, rtp.NTP(sent.Add(ahead)), uint32(i)*90000)
		return now
	}
	near := func(got, want uint32) bool { d := int32(got - want); return -2 <= d && d <= 2 }
	now := report(0)
	if got := c.TimestampAt(now); !near(got, 0) {
		t.Errorf("after a slow report: %d", got)
	}
	report(1)
	report(2)
	now = report(3)
	// What was captured 20 ms before now is what arrives now at best.
	if got, want := c.TimestampAt(now), uint32(3*90000+180*90); !near(got, want) {
		t.Errorf("after a fast report: %d, want %d", got, want)
	}
	for i := 4; i < 4+clockSamples; i++ {
		now = report(i)
	}
	if got, want := c.TimestampAt(now), uint32((3+clockSamples)*90000); !near(got, want) {
		t.Errorf("after the fast report was forgotten: %d, want %d", got, want)
	}
}

func TestUnits(t *testing.T) {
	tests := []struct {
		d    time.Duration
		rate int
		want uint32
	}{
		{0, 90000, 0},
		{time.Second, 90000, 90000},
		{-time.Second, 90000, 1<<32 - 90000},
		{20 * time.Millisecond, 48000, 960},
		{1000 * time.Hour, 90000, uint32(uint64(3600*1000*90000) % (1 << 32))},
	}
	for _, tt := range tests {
		if got := Units(tt.d, tt.rate); got != tt.want {
			t.Errorf("%v at %d Hz: %d, want %d", tt.d, tt.rate, got, tt.want)
		}
	}
}
