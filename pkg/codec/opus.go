package codec

import "gazpacho/pkg/rtp"

// dtxSize is the longest payload that stands for silence: an encoder's packet of "2 bytes or less" need not be transmitted,
// and is sent now and then to keep the comfort noise fresh.
const dtxSize = 2

// inspectOpus tells silence from sound. A packet whose frames have no room for a coded signal is silence as well, however it is
// padded (RFC 6716 section 3.2.1: a frame of length 0 is "no frame").
func inspectOpus(b []byte, f *rtp.Frame) bool {
	f.DTX = opusSilent(b)
	return true
}

func opusSilent(b []byte) bool { return len(b) <= dtxSize || opusEmpty(b) }

// opusEmpty tells whether a packet of arbitrary many frames (code 3, RFC 6716 section 3.2.5) has nothing but padding behind its
// frame count.
func opusEmpty(b []byte) bool {
	const code3, padded = 3, 0x40
	if b[0]&3 != code3 || b[1]&padded == 0 {
		return false
	}
	// "Values from 0...254 indicate that 0...254 bytes of padding are included, in addition to the byte(s) used to indicate the
	// size of the padding. If the value is 255, then the size of the additional padding is 254 bytes, plus the padding value
	// encoded in the next byte."
	at, padding := 2, 0
	for ; at < len(b) && b[at] == 255; at++ {
		padding += 254
	}
	if at == len(b) {
		return false
	}
	padding += int(b[at])
	at++
	return at+padding == len(b)
}
