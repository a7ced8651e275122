package srtp

// Sizes of the sliding windows in packets (RFC 3711 section 3.3.2 asks for 64 at least; R-RTP-7).
const (
	rtpWindow  = 1024
	rtcpWindow = 128
)

// none is the highest index of a stream without packets.
const none int64 = -1

// admit tells whether index may still be taken by a window, without changing it. bits holds one bit for
// each of the last 64·len(bits) indices up to highest, at the place index modulo that size, a power of two.
func admit(bits []uint64, highest, index int64) Reason {
	size := int64(len(bits)) * 64
	switch {
	case index > highest:
		return OK
	case index <= highest-size:
		return TooOld
	case bits[wordOf(bits, index)]&(1<<(index&63)) != 0:
		return Replayed
	}
	return OK
}

// take marks an index that admit let through and returns the new highest one.
func take(bits []uint64, highest, index int64) int64 {
	size := int64(len(bits)) * 64
	if index > highest {
		if index-highest >= size {
			clear(bits)
		} else {
			for i := highest + 1; i < index; i++ {
				bits[wordOf(bits, i)] &^= 1 << (i & 63)
			}
		}
		highest = index
	}
	bits[wordOf(bits, index)] |= 1 << (index & 63)
	return highest
}

// wordOf finds the word with the bit of an index. A division here would cost as much as the rest of the window.
func wordOf(bits []uint64, index int64) int {
	return int(index>>6) & (len(bits) - 1)
}
