package rtp

import (
	"encoding/binary"
	"math/bits"
)

// maxCount is what the five bits of a header's count hold.
const maxCount = 31

// RTCPWriter appends packets to a compound in a borrowed buffer. A method that returns false wrote nothing: there was no room.
type RTCPWriter struct {
	buf []byte
	n   int
}

// Reset begins a new compound in buf, which stays in use until Bytes was used up.
func (w *RTCPWriter) Reset(buf []byte) { w.buf, w.n = buf, 0 }

// Bytes returns the compound so far, borrowed from the buffer.
func (w *RTCPWriter) Bytes() []byte { return w.buf[:w.n] }

// Len returns the size of the compound so far.
func (w *RTCPWriter) Len() int { return w.n }

// open writes the header of a packet with a body of size bytes, a multiple of four, and returns the body to be filled in wholly;
// nil if there is no room.
func (w *RTCPWriter) open(packetType, count uint8, size int) []byte {
	end := w.n + rtcpHeaderSize + size
	if end > len(w.buf) {
		return nil
	}
	b := w.buf[w.n:end]
	b[0], b[1] = version<<6|count, packetType
	binary.BigEndian.PutUint16(b[2:], uint16(size/4))
	w.n = end
	return b[rtcpHeaderSize:]
}

// SenderReport writes a SenderReport (RFC 3550 section 6.4.1). Report blocks beyond the 31 of one packet follow in receiver reports.
func (w *RTCPWriter) SenderReport(info SenderInfo, blocks []ReportBlock) bool {
	first := blocks[:min(len(blocks), maxCount)]
	start := w.n
	b := w.open(typeSR, uint8(len(first)), 4+senderInfoSize+reportBlockSize*len(first))
	if b == nil {
		return false
	}
	binary.BigEndian.PutUint32(b, info.SSRC)
	binary.BigEndian.PutUint64(b[4:], info.NTP)
	binary.BigEndian.PutUint32(b[12:], info.Timestamp)
	binary.BigEndian.PutUint32(b[16:], info.Packets)
	binary.BigEndian.PutUint32(b[20:], info.Octets)
	putReportBlocks(b[4+senderInfoSize:], first)
	if len(first) < len(blocks) && !w.ReceiverReport(info.SSRC, blocks[maxCount:]) {
		w.n = start
		return false
	}
	return true
}

// ReceiverReport writes as many ReceiverReports as the blocks need, at least one: an empty one is what a compound without senders begins with (RFC 3550
// section 6.1, 6.4.2).
func (w *RTCPWriter) ReceiverReport(ssrc uint32, blocks []ReportBlock) bool {
	start := w.n
	for {
		n := min(len(blocks), maxCount)
		b := w.open(typeRR, uint8(n), 4+reportBlockSize*n)
		if b == nil {
			w.n = start
			return false
		}
		binary.BigEndian.PutUint32(b, ssrc)
		putReportBlocks(b[4:], blocks[:n])
		if blocks = blocks[n:]; len(blocks) == 0 {
			return true
		}
	}
}

// putReportBlocks writes blocks into b. A loss beyond the 24 signed bits is written as the nearest that fits.
func putReportBlocks(b []byte, blocks []ReportBlock) {
	for i := range blocks {
		r := &blocks[i]
		lost := min(max(r.TotalLost, -1<<23), 1<<23-1)
		binary.BigEndian.PutUint32(b, r.SSRC)
		binary.BigEndian.PutUint32(b[4:], uint32(r.FractionLost)<<24|uint32(lost)&0xffffff)
		binary.BigEndian.PutUint32(b[8:], r.HighestSequence)
		binary.BigEndian.PutUint32(b[12:], r.Jitter)
		binary.BigEndian.PutUint32(b[16:], r.LastSR)
		binary.BigEndian.PutUint32(b[20:], r.Delay)
		b = b[reportBlockSize:]
	}
}

// Description writes an SDES packet with the canonical name of one source, which receivers synchronise streams by (RFC 3550 section 6.5.1); a name is
// cut at 255 bytes.
func (w *RTCPWriter) Description(ssrc uint32, cname string) bool {
	cname = cname[:min(len(cname), 255)]
	item := 4 + 2 + len(cname)
	size := (item + 4) &^ 3 // at least one zero byte ends the chunk
	b := w.open(typeSDES, 1, size)
	if b == nil {
		return false
	}
	binary.BigEndian.PutUint32(b, ssrc)
	b[4], b[5] = sdesCNAME, uint8(len(cname))
	copy(b[6:], cname)
	clear(b[item:])
	return true
}

// Goodbye writes a BYE of one source (RFC 3550 section 6.6).
func (w *RTCPWriter) Goodbye(ssrc uint32) bool {
	b := w.open(typeBYE, 1, 4)
	if b == nil {
		return false
	}
	binary.BigEndian.PutUint32(b, ssrc)
	return true
}

