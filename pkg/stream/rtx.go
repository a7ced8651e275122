package stream

import (
	"time"

	"gazpacho/pkg/rtp"
)

// rtxRecv is the retransmission stream of a Recv (RFC 4588), which has numbers and reports of its own.
type rtxRecv struct {
	sequence  Sequence
	srAt      time.Time
	srNTP     uint64
	discarded uint64
}

// Repair takes a packet of the retransmission stream that repeats the one numbered original. It tells whether that was missing, and
// the number it extends to; publishers repeat at will to probe for bandwidth.
func (r *Recv) Repair(now time.Time, seq, original uint16, size int) (number int64, ok bool) {
	r.rtx.sequence.Update(seq)
	r.retransmitted++
	r.count(now, size)
	number = r.sequence.highest + int64(int16(original-uint16(r.sequence.highest)))
	if _, was := r.nack.remove(number); !was {
		r.rtx.discarded++
		return 0, false
	}
	r.repaired++
	r.sequence.repaired(number)
	r.alive(now)
	return number, true
}

// DiscardRTX counts a packet of the retransmission stream that repeats nothing.
func (r *Recv) DiscardRTX(now time.Time, seq uint16, size int) {
	r.rtx.sequence.Update(seq)
	r.count(now, size)
	r.rtx.discarded++
}

// HandleRTXSenderReport takes a sender report about the retransmission stream.
func (r *Recv) HandleRTXSenderReport(now time.Time, info rtp.SenderInfo) {
	r.rtx.srAt, r.rtx.srNTP = now, info.NTP
}

// RTXReport makes the report block of the retransmission stream, or returns false before its first packet.
func (r *Recv) RTXReport(now time.Time, ssrc uint32) (rtp.ReportBlock, bool) {
	if !r.rtx.sequence.started {
		return rtp.ReportBlock{}, false
	}
	r.rtx.sequence.EndInterval()
	return reportBlock(now, ssrc, &r.rtx.sequence, r.rtx.srAt, r.rtx.srNTP), true
}
