package srtp

import "encoding/binary"

// sentTags holds the start of the tag of each packet in the window of a stream, by index modulo the window's size.
type sentTags [rtpWindow]uint64

// AllowResend lets ProtectRTPAgain repeat the packets of an SSRC that are protected from now on. It costs 8 KiB for the
// stream, so it is meant for peers that negotiated NACK but no RTX.
func (s *Session) AllowResend(ssrc uint32) {
	stream := s.sent[ssrc]
	if stream == nil {
		stream = s.newSentStream(ssrc)
	}
	if stream.tags == nil {
		stream.tags = new(sentTags)
	}
}

// ProtectRTPAgain protects a packet that was sent before, under the same index, for a retransmission with its own SSRC
// and sequence number. Arguments are those of ProtectRTP.
//
// One index encrypts one packet, so header, extensions and payload must be those of the first time, to the bit: extensions that
// are made at the moment of sending keep their old values. With other content counter mode would give away the XOR of both
// payloads, and GCM its authentication key even if only the header differs (RFC 7714 section 8.4, 16). This is not left to the
// caller: the tag must come out as it did the first time. If not, or if the packet was never sent, left the window of
// 1024 packets, or AllowResend was not called before it, the answer is false and dst behind the header is erased.
func (s *Session) ProtectRTPAgain(dst []byte, header int, payload []byte) (n int, ok bool) {
	if !roomForRTP(dst, header, payload) {
		return 0, false
	}
	ssrc := binary.BigEndian.Uint32(dst[8:])
	stream := s.sent[ssrc]
	if stream == nil || stream.tags == nil {
		return 0, false
	}
	index := guessIndex(stream.highest, binary.BigEndian.Uint16(dst[2:]))
	if admit(stream.bits[:], stream.highest, index) != Replayed {
		return 0, false
	}
	n, tag := s.send.sealRTP(dst, header, payload, ssrc, index, &stream.prefix)
	if tag != stream.tags[index%rtpWindow] {
		clear(dst[header:n])
		return 0, false
	}
	return n, true
}
