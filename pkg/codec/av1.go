package codec

import "gazpacho/pkg/rtp"

// Bits of the aggregation header (RTP Payload Format For AV1, section 4.4).
const (
	av1Continues = 0x80 // Z: the first element goes on with an OBU of the packet before
	av1Count     = 0x30 // W: how many elements there are, 0 if each has its length in front
	av1Sequence  = 0x08 // N: the packet is the first of a coded video sequence
)

// inspectAV1 reads the aggregation header and checks that the elements behind it fit. Layers are not in it: they come in the dependency
// descriptor.
//
//	 0 1 2 3 4 5 6 7
//	+-+-+-+-+-+-+-+-+
//	|Z|Y| W |N|-|-|-|
//	+-+-+-+-+-+-+-+-+
func inspectAV1(b []byte, f *rtp.Frame) bool {
	head, count := b[0], int(b[0]&av1Count>>4)
	// "If N equal to 1 then Z must equal to 0."
	if len(b) < 2 || head&av1Sequence != 0 && head&av1Continues != 0 {
		return false
	}
	for n, rest := 1, b[1:]; len(rest) > 0; n++ {
		if n == count { // the last element is what is left
			break
		}
		size, length := leb128(rest)
		if length == 0 || size > len(rest)-length {
			return false
		}
		rest = rest[length+size:]
		if len(rest) == 0 && count != 0 {
			return false // elements are missing
		}
	}
	f.KeyFrame = head&av1Sequence != 0
	return true
}

// leb128 reads a number of seven bits a byte, the lowest first (AV1 section 4.10.5), and how long it is, 0 if it is cut off or absurd.
func leb128(b []byte) (value, length int) {
	const longest = 4 // of what can be the size of something in a packet
	for i := 0; i < len(b) && i < longest; i++ {
		value |= int(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return value, i + 1
		}
	}
	return 0, 0
}
