package rtp

import "encoding/binary"

// SenderInfo is what a sender report says about its own stream (RFC 3550 section 6.4.1).
type SenderInfo struct {
	SSRC      uint32
	NTP       uint64 // when the report was made
	Timestamp uint32 // the same moment in units of the media clock
	Packets   uint32 // sent since the beginning
	Octets    uint32 // of their payloads
}

// SenderInfo returns the sender's part of a SenderReport.
func (p *RTCP) SenderInfo() (SenderInfo, bool) {
	if p.Kind != SenderReport {
		return SenderInfo{}, false
	}
	b := p.body
	return SenderInfo{
		SSRC:      binary.BigEndian.Uint32(b),
		NTP:       binary.BigEndian.Uint64(b[4:]),
		Timestamp: binary.BigEndian.Uint32(b[12:]),
		Packets:   binary.BigEndian.Uint32(b[16:]),
		Octets:    binary.BigEndian.Uint32(b[20:]),
	}, true
}

// ReportBlock is what a receiver says about one stream it receives (RFC 3550 section 6.4.1).
type ReportBlock struct {
	SSRC            uint32
	FractionLost    uint8  // since the last report, in 1/256
	TotalLost       int32  // since the beginning, 24 bits; duplicates make it negative
	HighestSequence uint32 // extended by the number of cycles
	Jitter          uint32 // in units of the media clock
	LastSR          uint32 // compact NTP time of the last sender report, 0 if none came
	Delay           uint32 // since then, in 2^-16 s
}

// ReportBlocks returns how many report blocks a SenderReport or ReceiverReport has.
func (p *RTCP) ReportBlocks() int {
	if p.Kind != SenderReport && p.Kind != ReceiverReport {
		return 0
	}
	return int(p.count)
}

// ReportBlock returns block i of ReportBlocks.
func (p *RTCP) ReportBlock(i int) ReportBlock {
	b := p.body[4+reportBlockSize*i:]
	if p.Kind == SenderReport {
		b = b[senderInfoSize:]
	}
	word := binary.BigEndian.Uint32(b[4:])
	return ReportBlock{
		SSRC:            binary.BigEndian.Uint32(b),
		FractionLost:    uint8(word >> 24),
		TotalLost:       int32(word<<8) >> 8, // keeps the sign of the 24 bits
		HighestSequence: binary.BigEndian.Uint32(b[8:]),
		Jitter:          binary.BigEndian.Uint32(b[12:]),
		LastSR:          binary.BigEndian.Uint32(b[16:]),
		Delay:           binary.BigEndian.Uint32(b[20:]),
	}
}

// Sources returns how many sources a Goodbye or REMB names.
func (p *RTCP) Sources() int {
	switch p.Kind {
	case Goodbye:
		return int(p.count)
	case REMB:
		return int(p.body[feedbackSize+4])
	}
	return 0
}

// Source returns source i of Sources.
func (p *RTCP) Source(i int) uint32 {
	at := 4 * i
	if p.Kind == REMB {
		at += feedbackSize + rembHeadSize
	}
	return binary.BigEndian.Uint32(p.body[at:])
}
