package srtp

import (
	"encoding/binary"

	"gazpacho/pkg/rtp"
)

// sentStream is what we know of one SSRC that we send.
type sentStream struct {
	highest int64
	bits    [rtpWindow / 64]uint64
	prefix  prefix
	tags    *sentTags // nil unless AllowResend
}

// ProtectRTP encrypts payload behind the RTP header that dst[:header] holds and appends the tag. It returns the length of
// the protected packet. dst needs MaxOverhead bytes behind header and payload. The payload is either
// dst[header:] itself or a buffer that shares nothing with dst and is only read.
//
// It returns false, and leaves the packet unsent, if there is no room, if this sequence number of this SSRC was used
// before, or if it is too far behind to tell. Order does not matter within the last 1024 packets.
func (s *Session) ProtectRTP(dst []byte, header int, payload []byte) (n int, ok bool) {
	if !roomForRTP(dst, header, payload) {
		return 0, false
	}
	ssrc := binary.BigEndian.Uint32(dst[8:])
	stream := s.sent[ssrc]
	if stream == nil {
		stream = s.newSentStream(ssrc)
	}
	index := guessIndex(stream.highest, binary.BigEndian.Uint16(dst[2:]))
	if admit(stream.bits[:], stream.highest, index) != OK {
		return 0, false
	}
	stream.highest = take(stream.bits[:], stream.highest, index)
	n, tag := s.send.sealRTP(dst, header, payload, ssrc, index, &stream.prefix)
	if stream.tags != nil {
		stream.tags[index%rtpWindow] = tag
	}
	return n, true
}

func roomForRTP(dst []byte, header int, payload []byte) bool {
	return header >= rtp.HeaderSize && header <= len(dst) && len(dst)-header >= len(payload)+MaxOverhead
}

// newSentStream starts an SSRC, or goes on behind everything it used before it was forgotten.
func (s *Session) newSentStream(ssrc uint32) *sentStream {
	stream := &sentStream{highest: none}
	if highest, ok := s.forgotten[ssrc]; ok {
		stream.highest = highest
		for i := range stream.bits {
			stream.bits[i] = ^uint64(0)
		}
		delete(s.forgotten, ssrc)
	}
	s.sent[ssrc] = stream
	return stream
}

// Forget frees the state of an SSRC that we no longer send. Sixteen bytes stay: should the SSRC come back, what it used before remains refused.
func (s *Session) Forget(ssrc uint32) {
	stream := s.sent[ssrc]
	if stream == nil {
		return
	}
	if stream.highest != none {
		s.forgotten[ssrc] = stream.highest
	}
	delete(s.sent, ssrc)
}
