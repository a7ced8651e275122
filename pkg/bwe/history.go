package bwe

// Sizes of a history's ring, powers of two. Four times what one report holds is about half a second, which is how late a packet
// is still worth reporting.
const (
	minHistory = 128
	maxHistory = 2048
)

// history is when the last packets arrived: a ring of ticks for the numbers up to end. Tick 0 is a packet that did not arrive.
type history struct {
	ring  []uint32
	known int64 // of what is before it nobody knows whether it arrived
	end   int64 // one more than the highest that arrived
}

// reset forgets all packets: the next will be n, and nothing before it arrived.
func (h *history) reset(n int64) {
	clear(h.ring)
	h.known, h.end = n-minHistory, n
}

// forgot tells whether nobody knows if n arrived before.
func (h *history) forgot(n int64) bool { return n < h.known }

// first returns the lowest number from n on that the ring covers; what is between did not arrive.
func (h *history) first(n int64) int64 { return max(n, h.end-int64(len(h.ring))) }

// at returns when n, one of those the ring covers, arrived.
func (h *history) at(n int64) uint32 { return h.ring[n&int64(len(h.ring)-1)] }

// note keeps when n arrived; n was not forgotten. The ring grows to four times the distance of what is still needed, back to
// from. It returns false if n arrived before.
func (h *history) note(n, from int64, tick uint32) bool {
	h.grow(n - from)
	mask := int64(len(h.ring) - 1)
	if n < h.end {
		if h.ring[n&mask] != 0 {
			return false
		}
		h.ring[n&mask] = max(tick, 1)
		return true
	}
	// The slots of what was skipped may hold older packets.
	if n-h.end > mask {
		clear(h.ring)
		h.end = n
	}
	for ; h.end < n; h.end++ {
		h.ring[h.end&mask] = 0
	}
	h.ring[n&mask] = max(tick, 1)
	h.end = n + 1
	h.known = max(h.known, h.end-int64(len(h.ring)))
	return true
}

func (h *history) grow(distance int64) {
	size := max(len(h.ring), minHistory)
	for size < maxHistory && int64(size) <= 4*distance {
		size *= 2
	}
	if size == len(h.ring) {
		return
	}
	ring := make([]uint32, size)
	if len(h.ring) > 0 {
		for n := h.first(h.known); n < h.end; n++ {
			ring[n&int64(size-1)] = h.at(n)
		}
	}
	h.ring = ring
}
