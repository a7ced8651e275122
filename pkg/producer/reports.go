package producer

import (
	"time"

	"gazpacho/pkg/rtp"
)

// HandleSenderReport takes a sender report of one of the publisher's streams.
func (p *Producer) HandleSenderReport(now time.Time, info rtp.SenderInfo) {
	if e := p.bySSRC(info.SSRC); e != nil && e.recv != nil {
		e.recv.HandleSenderReport(now, info)
		p.trace(now, traceSR, "in", map[string]any{
			"ssrc": info.SSRC, "ntpSec": uint32(info.NTP >> 32), "ntpFrac": uint32(info.NTP), "rtpTs": info.Timestamp,
			"packetCount": info.Packets, "octetCount": info.Octets,
		})
		return
	}
	if e := p.byRTXSSRC(info.SSRC); e != nil && e.recv != nil {
		e.recv.HandleRTXSenderReport(now, info)
	}
}

// SetRoundTripTime tells how far away the publisher is.
func (p *Producer) SetRoundTripTime(rtt time.Duration) {
	for i := range p.encodings {
		if r := p.encodings[i].recv; r != nil {
			r.SetRoundTripTime(rtt)
		}
	}
}

// ReceptionReports yields a report block for every stream of the publisher, retransmission streams included. It ends the interval
// that scores are computed from, and is meant to be called about once a second.
func (p *Producer) ReceptionReports(now time.Time, yield func(rtp.ReportBlock)) {
	if p.closed {
		return
	}
	for i := range p.encodings {
		e := &p.encodings[i]
		if e.recv == nil {
			continue
		}
		e.cache.Trim(now)
		yield(e.recv.Report(now, e.ssrc))
		if b, ok := e.recv.RTXReport(now, e.rtxSSRC); ok {
			yield(b)
		}
	}
}
