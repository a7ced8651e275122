package turn

import "encoding/binary"

// channelHead is the size of the header of ChannelData (RFC 8656 section 12.4):
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|         Channel Number        |            Length             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
const channelHead = 4

// FrameHead is how much of a stream FrameSize has to see.
const FrameHead = 4

// FrameSize returns the size of the message that a stream goes on with, ChannelData with their padding: "over TCP and TLS-over-TCP, the ChannelData
// message MUST be padded to a multiple of four bytes" (RFC 8656 section 12.5). It returns false when b begins no message: such a stream is of no use any
// more. b has at least FrameHead bytes.
func FrameSize(b []byte) (int, bool) {
	size := int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case b[0] < 4: // as RFC 7983 section 7 tells STUN from others
		return 20 + size, size%4 == 0
	case b[0]>>6 == 1:
		return padded(channelHead + size), true
	default:
		return 0, false
	}
}

// IsChannelData tells ChannelData from what else may arrive on a media port, by the first byte. RFC 7983 section 7 gives them 64 to 79; nobody else has 80
// to 127, where clients of RFC 5766 have channels, too.
func IsChannelData(b []byte) bool { return len(b) >= channelHead && b[0]>>6 == 1 }

func padded(n int) int { return (n + 3) &^ 3 }
