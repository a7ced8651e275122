package bwe

import (
	"testing"
	"time"

	"gazpacho/pkg/rtp"
)

// told collects REMBs.
type told struct {
	t        testing.TB
	at       []time.Duration
	bitrates []int
	sources  [][]uint32
}

func (c *told) send(now time.Time, raw []byte) {
	c.t.Helper()
	compound, ok := rtp.ParseRTCP(raw)
	var p rtp.RTCP
	if !ok || !compound.Next(&p) || p.Kind != rtp.REMB || p.SenderSSRC() != senderSSRC {
		c.t.Fatalf("sent %x", raw)
	}
	var sources []uint32
	for i := range p.Sources() {
		sources = append(sources, p.Source(i))
	}
	c.at = append(c.at, now.Sub(start))
	c.bitrates = append(c.bitrates, p.REMBBitrate())
	c.sources = append(c.sources, sources)
}

func (c *told) clear() { c.at, c.bitrates, c.sources = nil, nil, nil }

func TestLimitIsRepeatedWhilePacketsCome(t *testing.T) {
	c := &told{t: t}
	l := NewLimit(senderSSRC, c.send)
	packets := func(from, to time.Duration) {
		for d := from; d < to; d += 10 * ms {
			l.Arrived(start.Add(d))
		}
	}
	packets(0, 5*time.Second)
	if len(c.at) != 0 {
		t.Fatal("told of no limit")
	}
	l.Set(500_000)
	if len(c.at) != 0 {
		t.Fatal("told without a packet")
	}
	packets(5*time.Second, 8*time.Second+10*ms)
	if len(c.at) != 3 || c.at[0] != 5*time.Second || c.at[1] != 6500*ms || c.at[2] != 8*time.Second {
		t.Errorf("told at %v", c.at)
	}
	l.Set(500_000)
	l.Arrived(start.Add(8500 * ms))
	if len(c.at) != 3 {
		t.Error("told again of the same limit")
	}
	l.Set(262_143)
	l.Arrived(start.Add(8600 * ms))
	for i, want := range []int{500_000, 500_000, 500_000, 262_143} {
		if c.bitrates[i] != want {
			t.Errorf("told of %d, want %d", c.bitrates[i], want)
		}
	}
}

// That a limit is gone is told a few times, as 0, and then no more.
func TestLimitThatIsLifted(t *testing.T) {
	c := &told{t: t}
	l := NewLimit(senderSSRC, c.send)
	l.Set(500_000)
	l.Arrived(start)
	l.Set(0)
	c.clear()
	for d := 100 * ms; d < time.Minute; d += 100 * ms {
		l.Arrived(start.Add(d))
	}
	if len(c.at) != lifted || c.at[0] != 100*ms || c.at[1] != 1600*ms {
		t.Errorf("told at %v", c.at)
	}
	for _, bitrate := range c.bitrates {
		if bitrate != 0 {
			t.Errorf("told of %d", bitrate)
		}
	}
	// A new one in the middle ends that.
	l.Set(400_000)
	l.Set(0)
	l.Arrived(start.Add(time.Hour))
	l.Set(300_000)
	c.clear()
	for d := time.Duration(0); d < 15*time.Second; d += 100 * ms {
		l.Arrived(start.Add(time.Hour + d))
	}
	if len(c.bitrates) != 10 || c.bitrates[0] != 300_000 || c.bitrates[9] != 300_000 {
		t.Errorf("told of %v", c.bitrates)
	}
}

func TestLimitAllocatesNothing(t *testing.T) {
	size := 0
	l := NewLimit(senderSSRC, func(_ time.Time, raw []byte) { size += len(raw) })
	l.Set(500_000)
	now := start
	if n := testing.AllocsPerRun(100, func() {
		now = now.Add(LimitInterval)
		l.Arrived(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if size != 101*20 {
		t.Errorf("told in %d bytes", size)
	}
}
