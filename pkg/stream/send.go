package stream

import (
	"time"

	"gazpacho/pkg/rtp"
)

// maxAllowance is how many packets may be sent again in one burst.
const maxAllowance = 1000

// Send is one leaving stream: what was sent, and what its receiver reports about it. The zero value with a clock rate is ready.
type Send struct {
	ClockRate int // timestamp units per second

	rate      rtp.RateMeter
	score     score
	rtt       time.Duration
	timestamp uint32 // of the newest picture or frame sent
	sentAt    time.Time
	lost      int
	fraction  uint8
	jitter    uint32

	packets, octets, bytes      uint64 // of media; octets are payload
	again, againBytes           uint64 // retransmissions
	repaired                    uint64 // packets among them, each once
	nacks, nackPackets          uint64
	packetsPrior, repairedPrior uint64
	lostPrior                   int
	allowance                   int // packets that may be sent again
}

// NewSend makes a stream that nothing was sent on.
func NewSend(clockRate int) Send {
	s := Send{ClockRate: clockRate}
	s.score.reset(MaxScore)
	return s
}

// Sent counts a packet of size bytes with a payload of octets.
func (s *Send) Sent(now time.Time, timestamp uint32, size, octets int) {
	if s.packets == 0 || rtp.TimestampLess(s.timestamp, timestamp) {
		s.timestamp, s.sentAt = timestamp, now
	}
	s.packets++
	s.allowance = min(s.allowance+1, maxAllowance)
	s.octets += uint64(octets)
	s.bytes += uint64(size)
	s.rate.Add(now, size)
}

// Afford tells whether a packet may be sent again, which in the long run is one for each packet sent: a peer that asks for more is better
// off with a key frame, or wants to do harm.
func (s *Send) Afford() bool {
	if s.allowance == 0 {
		return false
	}
	s.allowance--
	return true
}

// SentAgain counts a retransmission of size bytes; first tells that the packet was not repeated before.
func (s *Send) SentAgain(now time.Time, size int, first bool) {
	s.again++
	if first {
		s.repaired++
	}
	s.againBytes += uint64(size)
	s.rate.Add(now, size)
}

// Asked counts a NACK for a number of packets.
func (s *Send) Asked(packets int) {
	s.nacks++
	s.nackPackets += uint64(packets)
}

// Last returns the highest timestamp sent and when that was; false before the first packet.
func (s *Send) Last() (timestamp uint32, at time.Time, ok bool) {
	return s.timestamp, s.sentAt, s.packets > 0
}

// HandleReport takes a report block about the stream. It tells whether the score changed.
func (s *Send) HandleReport(now time.Time, b rtp.ReportBlock) bool {
	if rtt, ok := rtp.RoundTrip(rtp.CompactNTP(rtp.NTP(now)), b.LastSR, b.Delay); ok {
		s.rtt = max(rtt, time.Microsecond)
	}
	s.fraction, s.jitter, s.lost = b.FractionLost, b.Jitter, int(b.TotalLost)
	sent, repaired, lost := int(s.packets-s.packetsPrior), int(s.repaired-s.repairedPrior), s.lost-s.lostPrior
	s.packetsPrior, s.repairedPrior, s.lostPrior = s.packets, s.repaired, s.lost
	return s.score.update(sent, lost, repaired)
}

// RoundTripTime returns how far away the receiver is; false while that is not known.
func (s *Send) RoundTripTime() (time.Duration, bool) { return s.rtt, s.rtt > 0 }

// Score rates the stream from 1 to 10.
func (s *Send) Score() uint8 { return s.score.value }

// SenderInfo makes a sender report of the stream, or returns false if there is nothing to report. source is the clock of the stream
// it is made from and offset what was added to its timestamps. If the clock is known, receivers can play streams of one publisher in
// sync; else the report extrapolates from the last packet.
func (s *Send) SenderInfo(now time.Time, ssrc uint32, source *Clock, offset uint32) (rtp.SenderInfo, bool) {
	if s.packets == 0 {
		return rtp.SenderInfo{}, false
	}
	info := rtp.SenderInfo{SSRC: ssrc, NTP: rtp.NTP(now), Packets: uint32(s.packets), Octets: uint32(s.octets)}
	if source != nil && source.Known() {
		info.Timestamp = source.TimestampAt(now) + offset
	} else {
		info.Timestamp = s.timestamp + Units(now.Sub(s.sentAt), s.ClockRate)
	}
	return info, true
}

// Stats returns what was counted.
func (s *Send) Stats(now time.Time) Stats {
	return Stats{
		PacketsLost:          s.lost,
		FractionLost:         s.fraction,
		Jitter:               s.jitter,
		PacketsRetransmitted: s.again,
		PacketsRepaired:      s.repaired,
		NACKs:                s.nacks,
		NACKPackets:          s.nackPackets,
		RoundTripTime:        s.rtt,
		Score:                s.score.value,
		Packets:              s.packets + s.again,
		Bytes:                s.bytes + s.againBytes,
		Bitrate:              s.rate.Bitrate(now),
	}
}
