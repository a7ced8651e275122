package transport

import (
	"time"

	"gazpacho/pkg/rtp"
)

// flow counts one kind of traffic in one direction. Sizes are bytes on the wire above UDP for the whole, before encryption for RTP.
type flow struct {
	bytes uint64
	rate  rtp.RateMeter
}

func (f *flow) add(now time.Time, n int) {
	f.bytes += uint64(n)
	f.rate.Add(now, n)
}

// meters are a transport's counts of traffic.
type meters struct {
	all           *counts // of all transports, kept in step
	counts        counts
	in, out       flow
	rtpIn, rtpOut flow
	rtxIn, rtxOut flow
	probation     flow
}

// received counts a datagram. What becomes of it is counted once that is settled: by handled, or as a drop.
func (m *meters) received(now time.Time, n int) {
	m.in.add(now, n)
	m.counts.packetsIn++
	m.all.packetsIn++
	m.all.bytesIn += uint64(n)
}

func (m *meters) handled(p protocol) {
	m.counts.in[p]++
	m.all.in[p]++
}

func (m *meters) sent(now time.Time, n int, p protocol) {
	m.out.add(now, n)
	m.counts.packetsOut++
	m.all.packetsOut++
	m.all.bytesOut += uint64(n)
	m.all.out[p]++
}

func (m *meters) receivedRTP(now time.Time, n int, rtx bool) {
	if rtx {
		m.rtxIn.add(now, n)
		return
	}
	m.rtpIn.add(now, n)
}

func (m *meters) sentRTP(now time.Time, n int, rtx bool) {
	if rtx {
		m.rtxOut.add(now, n)
		return
	}
	m.rtpOut.add(now, n)
}
