package srtp

import (
	"testing"

	"pgregory.net/rapid"
)

// TestWindow compares the ring of bits with a set that forgets nothing.
func TestWindow(t *testing.T) {
	for _, size := range []int64{rtpWindow, rtcpWindow} {
		rapid.Check(t, func(t *rapid.T) {
			bits := make([]uint64, size/64)
			highest := none
			seen := map[int64]bool{}
			for range rapid.IntRange(1, 200).Draw(t, "n") {
				step := rapid.OneOf(
					rapid.Int64Range(-3, 3),
					rapid.Int64Range(-70, 70),
					rapid.Int64Range(-size-2, size+2),
					rapid.Int64Range(0, 1<<20),
				).Draw(t, "step")
				index := max(0, highest+step)
				want := OK
				switch {
				case index <= highest-size:
					want = TooOld
				case seen[index]:
					want = Replayed
				}
				if got := admit(bits, highest, index); got != want {
					t.Fatalf("index %d, highest %d: %v, want %v", index, highest, got, want)
				}
				if want == OK {
					highest = take(bits, highest, index)
					seen[index] = true
				}
			}
		})
	}
}

// TestWindowEdges names the outermost indices on both sides.
func TestWindowEdges(t *testing.T) {
	for _, size := range []int64{rtpWindow, rtcpWindow} {
		bits := make([]uint64, size/64)
		highest := take(bits, none, 5000)
		for _, c := range []struct {
			index int64
			want  Reason
		}{
			{5000, Replayed},
			{5001, OK},
			{4999, OK},
			{5000 - size + 1, OK},
			{5000 - size, TooOld},
			{0, TooOld},
		} {
			if got := admit(bits, highest, c.index); got != c.want {
				t.Errorf("window %d, index %d: %v, want %v", size, c.index, got, c.want)
			}
		}
		// A jump of exactly the window leaves nothing behind, a jump of one less leaves one.
		if highest = take(bits, highest, 5000+size-1); admit(bits, highest, 5000) != Replayed {
			t.Error("the last index in the window was lost")
		}
		if highest = take(bits, highest, highest+size); bits[wordOf(bits, highest)] != 1<<(highest&63) {
			t.Error("old bits stayed")
		}
	}
}
