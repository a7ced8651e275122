package srtp

import (
	"encoding/binary"

	"gazpacho/pkg/rtp"
)

// ProtectRTCP encrypts the RTCP packet dst[:n], compound or not, in place and appends index word and tag. It returns the length of
// the protected packet. dst needs MaxRTCPOverhead bytes behind the packet. It returns false if there is no room, or when the
// 2^31 indices of the key are used up (RFC 3711 section 9.2).
//
// All SSRCs share one index. A receiver only asks that it grows (RFC 3711 section 3.3.2), and one counter cannot be reset by forgetting a stream.
func (s *Session) ProtectRTCP(dst []byte, n int) (total int, ok bool) {
	if n < rtcpHeaderSize || n > len(dst) || len(dst)-n < MaxRTCPOverhead || s.rtcpIndex == maxRTCPIndex {
		return 0, false
	}
	s.rtcpIndex++
	return s.send.sealRTCP(dst, n, binary.BigEndian.Uint32(dst[4:]), s.rtcpIndex), true
}

// UnprotectRTCP verifies and decrypts an SRTCP packet in place. With OK the RTCP packet is packet[:n]; with any other reason the
// packet is to be dropped, and its content is undefined.
func (s *Session) UnprotectRTCP(packet []byte) (n int, reason Reason) {
	switch {
	case len(packet) < rtcpHeaderSize+s.rtcpTail:
		return 0, TooShort
	case len(packet) > rtp.MaxPacketSize+s.rtcpTail:
		return 0, TooLong
	case packet[0]>>6 != 2:
		return 0, Malformed
	}
	word := binary.BigEndian.Uint32(packet[s.receive.rtcpIndexAt(len(packet)):])
	if word&rtcpEncrypted == 0 {
		return 0, NotEncrypted
	}
	index := word &^ rtcpEncrypted
	ssrc := binary.BigEndian.Uint32(packet[4:])
	stream := s.received[ssrc]
	if stream != nil {
		if reason = admit(stream.rtcpBits[:], stream.rtcpHighest, int64(index)); reason != OK {
			return 0, reason
		}
	}
	if !s.receive.openRTCP(packet, ssrc, index) {
		return 0, AuthFailed
	}
	if stream == nil {
		stream = s.newReceivedStream(ssrc)
	}
	stream.rtcpHighest = take(stream.rtcpBits[:], stream.rtcpHighest, int64(index))
	s.heard(stream)
	return len(packet) - s.rtcpTail, OK
}
