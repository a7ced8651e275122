package rtp

import (
	"encoding/binary"
	"math"
	"slices"
)

// transportCCHead is the size of everything in front of the chunks.
const transportCCHead = rtcpHeaderSize + feedbackSize + transportCCHeadSize

// TransportCCWriter writes one TransportCC into a borrowed buffer. Chunks grow from the front and deltas, reversed, from the
// back; Finish brings them together.
type TransportCCWriter struct {
	buf    []byte
	chunks int // where the next chunk goes
	deltas int // where the last written delta begins
	base   uint16
	count  int
	tick   uint32

	pending  [oneBitSymbols]uint8 // symbols that are not in a chunk yet; of a run only the first counts
	waiting  int                  // how many they are
	mixed    bool                 // they are not all equal
	anyLarge bool
}

// Begin starts a packet whose first status is that of packet base. The reference time will be that of tick, when the first
// received packet arrived. The buffer must hold at least 64 bytes; beyond 64 KiB it is not used.
func (w *TransportCCWriter) Begin(buf []byte, senderSSRC, mediaSSRC uint32, base uint16, tick uint32, feedback uint8) {
	*w = TransportCCWriter{buf: buf[:min(len(buf), math.MaxUint16)&^3], chunks: transportCCHead, base: base}
	w.deltas = len(w.buf)
	w.tick = tick &^ (TransportReference - 1)
	w.buf[0], w.buf[1] = version<<6|formatTransportCC, typeRTPFB
	binary.BigEndian.PutUint32(w.buf[4:], senderSSRC)
	binary.BigEndian.PutUint32(w.buf[8:], mediaSSRC)
	binary.BigEndian.PutUint16(w.buf[12:], base)
	binary.BigEndian.PutUint32(w.buf[16:], w.tick|uint32(feedback))
}

// Add notes that packet seq, the next received after those noted before, arrived at tick; what lies between is lost. It returns
// false and changes nothing when that does not fit into this packet: then Finish it and Begin another.
func (w *TransportCCWriter) Add(seq uint16, tick uint32) bool {
	gap := int(seq - w.base - uint16(w.count))
	delta := int32(tick - w.tick)
	if delta < math.MinInt16 || delta > math.MaxInt16 || w.count+gap >= math.MaxUint16 {
		return false
	}
	// What waits may take two chunks, a gap two more than its whole runs, the packet itself one; padding is at most three bytes.
	if need := 2*(2+gap/maxRunLength+2+1) + 2 + 3; w.chunks+need > w.deltas {
		return false
	}
	w.lost(gap)
	w.count += gap + 1
	w.tick = tick
	w.deltas--
	w.buf[w.deltas] = byte(delta)
	if delta >= 0 && delta <= math.MaxUint8 {
		w.status(statusSmall)
		return true
	}
	// Back to front like all deltas: Finish turns them round.
	w.buf[w.deltas] = byte(delta >> 8)
	w.deltas--
	w.buf[w.deltas] = byte(delta)
	w.status(statusLarge)
	return true
}

// lost appends n lost packets, as one run where it can.
func (w *TransportCCWriter) lost(n int) {
	for n > 0 {
		w.status(statusLost)
		n--
		if !w.mixed && w.pending[0] == statusLost {
			run := min(n, maxRunLength-w.waiting)
			if w.waiting < oneBitSymbols {
				clear(w.pending[w.waiting:]) // all statusLost
			}
			w.waiting += run
			n -= run
		}
	}
}

// status appends one symbol. It waits as long as one chunk can hold all that wait; which chunk that is shows when it cannot.
func (w *TransportCCWriter) status(symbol uint8) {
	if !w.fits(symbol) {
		w.flush(false)
	}
	if w.waiting == 0 {
		w.mixed, w.anyLarge = false, false
	}
	if w.waiting < oneBitSymbols {
		w.pending[w.waiting] = symbol
	}
	w.mixed = w.mixed || symbol != w.pending[0]
	w.anyLarge = w.anyLarge || symbol == statusLarge
	w.waiting++
}

func (w *TransportCCWriter) fits(symbol uint8) bool {
	switch {
	case w.waiting < twoBitSymbols:
		return true
	case !w.mixed && symbol == w.pending[0]:
		return w.waiting < maxRunLength
	}
	return w.waiting < oneBitSymbols && !w.anyLarge && symbol != statusLarge
}

// flush writes one chunk of what waits. A vector in the middle must be full, the last may have room left: what is behind the
// status count is not read. There are at least seven that wait in the middle, and at most seven if one is large.
func (w *TransportCCWriter) flush(last bool) {
	var chunk uint16
	taken := w.waiting
	switch {
	case !w.mixed:
		chunk = uint16(w.pending[0])<<13 | uint16(w.waiting)
	case w.waiting == oneBitSymbols, last && w.waiting > twoBitSymbols:
		chunk = chunkVector
		for i, symbol := range w.pending[:w.waiting] {
			chunk |= uint16(symbol) << (oneBitSymbols - 1 - i)
		}
	default:
		chunk = chunkVector | chunkTwoBit
		taken = min(w.waiting, twoBitSymbols)
		for i, symbol := range w.pending[:taken] {
			chunk |= uint16(symbol) << (2 * (twoBitSymbols - 1 - i))
		}
	}
	binary.BigEndian.PutUint16(w.buf[w.chunks:], chunk)
	w.chunks += 2
	w.keep(taken)
}

// keep forgets the first symbols, which are in a chunk now.
func (w *TransportCCWriter) keep(taken int) {
	left := w.waiting - taken
	if left > 0 {
		copy(w.pending[:], w.pending[taken:w.waiting])
	}
	w.waiting, w.mixed, w.anyLarge = left, false, false
	for _, symbol := range w.pending[:left] {
		w.mixed = w.mixed || symbol != w.pending[0]
		w.anyLarge = w.anyLarge || symbol == statusLarge
	}
}

// Finish completes the packet and returns it, borrowed from the buffer.
func (w *TransportCCWriter) Finish() []byte {
	if w.waiting > 0 {
		w.flush(true)
	}
	slices.Reverse(w.buf[w.deltas:])
	end := w.chunks + copy(w.buf[w.chunks:], w.buf[w.deltas:])
	for ; end%4 != 0; end++ {
		w.buf[end] = 0
	}
	binary.BigEndian.PutUint16(w.buf[2:], uint16(end/4-1))
	binary.BigEndian.PutUint16(w.buf[14:], uint16(w.count))
	return w.buf[:end]
}
