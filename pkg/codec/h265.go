package codec

import (
	"encoding/binary"

	"gazpacho/pkg/rtp"
)

// NAL unit types (ITU-T H.265 table 7-1, RFC 7798 section 4.4).
const (
	hevcTSAN = 2 // temporal sub-layer access
	hevcTSAR = 3
	// 4 and 5 are step-wise temporal sub-layer access
	hevcSTSAR  = 5
	hevcBLA    = 16 // the first that a decoder can begin at
	hevcCRA    = 21 // the last
	hevcVPS    = 32
	hevcSPS    = 33
	hevcAP     = 48 // aggregation
	hevcFU     = 49 // fragment
	hevcHeader = 2
	hevcStart  = 0x80
)

// inspectH265 finds where a decoder can begin, as inspectH264 does, and the temporal sub-layer, which every NAL unit header tells.
//
//	+---------------+---------------+
//	|0|1|2|3|4|5|6|7|0|1|2|3|4|5|6|7|
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|F|   Type    |  LayerId  | TID |
//	+-------------+-----------------+
func inspectH265(b []byte, f *rtp.Frame) bool {
	// "A TID value of 0 is illegal": it is the temporal id plus 1 (RFC 7798 section 1.1.4).
	if len(b) <= hevcHeader || b[1]&7 == 0 {
		return false
	}
	f.Temporal = b[1]&7 - 1
	switch nal := hevcType(b[0]); nal {
	case hevcAP:
		return inspectAP(b[hevcHeader:], f)
	case hevcFU:
		// Payload header, FU header |S|E|  FuType   |, fragment (RFC 7798 section 4.4.3).
		if len(b) < hevcHeader+2 {
			return false
		}
		judgeHEVC(b[2]&0x3f, b[3], b[2]&hevcStart != 0, f)
	default:
		judgeHEVC(nal, b[hevcHeader], true, f)
	}
	return true
}

// inspectAP walks the NAL units of an aggregation, each with a 16-bit size in front (RFC 7798 section 4.4.2).
func inspectAP(b []byte, f *rtp.Frame) bool {
	for len(b) > 0 {
		if len(b) < 2 {
			return false
		}
		size := int(binary.BigEndian.Uint16(b))
		if size < hevcHeader || len(b)-2 < size {
			return false
		}
		if unit := b[2 : 2+size]; size > hevcHeader {
			judgeHEVC(hevcType(unit[0]), unit[hevcHeader], true, f)
		}
		b = b[2+size:]
	}
	return true
}

func hevcType(b byte) byte { return b >> 1 & 0x3f }

// judgeHEVC judges a NAL unit by its type and the byte behind its header, whose first bit of a slice is first_slice_segment_in_pic_flag (ITU-T H.265
// section 7.3.6.1). Where a decoder of lower sub-layers may go up: "a TSA picture ... enables up-switching, at the TSA picture, to the
// sub-layer containing the TSA picture", as does an STSA picture (section 3).
func judgeHEVC(nal, next byte, start bool, f *rtp.Frame) {
	switch {
	case nal == hevcVPS, nal == hevcSPS:
		f.KeyFrame = f.KeyFrame || start
	case nal >= hevcBLA && nal <= hevcCRA:
		f.KeyFrame = f.KeyFrame || start && next&0x80 != 0
	case nal >= hevcTSAN && nal <= hevcSTSAR:
		f.SwitchUp = true
		f.SwitchAfter = nal == hevcTSAN || nal == hevcTSAR // and to any higher one
	}
}
