package codec

import "gazpacho/pkg/rtp"

const redHeader = 4 // of a redundant block; the newest has one byte

// inspectRED finds the newest of the blocks of a RED payload (RFC 2198 section 3): the headers come first, then the blocks, the newest last.
//
//	 0                   1                    2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3  4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|1|   block PT  |  timestamp offset         |   block length    |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|0|   block PT  |
//	+-+-+-+-+-+-+-+-+
//
// It is silence if all its blocks are, which are taken for Opus: there is speech to be repaired in the others.
func inspectRED(b []byte, f *rtp.Frame) bool {
	first, ok := redBlocks(b)
	if !ok {
		return false
	}
	f.DTX = true
	at := first
	for i := 0; b[i]&0x80 != 0; i += redHeader {
		size := int(b[i+2]&3)<<8 | int(b[i+3])
		if len(b)-at < size {
			return false
		}
		f.DTX = f.DTX && opusSilent(b[at:at+size])
		at += size
	}
	f.DTX = f.DTX && opusSilent(b[at:])
	f.Primary, f.PrimaryType = uint16(at), b[first-1]&0x7f
	return true
}

// redBlocks is where the first block begins, behind all headers.
func redBlocks(b []byte) (first int, ok bool) {
	for at := 0; at < len(b); at += redHeader {
		if b[at]&0x80 == 0 {
			return at + 1, true
		}
	}
	return 0, false
}

// MapRED gives the blocks of a RED payload that was inspected other payload types, in place; those for which there is none keep theirs.
func MapRED(b []byte, mapped func(payloadType uint8) (uint8, bool)) {
	for at := 0; at < len(b); at += redHeader {
		if to, ok := mapped(b[at] & 0x7f); ok {
			b[at] = b[at]&0x80 | to
		}
		if b[at]&0x80 == 0 {
			return
		}
	}
}
