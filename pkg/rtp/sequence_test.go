package rtp

import (
	"testing"

	"pgregory.net/rapid"
)

func TestSeqLess(t *testing.T) {
	for _, c := range []struct {
		a, b uint16
		want bool
	}{
		{0, 0, false},
		{0, 1, true},
		{1, 0, false},
		{65535, 0, true},
		{0, 65535, false},
		{0, 32767, true},
		{32767, 0, false},
		{0, 32768, false},
		{32768, 0, false}, // half a turn: neither
		{0, 32769, false},
		{32769, 0, true},
	} {
		if got := SeqLess(c.a, c.b); got != c.want {
			t.Errorf("%d before %d: %v", c.a, c.b, got)
		}
	}
}

func TestTimestampLess(t *testing.T) {
	for _, c := range []struct {
		a, b uint32
		want bool
	}{
		{5, 5, false},
		{5, 6, true},
		{6, 5, false},
		{1<<32 - 1, 0, true},
		{0, 1<<32 - 1, false},
		{0, 1<<31 - 1, true},
		{0, 1 << 31, false},
		{1 << 31, 0, false},
		{1<<31 + 1, 0, true},
	} {
		if got := TimestampLess(c.a, c.b); got != c.want {
			t.Errorf("%d before %d: %v", c.a, c.b, got)
		}
	}
}

func TestUnwrap(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []uint16
		want []int64
	}{
		{"ascending", []uint16{5, 6, 8}, []int64{5, 6, 8}},
		{"wrapping", []uint16{65534, 65535, 0, 1}, []int64{65534, 65535, 65536, 65537}},
		{"back over the wrap", []uint16{65535, 0, 65535, 1}, []int64{65535, 65536, 65535, 65537}},
		{"late at the start", []uint16{0, 65535}, []int64{0, -1}},
		{"half a turn is forward", []uint16{0, 32768}, []int64{0, 32768}},
		{"more is backward", []uint16{0, 32769}, []int64{0, -32767}},
		{"three turns", []uint16{0, 30000, 60000, 24464, 54464, 18928, 48928}, []int64{0, 30000, 60000, 90000, 120000, 150000, 180000}},
	} {
		var u Unwrapper[uint16]
		for i, v := range c.in {
			if got := u.Unwrap(v); got != c.want[i] || u.Last() != got {
				t.Errorf("%s: %d is %d, want %d", c.name, v, got, c.want[i])
			}
		}
	}
	var u Unwrapper[uint32]
	u.Unwrap(1<<32 - 90)
	if got := u.Unwrap(3000); got != 1<<32+3000 {
		t.Errorf("a timestamp wrapped to %d", got)
	}
	if got := u.Unwrap(1<<32 - 1); got != 1<<32-1 {
		t.Errorf("a timestamp unwrapped to %d", got)
	}
}

// Whatever comes, what goes out is congruent to it and no more than half a turn from the one before.
func TestUnwrapProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u Unwrapper[uint16]
		last := int64(0)
		for i, v := range rapid.SliceOf(rapid.Uint16()).Draw(t, "numbers") {
			n := u.Unwrap(v)
			if uint16(n) != v {
				t.Fatalf("%d became %d", v, n)
			}
			if d := n - last; i > 0 && (d > 1<<15 || d <= -1<<15) {
				t.Fatalf("from %d to %d", last, n)
			}
			last = n
		}
	})
}

// A walk of steps shorter than half a turn is followed exactly.
func TestUnwrapFollowsAWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u Unwrapper[uint32]
		at := int64(rapid.Uint32().Draw(t, "start"))
		u.Unwrap(uint32(at))
		for _, step := range rapid.SliceOf(rapid.Int64Range(-1<<31+1, 1<<31)).Draw(t, "steps") {
			at += step
			if got := u.Unwrap(uint32(at)); got != at {
				t.Fatalf("at %d, want %d", got, at)
			}
		}
	})
}
