package stream

import (
	"testing"
	"time"
)

// Where offsets change without anything being left out, numbers go on, and what comes late is treated as it would have been in its place.
func TestPart(t *testing.T) {
	old, young := Offsets{Layers: 2}, Offsets{Layers: 3}
	w := NewRewriter(1000)
	w.Offsets = old
	w.Begin(start, 0, 10)
	w.Forward(11)
	// 12 and 13 are missing, 14 is forwarded with other offsets.
	w.Part(start, 14)
	w.Offsets = young
	if got := w.Forward(14); got != 1004 {
		t.Errorf("14 is sent as %d", got)
	}
	if got := w.Forward(15); got != 1005 {
		t.Errorf("15 is sent as %d", got)
	}
	for seq, want := range map[uint16]Reserved{12: {Seq: 1002, Offsets: old}, 13: {Seq: 1003, Offsets: old}, 14: {Seq: 1004, Offsets: young}} {
		if got, ok := w.Late(start, 0, seq, 0); !ok || got != want {
			t.Errorf("%d comes late: %+v, %v", seq, got, ok)
		}
	}
	for out, want := range map[uint16]Offsets{1001: old, 1003: old, 1004: young} {
		if got, ok := w.Source(start, out); !ok || got.Seq != out-990 || got.Offsets != want {
			t.Errorf("%d came from %+v, %v", out, got, ok)
		}
	}
}

// It does not matter whether something is left out in front of it, next to it or before a gap.
func TestPartBehindDrops(t *testing.T) {
	for _, gap := range []uint16{0, 2} {
		w := NewRewriter(1000)
		w.Offsets = Offsets{Layers: 1}
		w.Begin(start, 0, 10)
		w.Drop(start, 11, 77)
		w.Drop(start, 12, 77)
		w.Part(start, 13+gap)
		w.Offsets.Layers = 2
		if got, want := w.Forward(13+gap), 1001+gap; got != want {
			t.Errorf("a gap of %d: sent as %d, want %d", gap, got, want)
		}
		if got, ok := w.Late(start, 0, 12, 77); ok {
			t.Errorf("what was left out comes again: %+v", got)
		}
		if gap == 0 {
			continue
		}
		want := Reserved{Seq: 1001, Offsets: Offsets{Layers: 1}}
		if got, ok := w.Late(start, 0, 13, 0); !ok || got != want {
			t.Errorf("13 comes late: %+v, %v", got, ok)
		}
		// The rest of what was left out is left out as well.
		want.Dropped = true
		if got, ok := w.Late(start, 0, 13, 77); !ok || got != want {
			t.Errorf("the rest of the picture comes late: %+v, %v", got, ok)
		}
		if _, ok := w.Late(start.Add(2*time.Second), 0, 13, 0); ok {
			t.Error("it comes after all")
		}
	}
}
