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
	in, out       flow
	rtpIn, rtpOut flow
	rtxIn, rtxOut flow
}

func (m *meters) received(now time.Time, n int) { m.in.add(now, n) }

func (m *meters) sent(now time.Time, n int) { m.out.add(now, n) }

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
