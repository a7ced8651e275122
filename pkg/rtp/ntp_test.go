package rtp

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNTPGolden(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		want uint64
	}{
		{time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), 0x83aa7e80_00000000}, // RFC 868: 2,208,988,800
		{time.Date(2000, 1, 1, 0, 0, 0, 500_000_000, time.UTC), 0xbc17c200_80000000},
		{time.Date(2026, 5, 1, 12, 0, 0, 250_000_000, time.UTC), 0xed9f1440_40000000},
		{time.Date(2036, 2, 7, 6, 28, 15, 0, time.UTC), 0xffffffff_00000000}, // RFC 4330 section 3: the last second of the era
		{time.Date(2036, 2, 7, 6, 28, 16, 0, time.UTC), 0},
		{time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC), 0x0754fd00_00000000},
	} {
		if got := NTP(c.at); got != c.want {
			t.Errorf("%v is %016x, want %016x", c.at, got, c.want)
		}
		if got := NTPTime(c.want); !got.Equal(c.at) {
			t.Errorf("%016x is %v, want %v", c.want, got.UTC(), c.at)
		}
	}
}

func TestNTPTimeIsExactToTheNanosecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
		if got := NTPTime(NTP(at)); !got.Equal(at) {
			t.Fatalf("%v came back as %v", at, got)
		}
	})
}

func TestCompact(t *testing.T) {
	if got := CompactNTP(0xb44db705_20000000); got != 0xb7052000 { // RFC 3550 figure 2
		t.Errorf("compact %08x", got)
	}
	for _, c := range []struct {
		d    time.Duration
		want uint32
	}{
		{0, 0},
		{-time.Second, 0},
		{time.Second, 1 << 16},
		{5250 * time.Millisecond, 0x00054000},
		{65535 * time.Second, 0xffff0000},
		{65536 * time.Second, 0xffffffff},
		{1 << 62, 0xffffffff},
	} {
		if got := CompactDuration(c.d); got != c.want {
			t.Errorf("%v is %08x, want %08x", c.d, got, c.want)
		}
	}
	if got := DurationOfCompact(0x00054000); got != 5250*time.Millisecond {
		t.Errorf("%v", got)
	}
	if got := DurationOfCompact(1<<32 - 1); got < 65535*time.Second || got > 65536*time.Second {
		t.Errorf("%v", got)
	}
}

func TestCompactDurationIsExactToItsUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(65535*time.Second)).Draw(t, "duration"))
		if got := DurationOfCompact(CompactDuration(d)); got > d || d-got > time.Second>>16+2 {
			t.Fatalf("%v came back as %v", d, got)
		}
	})
}

// The example of RFC 3550 figure 2: "A 0xb710:8000 (46864.500 s), DLSR -0x0005:4000 (5.250 s), LSR -0xb705:2000 (46853.125 s),
// delay 0x0006:2000 (6.125 s)".
func TestRoundTrip(t *testing.T) {
	if got, ok := RoundTrip(0xb7108000, 0xb7052000, 0x00054000); !ok || got != 6125*time.Millisecond {
		t.Errorf("%v, %v", got, ok)
	}
	// "If no SR packet has been received yet from SSRC_n, the LSR field is set to zero."
	if _, ok := RoundTrip(0xb7108000, 0, 0); ok {
		t.Error("a round trip to nowhere")
	}
	if _, ok := RoundTrip(0xb7052000, 0xb7052001, 0); ok {
		t.Error("an answer before the question")
	}
	if got, ok := RoundTrip(0x00000000, 0xffff0000, 0); !ok || got != time.Second {
		t.Errorf("over the wrap: %v, %v", got, ok)
	}
	if got, ok := RoundTrip(5, 5, 0); !ok || got != 0 {
		t.Errorf("no time at all: %v, %v", got, ok)
	}
}

func TestAbsSendTime(t *testing.T) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	first := AbsSendTime(start)
	for _, c := range []struct {
		later time.Duration
		want  uint32
	}{
		{0, 0}, {time.Second, 1 << 18}, {500 * time.Millisecond, 1 << 17}, {64 * time.Second, 0}, {63 * time.Second, 63 << 18},
	} {
		got := AbsSendTime(start.Add(c.later))
		if (got-first)&0xffffff != c.want || got > 0xffffff {
			t.Errorf("after %v: %06x, first %06x", c.later, got, first)
		}
	}
}
