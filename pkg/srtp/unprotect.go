package srtp

import (
	"encoding/binary"

	"gazpacho/pkg/rtp"
)

// UnprotectRTP verifies and decrypts an SRTP packet in place. With OK the RTP packet is packet[:n]; with any other reason the
// packet is to be dropped, and its content behind the header is undefined.
func (s *Session) UnprotectRTP(packet []byte) (n int, reason Reason) {
	header, reason := s.checkRTP(packet)
	if reason != OK {
		return 0, reason
	}
	ssrc := binary.BigEndian.Uint32(packet[8:])
	highest, known := none, &s.fresh
	stream := s.received[ssrc]
	if stream != nil {
		highest, known = stream.rtpHighest, &stream.prefix
	} else {
		s.fresh = prefix{}
	}
	index := guessIndex(highest, binary.BigEndian.Uint16(packet[2:]))
	if stream != nil {
		if reason = admit(stream.rtpBits[:], highest, index); reason != OK {
			return 0, reason
		}
	}
	if !s.receive.openRTP(packet, header, ssrc, index, known) {
		return 0, AuthFailed
	}
	if stream == nil {
		stream = s.newReceivedStream(ssrc)
		stream.prefix = s.fresh
	}
	stream.rtpHighest = take(stream.rtpBits[:], highest, index)
	s.heard(stream)
	return len(packet) - s.rtpTag, OK
}

// checkRTP returns the length of the header.
func (s *Session) checkRTP(packet []byte) (int, Reason) {
	if len(packet) < rtp.HeaderSize+s.rtpTag {
		return 0, TooShort
	}
	if len(packet) > rtp.MaxPacketSize+s.rtpTag {
		return 0, TooLong
	}
	header, ok := rtp.HeaderLength(packet)
	if !ok || packet[0]>>6 != 2 {
		return 0, Malformed
	}
	if len(packet) < header+s.rtpTag {
		return 0, TooShort
	}
	return header, OK
}
