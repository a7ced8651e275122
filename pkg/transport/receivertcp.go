package transport

import (
	"time"

	"gazpacho/pkg/consumer"
	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// receiveRTCP takes apart an authenticated compound: reports and repair requests about what we send go to the consumers, reports about
// what we receive to the producers.
func (m *media) receiveRTCP(now time.Time, b []byte) {
	compound, ok := rtp.ParseRTCP(b)
	if !ok {
		m.drop(rtcpDrop(b))
		return
	}
	var p rtp.RTCP
	for compound.Next(&p) {
		switch p.Kind {
		case rtp.SenderReport:
			m.handleSenderReport(now, &p)
			m.handleReportBlocks(now, &p)
		case rtp.ReceiverReport:
			m.handleReportBlocks(now, &p)
		case rtp.NACK:
			m.handleNACK(now, &p)
		case rtp.PLI:
			m.handleKeyFrameRequest(now, p.MediaSSRC(), false)
		case rtp.FIR:
			for i := range p.FIREntries() {
				m.handleKeyFrameRequest(now, p.FIREntry(i).SSRC, true)
			}
		case rtp.REMB:
			m.outgoing.remb(now, p.REMBBitrate())
		case rtp.TransportCC:
			m.outgoing.feedback(now, &p)
		case rtp.ExtendedReport:
			m.handleExtendedReport(now, &p)
		}
	}
	m.meters.handled(protocolRTCP)
}

func rtcpDrop(b []byte) Drop {
	if rtp.TooManyRTCP(b) {
		return DropRTCPTooMany
	}
	return DropRTCPMalformed
}

func (m *media) handleSenderReport(now time.Time, p *rtp.RTCP) {
	info, ok := p.SenderInfo()
	if !ok {
		return
	}
	if found := m.listener.bySSRC[info.SSRC]; found != nil {
		found.HandleSenderReport(now, info)
	}
}

func (m *media) handleReportBlocks(now time.Time, p *rtp.RTCP) {
	for i := range p.ReportBlocks() {
		block := p.ReportBlock(i)
		if c := m.consumerOf(block.SSRC); c != nil {
			c.HandleReceiverReport(now, block)
			if c.Kind() == proto.Video && c.SSRC() == block.SSRC {
				m.outgoing.reported(now, block.FractionLost)
			}
		}
	}
}

func (m *media) handleNACK(now time.Time, p *rtp.RTCP) {
	c := m.bySSRC[p.MediaSSRC()]
	if c == nil {
		return
	}
	m.env.Totals.nacked += uint64(c.HandleNACK(now, p))
}

func (m *media) handleKeyFrameRequest(now time.Time, ssrc uint32, fir bool) {
	if c := m.bySSRC[ssrc]; c != nil {
		m.env.Totals.keyFramesRequested++
		c.HandleKeyFrameRequest(now, fir)
	}
}

// handleExtendedReport answers a receiver's reference time with the next reports, and takes the answers to our own (RFC 3611 section 4.4, 4.5).
func (m *media) handleExtendedReport(now time.Time, p *rtp.RTCP) {
	blocks := p.Blocks()
	for blocks.Next() {
		if ntp, ok := blocks.ReferenceTime(); ok {
			m.reference = reference{ssrc: p.SenderSSRC(), compact: rtp.CompactNTP(ntp), arrivedAt: now}
			continue
		}
		for i := range blocks.Delays() {
			m.handleDelay(now, blocks.Delay(i))
		}
	}
}

func (m *media) handleDelay(now time.Time, d rtp.ReceptionDelay) {
	if d.SSRC != receiverSSRC {
		return
	}
	rtt, ok := rtp.RoundTrip(rtp.CompactNTP(rtp.NTP(now)), d.LastRR, d.Delay)
	if !ok {
		return
	}
	for _, p := range m.producers {
		p.SetRoundTripTime(rtt)
	}
}

func (m *media) consumerOf(ssrc uint32) *consumer.Consumer {
	if c := m.bySSRC[ssrc]; c != nil {
		return c
	}
	return m.byRTX[ssrc]
}
