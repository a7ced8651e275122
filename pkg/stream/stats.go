package stream

import "time"

// Stats is what a stream counted, for getStats.
type Stats struct {
	PacketsLost          int
	FractionLost         uint8  // in 1/256
	Jitter               uint32 // in units of the media clock
	PacketsDiscarded     uint64
	PacketsRetransmitted uint64
	PacketsRepaired      uint64
	NACKs                uint64 // packets of RTCP
	NACKPackets          uint64 // sequence numbers in them
	RTXDiscarded         uint64
	RoundTripTime        time.Duration // 0: not known
	Score                uint8
	Packets              uint64 // retransmissions included
	Bytes                uint64
	Bitrate              int // bit/s
}
