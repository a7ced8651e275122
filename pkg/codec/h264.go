package codec

import (
	"encoding/binary"

	"gazpacho/pkg/rtp"
)

// NAL unit types (RFC 6184 section 5.2, ITU-T H.264 table 7-1).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalSTAPA = 24 // one-time aggregation
	nalFUA   = 28 // fragment
	nalType  = 0x1f
	fuStart  = 0x80
)

// inspectH264 finds where a decoder can begin: at a sequence parameter set, which senders put in front of every IDR picture, or,
// for those who sent their parameter sets in signaling, at the first slice of an IDR picture.
//
// Payloads of the packetization modes 0 and 1 are looked into; the types of mode 2 (STAP-B, MTAP, FU-B) nobody negotiates.
func inspectH264(b []byte, f *rtp.Frame) bool {
	switch b[0] & nalType {
	case nalSTAPA:
		return inspectSTAPA(b[1:], f)
	case nalFUA:
		// FU indicator, FU header |S|E|R|  Type   |, fragment (RFC 6184 section 5.8).
		if len(b) < 3 {
			return false
		}
		f.KeyFrame = b[1]&fuStart != 0 && startsKeyFrame(b[1]&nalType, b[2])
	default:
		f.KeyFrame = len(b) > 1 && startsKeyFrame(b[0]&nalType, b[1])
	}
	return true
}

// inspectSTAPA walks the NAL units of an aggregation, each with a 16-bit size in front (RFC 6184 section 5.7.1).
func inspectSTAPA(b []byte, f *rtp.Frame) bool {
	if len(b) == 0 {
		return false
	}
	for len(b) > 0 {
		if len(b) < 2 {
			return false
		}
		size := int(binary.BigEndian.Uint16(b))
		if size == 0 || len(b)-2 < size {
			return false
		}
		unit := b[2 : 2+size]
		if size > 1 && startsKeyFrame(unit[0]&nalType, unit[1]) {
			f.KeyFrame = true
		}
		b = b[2+size:]
	}
	return true
}

// startsKeyFrame judges a NAL unit by its type and the byte behind its header. A slice begins with first_mb_in_slice in
// Exp-Golomb code, where 0, the first slice of a picture, is a single 1 bit (ITU-T H.264 section 7.3.3, 9.1).
func startsKeyFrame(nal, next byte) bool {
	return nal == nalSPS || nal == nalIDR && next&0x80 != 0
}