// openFeedback writes header and SSRCs of a feedback packet and returns the room for size more bytes.
func (w *RTCPWriter) openFeedback(packetType, format uint8, senderSSRC, mediaSSRC uint32, size int) []byte {
	b := w.open(packetType, format, feedbackSize+size)
	if b == nil {
		return nil
	}
	binary.BigEndian.PutUint32(b, senderSSRC)
	binary.BigEndian.PutUint32(b[4:], mediaSSRC)
	return b[feedbackSize:]
}

// NACK asks for lost packets, whose sequence numbers come in ascending order, in as few pairs as they need: each names one packet and, in a bit mask,
// any of the 16 that follow (RFC 4585 section 6.2.1). None are nothing to write.
func (w *RTCPWriter) NACK(senderSSRC, mediaSSRC uint32, sequences []uint16) bool {
	pairs, id := 0, uint16(0)
	for _, seq := range sequences {
		if pairs == 0 || seq-id > 16 {
			pairs++
			id = seq
		}
	}
	if pairs == 0 {
		return false
	}
	b := w.openFeedback(typeRTPFB, formatNACK, senderSSRC, mediaSSRC, 4*pairs)
	if b == nil {
		return false
	}
	for len(sequences) > 0 {
		id, mask, n := sequences[0], uint16(0), 1
		for ; n < len(sequences) && sequences[n]-id <= 16; n++ {
			if d := sequences[n] - id; d > 0 {
				mask |= 1 << (d - 1)
			}
		}
		binary.BigEndian.PutUint16(b, id)
		binary.BigEndian.PutUint16(b[2:], mask)
		b, sequences = b[4:], sequences[n:]
	}
	return true
}

// PLI tells that a decoder lost its picture (RFC 4585 section 6.3.1). It has no number, as one is as good as many.
func (w *RTCPWriter) PLI(senderSSRC, mediaSSRC uint32) bool {
	return w.openFeedback(typePSFB, formatPLI, senderSSRC, mediaSSRC, 0) != nil
}

// FIR asks one source for a key frame. The media SSRC of the packet itself is 0 (RFC 5104 section 4.3.1.2).
func (w *RTCPWriter) FIR(senderSSRC uint32, entry FIREntry) bool {
	b := w.openFeedback(typePSFB, formatFIR, senderSSRC, 0, firEntrySize)
	if b == nil {
		return false
	}
	binary.BigEndian.PutUint32(b, entry.SSRC)
	binary.BigEndian.PutUint32(b[4:], uint32(entry.SequenceNumber)<<24)
	return true
}

// REMB allows the sources a bitrate in bit/s all together, rounded down to 18 significant bits (draft-alvestrand-rmcat-remb-03 section 2.2). At most 255 sources can be named.
func (w *RTCPWriter) REMB(senderSSRC uint32, bitrate int, sources ...uint32) bool {
	if len(sources) > 255 {
		return false
	}
	b := w.openFeedback(typePSFB, formatAFB, senderSSRC, 0, rembHeadSize+4*len(sources))
	if b == nil {
		return false
	}
	bitrate = max(bitrate, 0)
	exponent := max(bits.Len64(uint64(bitrate))-18, 0)
	copy(b, "REMB")
	binary.BigEndian.PutUint32(b[4:], uint32(len(sources))<<24|uint32(exponent)<<18|uint32(bitrate>>exponent))
	for i, ssrc := range sources {
		binary.BigEndian.PutUint32(b[rembHeadSize+4*i:], ssrc)
	}
	return true
}

// openBlock writes an ExtendedReport of one block and returns the room for the block's size bytes.
func (w *RTCPWriter) openBlock(senderSSRC uint32, blockType uint8, size int) []byte {
	b := w.open(typeXR, 0, 4+4+size)
	if b == nil {
		return nil
	}
	binary.BigEndian.PutUint32(b, senderSSRC)
	b[4], b[5] = blockType, 0
	binary.BigEndian.PutUint16(b[6:], uint16(size/4))
	return b[8:]
}

// ReferenceTime writes an ExtendedReport with a receiver's reference time, NTP: whoever only receives learns the round-trip time by the answer (RFC 3611
// section 4.4).
func (w *RTCPWriter) ReferenceTime(senderSSRC uint32, ntp uint64) bool {
	b := w.openBlock(senderSSRC, blockReferenceTime, 8)
	if b == nil {
		return false
	}
	binary.BigEndian.PutUint64(b, ntp)
	return true
}

// Delays writes an ExtendedReport that answers the reference times of receivers (RFC 3611 section 4.5).
func (w *RTCPWriter) Delays(senderSSRC uint32, delays []ReceptionDelay) bool {
	b := w.openBlock(senderSSRC, blockDelays, delaySize*len(delays))
	if b == nil {
		return false
	}
	for i := range delays {
		binary.BigEndian.PutUint32(b, delays[i].SSRC)
		binary.BigEndian.PutUint32(b[4:], delays[i].LastRR)
		binary.BigEndian.PutUint32(b[8:], delays[i].Delay)
		b = b[delaySize:]
	}
	return true
}
