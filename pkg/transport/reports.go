package transport

import (
	"time"

	"gazpacho/pkg/consumer"
	"gazpacho/pkg/rtp"
)

// RTCP timing: the first report soon after media starts, then one a second, spread by up to half so that transports which opened together
// do not report together (RFC 3550 section 6.2).
const (
	firstReport    = 500 * time.Millisecond
	reportInterval = time.Second
	reportSpread   = 500 // milliseconds
)

// receiverSSRC is who our receiver reports and feedback come from. We have no media of our own on a producer's session, and
// libwebrtc, like mediasoup's other peers, expects no more than a constant.
const receiverSSRC = 1

// maxCompound keeps a compound within a datagram on any path, in bytes.
const maxCompound = 1200

// reference is a receiver's reference time, kept until the next report answers it.
type reference struct {
	ssrc      uint32
	compact   uint32 // NTP
	arrivedAt time.Time
}

// sendReports writes sender reports for what the peer receives from us, and receiver reports for what it sends.
func (m *media) sendReports(now time.Time) {
	spread := time.Duration(m.random.uint32()%reportSpread) * time.Millisecond
	m.reports.Reset(now.Add(reportInterval + spread))
	if !m.path.open() {
		return
	}
	m.outgoing.poll(now)
	w := reportWriter{m: m, now: now, buf: make([]byte, maxCompound)}
	w.begin()
	w.senderReports()
	w.receiverReports()
	w.flush()
}

// Sizes of packets in bytes: what the next ones need is known before they are begun.
const (
	senderReportSize = 28
	descriptionSize  = 8 + 2 + 255 + 4
	delaysSize       = 8 + 4 + 12
)

// reportWriter fills compounds and sends each when the next packets do not fit.
type reportWriter struct {
	rtp.RTCPWriter
	m   *media
	now time.Time
	buf []byte
}

func (w *reportWriter) begin() { w.Reset(w.buf) }

func (w *reportWriter) flush() {
	if w.Len() > 0 {
		w.m.SendRTCP(w.now, w.Bytes())
	}
	w.begin()
}

// senderReports writes a report and the canonical name of every consumer that sent something, and what else goes with it in one
// compound, which begins with the report (RFC 3550 section 6.1).
func (w *reportWriter) senderReports() {
	for _, c := range w.m.consumers {
		for _, lane := range c.Lanes() {
			w.senderReport(lane)
		}
	}
}

func (w *reportWriter) senderReport(c *consumer.Consumer) {
	info, ok := c.SenderReport(w.now)
	if !ok {
		return
	}
	if w.Len()+senderReportSize+descriptionSize+delaysSize > maxCompound {
		w.flush()
	}
	w.SenderReport(info, nil)
	w.Description(info.SSRC, c.CNAME())
	if r := w.m.reference; r.ssrc != 0 {
		delay := rtp.CompactDuration(w.now.Sub(r.arrivedAt))
		w.Delays(info.SSRC, []rtp.ReceptionDelay{{SSRC: r.ssrc, LastRR: r.compact, Delay: delay}})
		w.m.reference = reference{}
	}
}

// receiverReports writes what was received of every stream of every producer, and our reference time, by whose answer the round-trip time to a
// sender that sends no reports about us is known.
func (w *reportWriter) receiverReports() {
	if len(w.m.producers) == 0 {
		return
	}
	blocks := w.m.blocks[:0]
	for _, p := range w.m.producers {
		p.ReceptionReports(w.now, func(b rtp.ReportBlock) { blocks = append(blocks, b) })
	}
	w.m.blocks = blocks
	for len(blocks) > 0 {
		n := min(len(blocks), maxBlocks)
		if !w.ReceiverReport(receiverSSRC, blocks[:n]) {
			w.flush()
			w.ReceiverReport(receiverSSRC, blocks[:n])
		}
		blocks = blocks[n:]
	}
	if w.Len() > 0 && w.ReferenceTime(receiverSSRC, rtp.NTP(w.now)) {
		return
	}
	w.flush()
	w.ReceiverReport(receiverSSRC, nil) // a compound begins with a report
	w.ReferenceTime(receiverSSRC, rtp.NTP(w.now))
}

// maxBlocks is what a receiver report counts to (RFC 3550 section 6.4.2).
const maxBlocks = 31
