package bwe

import (
	"testing"
	"time"

	"gazpacho/pkg/rtp"
)

func TestSendTimeDoesNotWrap(t *testing.T) {
	var b bursts
	first := b.sendTime(rtp.AbsSendTime(start))
	for d := time.Duration(0); d < 10*time.Minute; d += 7 * time.Second {
		got := b.sendTime(rtp.AbsSendTime(start.Add(d))) - first
		if e := (got - d).Abs(); e > 4*time.Microsecond {
			t.Fatalf("%v after the first is %v", d, got)
		}
	}
}

// packetAt is a packet by its times in milliseconds.
type packetAt struct{ sent, arrived time.Duration }

// variations feeds packets and returns the variations in milliseconds: sent, arrived.
func variations(b *bursts, packets ...packetAt) (list [][2]time.Duration) {
	for _, p := range packets {
		if v, ok := b.add(p.sent*ms, p.arrived*ms); ok {
			list = append(list, [2]time.Duration{v.sent / ms, v.arrived / ms})
		}
	}
	return list
}

func TestBursts(t *testing.T) {
	for _, c := range []struct {
		name    string
		packets []packetAt
		want    [][2]time.Duration
	}{
		{"one packet each", []packetAt{{0, 50}, {20, 70}, {40, 95}, {60, 110}}, [][2]time.Duration{{20, 20}, {20, 25}}},
		// Packets sent within burst_time are one group (draft-ietf-rmcat-gcc-02 section 5.2); the last of each counts.
		{"bursts of three", []packetAt{{0, 50}, {2, 51}, {5, 53}, {20, 70}, {24, 76}, {40, 90}}, [][2]time.Duration{{19, 23}}},
		{"times since the first packet", []packetAt{{0, 50}, {4, 54}, {8, 61}, {16, 70}}, [][2]time.Duration{{4, 7}}},
		// Radio: what was held back arrives at once.
		{"held back", []packetAt{{0, 50}, {20, 120}, {40, 121}, {60, 122}, {80, 140}, {100, 160}}, [][2]time.Duration{{60, 72}, {20, 18}}},
		{"overtaken packets do not count", []packetAt{{0, 50}, {20, 70}, {10, 71}, {40, 90}, {60, 110}}, [][2]time.Duration{{20, 20}, {20, 20}}},
		{"within a burst order does not matter", []packetAt{{0, 50}, {20, 70}, {24, 71}, {22, 72}, {40, 90}}, [][2]time.Duration{{24, 22}}},
		{"the clock was set", []packetAt{{0, 50}, {20, 70}, {40, 90}, {90000, 110}, {90020, 130}, {90040, 150}}, [][2]time.Duration{{20, 20}, {20, 20}}},
		{"the clock was set back", []packetAt{{90000, 50}, {90020, 70}, {10, 90}, {30, 110}, {50, 130}}, [][2]time.Duration{{20, 20}}},
	} {
		var b bursts
		got := variations(&b, c.packets...)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	}
}

// However long the queue, packets that keep arriving together are one burst no longer than maxBurst.
func TestBurstsEnd(t *testing.T) {
	var b bursts
	found := 0
	for i := range time.Duration(200) {
		if _, ok := b.add(i*10*ms, 5000*ms+i*4*ms); ok {
			found++
		}
	}
	if found < 5 {
		t.Errorf("%d variations in 800 ms of packets", found)
	}
}
