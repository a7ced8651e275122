package srtp

// maxROC is the last rollover counter of a key: 2^48 packets, then it is spent (RFC 3711 section 9.2).
const maxROC = 1<<32 - 1

// guessIndex returns the 48-bit index, rollover counter and sequence number, that lies nearest to the highest one known
// (RFC 3711 section 3.3.1, appendix A). It stays within the rollovers that exist: what would lie before the
// first is taken as part of it, as deployed peers do, and what would lie after the last is behind the window.
func guessIndex(highest int64, seq uint16) int64 {
	if highest == none {
		return int64(seq)
	}
	const half = 1 << 15
	roc, last := highest>>16, highest&0xffff
	switch {
	case last < half && int64(seq)-last > half && roc > 0:
		roc--
	case last >= half && last-half > int64(seq) && roc < maxROC:
		roc++
	}
	return roc<<16 | int64(seq)
}
