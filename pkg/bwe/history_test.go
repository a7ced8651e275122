package bwe

import (
	"testing"

	"pgregory.net/rapid"
)

func TestHistoryGrowsWithWhatIsNeeded(t *testing.T) {
	var h history
	h.reset(0)
	for n := int64(0); n < 5000; n++ {
		h.note(n, n-10, uint32(n+1))
	}
	if len(h.ring) != minHistory {
		t.Errorf("%d slots for ten packets", len(h.ring))
	}
	for n := int64(5000); n < 10000; n++ {
		h.note(n, n-100, uint32(n+1))
	}
	if len(h.ring) != 512 {
		t.Errorf("%d slots for a hundred packets", len(h.ring))
	}
	h.note(30000, 10000, 1)
	if len(h.ring) != maxHistory {
		t.Errorf("%d slots for a leap", len(h.ring))
	}
	if h.known != 30001-maxHistory || !h.forgot(h.known-1) || h.forgot(h.known) {
		t.Errorf("known from %d on", h.known)
	}
}

func TestHistoryOfTickZero(t *testing.T) {
	var h history
	h.reset(5)
	if !h.note(5, 5, 0) || h.at(5) != 1 || h.note(5, 5, 7) {
		t.Errorf("tick 0 is kept as %d", h.at(5))
	}
}

// Against a plain map: what is known is exactly what was noted.
func TestHistoryProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h history
		n := rapid.Int64Range(-100, 70000).Draw(t, "first")
		h.reset(n)
		noted := map[int64]uint32{}
		from := n
		for i := range rapid.IntRange(1, 300).Draw(t, "packets") {
			switch rapid.IntRange(0, 20).Draw(t, "kind") {
			case 0:
				n = h.end + rapid.Int64Range(0, 5000).Draw(t, "leap")
			case 1, 2:
				n = h.end - rapid.Int64Range(1, 200).Draw(t, "late")
			default:
				n = h.end
			}
			if h.forgot(n) {
				continue
			}
			from = max(from, n-rapid.Int64Range(0, 2000).Draw(t, "needed"))
			_, before := noted[n]
			if fresh := h.note(n, min(from, n), uint32(i+1)); fresh == before {
				t.Fatalf("packet %d noted %v, before %v", n, fresh, before)
			}
			if !before {
				noted[n] = uint32(i + 1)
			}
			if h.known < h.end-int64(len(h.ring)) {
				t.Fatalf("known from %d, end %d, %d slots", h.known, h.end, len(h.ring))
			}
			for k := h.first(h.known); k < h.end; k++ {
				if h.at(k) != noted[k] {
					t.Fatalf("packet %d at %d, want %d", k, h.at(k), noted[k])
				}
			}
		}
	})
}
