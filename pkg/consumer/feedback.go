package consumer

import (
	"time"

	"gazpacho/pkg/rtp"
)

// Limits on how soon a packet is sent again: once per round trip, which a peer can make look shorter than it is.
const (
	resendRTT    = 100 * time.Millisecond // while it is not known
	resendMinRTT = 10 * time.Millisecond
)

// HandleNACK sends again what the peer lost, as far as it is kept, and not more often than makes sense. It returns how many packets were asked for.
func (c *Consumer) HandleNACK(now time.Time, p *rtp.RTCP) (asked int) {
	if !c.active || !c.codec.nack {
		return 0
	}
	rtt, known := c.send.RoundTripTime()
	if !known {
		rtt = resendRTT
	}
	rtt = max(rtt, resendMinRTT)
	var room [17]uint16
	for i := range p.NACKPairs() {
		sequences := p.NACKPair(i).Sequences(&room)
		asked += len(sequences)
		for _, seq := range sequences {
			c.sendAgain(now, seq, rtt)
		}
	}
	c.send.Asked(asked)
	c.trace(now, traceNACK, "in", nil)
	return asked
}

// sendAgain sends the packet that had a number once more, on the retransmission stream if there is one (RFC 4588 section 4).
func (c *Consumer) sendAgain(now time.Time, seq uint16, rtt time.Duration) {
	from, ok := c.rewriter.Source(now, seq)
	if !ok {
		return
	}
	p, ok := c.cfg.Source.Cached(now, c.streams[from.Stream], from.Seq)
	if !ok {
		return
	}
	payload := p.Payload
	if from.Dropped(frameOf(p)) || above(p, &from.Offsets) {
		payload = nil // the number was only filled
	}
	sent := c.codecs.taking(p) // its own codec: the source may have changed since
	if sent == nil || payload == nil && !c.hasRTX(sent) {
		return
	}
	allowed, first := c.resends.Allow(now, seq, rtt)
	if !allowed || !c.send.Afford() {
		return
	}
	h := &c.again
	payloadType, payload := c.codecs.unwrap(p, payload)
	if c.hasRTX(sent) {
		c.fill(h, p, &from.Offsets, payload)
		h.PayloadType, h.OSN = sent.rtx, seq
		h.SequenceNumber++
	} else { // without a stream for it, the same packet goes out again
		h = &c.header
		c.fill(h, p, &from.Offsets, payload)
		h.PayloadType, h.SequenceNumber, h.Again = payloadType, seq, true
	}
	size := c.cfg.Sink.SendRTP(now, h, payload)
	h.Source, h.Again = nil, false
	if size > 0 {
		c.send.SentAgain(now, size, first)
		if c.traces != 0 {
			c.tracePacket(now, p, h)
		}
	}
}

// hasRTX tells whether retransmissions of a codec have a stream of their own. Without one, a number that was sent may only be sent again bit
// by bit (RFC 3711 section 9.1), so it must never be filled with an empty packet: should a publisher's timestamps lie, the same number could
// be sent with and without payload.
func (c *Consumer) hasRTX(of *codec) bool { return c.again.SSRC != 0 && of.rtx != 0 }

// HandleReceiverReport takes a report block about one of the consumer's SSRCs. What is lost of the retransmissions does not count: it is asked
// for again.
func (c *Consumer) HandleReceiverReport(now time.Time, b rtp.ReportBlock) {
	if b.SSRC == c.header.SSRC && c.send.HandleReport(now, b) && !c.closed {
		c.scored()
	}
}

// HandleKeyFrameRequest takes a PLI or FIR of the peer.
func (c *Consumer) HandleKeyFrameRequest(now time.Time, fir bool) {
	if fir {
		c.firs++
		c.trace(now, traceFIR, "in", map[string]any{"ssrc": c.header.SSRC})
	} else {
		c.plis++
		c.trace(now, tracePLI, "in", map[string]any{"ssrc": c.header.SSRC})
	}
	c.RequestKeyFrame(now)
}

// RequestKeyFrame asks the source for a key frame of what is, or should be, forwarded. The source takes care not to ask the publisher too
// often.
func (c *Consumer) RequestKeyFrame(now time.Time) {
	if !c.active || !c.codec.kind.KeyFrames() {
		return
	}
	if c.current != none {
		c.cfg.Source.RequestKeyFrame(now, c.streams[c.current])
	}
	if want := c.selector.want(); want != none && want != c.current {
		c.cfg.Source.RequestKeyFrame(now, c.streams[want])
	}
}

// SenderReport makes a sender report, or returns false if there is nothing to report. A consumer that sends nothing must not: its
// timestamps do not advance.
func (c *Consumer) SenderReport(now time.Time) (rtp.SenderInfo, bool) {
	if c.current == none {
		return rtp.SenderInfo{}, false
	}
	r := c.cfg.Source.Stream(c.streams[c.current])
	if r == nil {
		return rtp.SenderInfo{}, false
	}
	return c.send.SenderInfo(now, c.header.SSRC, r.Clock(), c.timeline.offset)
}
