package stream

import (
	"testing"

	"pgregory.net/rapid"
)

func TestSequencePlaces(t *testing.T) {
	type step struct {
		seq    uint16
		number int64
		place  Place
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"in order over the wrap", []step{{65534, 65534, Ahead}, {65535, 65535, Ahead}, {0, 65536, Ahead}, {1, 65537, Ahead}}},
		{"a gap and what fills it", []step{{10, 10, Ahead}, {13, 13, Ahead}, {11, 11, Behind}, {12, 12, Behind}}},
		{"late across the wrap", []step{{65535, 65535, Ahead}, {1, 65537, Ahead}, {0, 65536, Behind}}},
		{"before the very first", []step{{0, 0, Ahead}, {65535, -1, Behind}}},
		{"the same again", []step{{7, 7, Ahead}, {7, 7, Again}, {9, 9, Ahead}, {8, 8, Behind}, {8, 8, Again}, {7, 7, Again}}},
		{"the same before the first", []step{{0, 0, Ahead}, {65000, -536, Behind}, {65000, -536, Again}}},
		{"a window later", []step{{7, 7, Ahead}, {7 + windowSize, 7 + windowSize, Ahead}, {8, 8, OutOfRange}, {40, 40, OutOfRange}, {100, 100, Behind}}},
		// "If delta is less than MAX_DROPOUT, the sequence number is in order with permissible gap" (RFC 3550 section A.1).
		{"just below the largest gap", []step{{0, 0, Ahead}, {maxDropout - 1, maxDropout - 1, Ahead}}},
		{"the largest gap", []step{{0, 0, Ahead}, {maxDropout, 0, OutOfRange}}},
		{"as late as may be", []step{{5000, 5000, Ahead}, {5000 - maxMisorder, 5000 - maxMisorder, Behind}}},
		{"later than that", []step{{5000, 5000, Ahead}, {5000 - maxMisorder - 1, 0, OutOfRange}}},
		// "Two sequential packets -- assume that the other side restarted without telling us so just re-sync".
		{"a restart", []step{{0, 0, Ahead}, {30000, 0, OutOfRange}, {30001, 30001, Restart}, {30002, 30002, Ahead}}},
		{"a restart over the wrap", []step{{100, 100, Ahead}, {65535, 65535 - 65536, Behind}, {40000, 0, OutOfRange}, {40001, 40001, Restart}}},
		{"a stray packet", []step{{0, 0, Ahead}, {30000, 0, OutOfRange}, {1, 1, Ahead}, {30001, 0, OutOfRange}, {2, 2, Ahead}}},
		{"two strays not in a row", []step{{0, 0, Ahead}, {30000, 0, OutOfRange}, {30002, 0, OutOfRange}, {30003, 30003, Restart}}},
		{"a restart that wraps", []step{{20000, 20000, Ahead}, {65535, 0, OutOfRange}, {0, 0, Restart}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Sequence
			for i, st := range tt.steps {
				number, place := s.Update(st.seq)
				if place != st.place || (place != OutOfRange && number != st.number) {
					t.Fatalf("step %d, %d: number %d place %d, want %d, %d", i, st.seq, number, place, st.number, st.place)
				}
			}
		})
	}
}

func TestSequenceLoss(t *testing.T) {
	var s Sequence
	if n, m := s.EndInterval(); n != 0 || m != 0 || s.Lost() != 0 {
		t.Error("something is expected before the first packet")
	}
	for _, seq := range []uint16{100, 101, 104, 105} { // 102, 103 are lost
		s.Update(seq)
	}
	if expected, missing := s.EndInterval(); expected != 6 || missing != 2 {
		t.Errorf("expected %d, missing %d, want 6, 2", expected, missing)
	}
	// "the number of packets lost divided by the number of packets expected", as "the integer part after multiplying the loss fraction
	// by 256" (RFC 3550 section 6.4.1).
	if got := s.FractionLost(); got != 2*256/6 {
		t.Errorf("fraction lost %d", got)
	}
	if s.Lost() != 2 || s.Highest() != 105 {
		t.Errorf("lost %d, highest %d", s.Lost(), s.Highest())
	}
	// "If the loss is negative due to duplicates, the fraction lost is set to zero."
	s.Update(102)
	s.Update(103)
	if expected, missing := s.EndInterval(); expected != 0 || missing != -2 || s.FractionLost() != 0 || s.Lost() != 0 {
		t.Errorf("expected %d, missing %d, fraction %d, lost %d", expected, missing, s.FractionLost(), s.Lost())
	}
	// All but the last of an interval lost: 255 is the largest fraction.
	s.Update(106 + 2000)
	if s.EndInterval(); s.FractionLost() != 255 {
		t.Errorf("fraction %d for 2000 of 2001", s.FractionLost())
	}
}

func TestSequenceKeepsLossOverRestart(t *testing.T) {
	var s Sequence
	s.Update(1)
	s.Update(4) // 2, 3 are lost
	s.Update(40000)
	if _, place := s.Update(40001); place != Restart {
		t.Fatal("no restart")
	}
	s.Update(40003)
	if s.Lost() != 3 {
		t.Errorf("lost %d, want 3", s.Lost())
	}
	if expected, missing := s.EndInterval(); expected != 3 || missing != 1 {
		t.Errorf("interval of the new beginning: %d, %d", expected, missing)
	}
}

// However packets are lost and swapped, numbers extend to what was sent and the loss adds up.
func TestSequenceModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := int64(rapid.Uint16().Draw(t, "first"))
		lost := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 400).Draw(t, "lost")
		var order []int64
		for i, l := range lost {
			if i == 0 || l > 0.2 {
				order = append(order, first+int64(i))
			}
		}
		// Swap neighbours, but keep the first in front: it decides what counts as late.
		for i := range rapid.IntRange(0, len(order)/2).Draw(t, "swaps") {
			if at := 1 + 2*i; at+1 < len(order) {
				order[at], order[at+1] = order[at+1], order[at]
			}
		}
		var s Sequence
		highest, expectedSum, missingSum := first, 0, 0
		for i, number := range order {
			got, place := s.Update(uint16(number))
			wantPlace := Behind
			if i == 0 || number > highest {
				wantPlace = Ahead
			}
			highest = max(highest, number)
			if got != number || place != wantPlace {
				t.Fatalf("%d: got %d place %d, want place %d", number, got, place, wantPlace)
			}
			if i%50 == 49 {
				e, m := s.EndInterval()
				expectedSum, missingSum = expectedSum+e, missingSum+m
			}
		}
		e, m := s.EndInterval()
		all := int(highest - first + 1)
		if expectedSum+e != all || missingSum+m != all-len(order) || s.Lost() != all-len(order) {
			t.Fatalf("expected %d of %d, missing %d of %d, lost %d", expectedSum+e, all, missingSum+m, all-len(order), s.Lost())
		}
	})
}
