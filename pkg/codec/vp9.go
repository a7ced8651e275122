package codec

import (
	"encoding/binary"

	"gazpacho/pkg/rtp"
)

// Bits of the VP9 payload descriptor (RFC 9628 section 4.2).
const (
	vp9HasPicture   = 0x80 // I
	vp9InterPicture = 0x40 // P
	vp9HasLayers    = 0x20 // L
	vp9Flexible     = 0x10 // F
	vp9Start        = 0x08 // B
	vp9End          = 0x04 // E
	vp9Structure    = 0x02 // V
	vp9Unreferenced = 0x01 // Z
	vp9LongID       = 0x80 // M, in the picture id's first byte
	vp9SwitchAfter  = 0x10 // U, behind the three bits of TID
	vp9MoreDiffs    = 0x01 // N, behind the seven bits of P_DIFF
	vp9MaxDiffs     = 3
)

// Bits of the scalability structure (RFC 9628 section 4.2.1).
const (
	vp9Resolutions = 0x10 // Y
	vp9Group       = 0x08 // G
)

// inspectVP9 reads the payload descriptor. A key frame starts with the first packet of the lowest layer frame of a picture that refers to no
// picture before it.
//
//	     0 1 2 3 4 5 6 7
//	    +-+-+-+-+-+-+-+-+
//	    |I|P|L|F|B|E|V|Z|
//	    +-+-+-+-+-+-+-+-+
//	I:  |M| PICTURE ID  |
//	    +-+-+-+-+-+-+-+-+
//	M:  | EXTENDED PID  |
//	    +-+-+-+-+-+-+-+-+
//	L:  | TID |U| SID |D|
//	    +-+-+-+-+-+-+-+-+
//	    |   TL0PICIDX   |  F=0
//	    +-+-+-+-+-+-+-+-+
//	P,F:| P_DIFF      |N|  up to 3 times
//	    +-+-+-+-+-+-+-+-+
//	V:  | SS ...        |
//	    +-+-+-+-+-+-+-+-+
func inspectVP9(b []byte, f *rtp.Frame) bool {
	first := b[0]
	at := 1
	if first&vp9HasPicture != 0 {
		if at = pictureVP9(b, f); at == 0 {
			return false
		}
	}
	if first&vp9HasLayers != 0 {
		if at = layersVP9(b, at, f); at == 0 {
			return false
		}
	}
	if first&vp9Flexible != 0 && first&vp9InterPicture != 0 {
		if at = skipDiffsVP9(b, at); at == 0 {
			return false
		}
	}
	if first&vp9Structure != 0 {
		if at = skipStructureVP9(b, at); at == 0 {
			return false
		}
	}
	if at >= len(b) {
		return false // a descriptor of nothing
	}
	f.Start, f.End = first&vp9Start != 0, first&vp9End != 0
	f.InterPicture, f.Unreferenced = first&vp9InterPicture != 0, first&vp9Unreferenced != 0
	f.KeyFrame = f.Start && !f.InterPicture && f.Spatial == 0
	return true
}

// pictureVP9 reads the picture id and returns where it ends, 0 if it is cut off.
func pictureVP9(b []byte, f *rtp.Frame) int {
	if len(b) < 2 {
		return 0
	}
	f.HasPictureID, f.PictureIDAt, f.PictureIDBytes, f.PictureID = true, 1, 1, uint16(b[1])
	if b[1]&vp9LongID != 0 {
		if len(b) < 3 {
			return 0
		}
		f.PictureIDBytes, f.PictureID = 2, binary.BigEndian.Uint16(b[1:])&0x7fff
	}
	return 1 + int(f.PictureIDBytes)
}

// layersVP9 reads the layer indices and returns where they end, 0 if they are cut off. The index of the lowest temporal layer's picture is there
// in non-flexible mode only.
func layersVP9(b []byte, at int, f *rtp.Frame) int {
	if at >= len(b) {
		return 0
	}
	f.Temporal, f.Spatial, f.SwitchAfter = b[at]>>5, b[at]>>1&7, b[at]&vp9SwitchAfter != 0
	at++
	if b[0]&vp9Flexible != 0 {
		return at
	}
	if at >= len(b) {
		return 0
	}
	f.HasTL0PICIDX, f.TL0PICIDXAt, f.TL0PICIDX = true, uint8(at), b[at]
	return at + 1
}

// skipDiffsVP9 returns where the reference indices end, 0 if they are cut off or too many.
func skipDiffsVP9(b []byte, at int) int {
	for range vp9MaxDiffs {
		if at >= len(b) {
			return 0
		}
		at++
		if b[at-1]&vp9MoreDiffs == 0 {
			return at
		}
	}
	return 0
}

// skipStructureVP9 returns where the scalability structure ends, 0 if it is cut off. What it tells is for decoders: packets say themselves
// which layer they are of.
//
//	    +-+-+-+-+-+-+-+-+
//	    | N_S |Y|G|-|-|-|
//	    +-+-+-+-+-+-+-+-+
//	Y:  | WIDTH, HEIGHT |  16 bits each, N_S + 1 times
//	    +-+-+-+-+-+-+-+-+
//	G:  |      N_G      |
//	    +-+-+-+-+-+-+-+-+
//	    | TID |U| R |-|-|  N_G times
//	    +-+-+-+-+-+-+-+-+
//	    |    P_DIFF     |  R times behind each
//	    +-+-+-+-+-+-+-+-+
func skipStructureVP9(b []byte, at int) int {
	if at >= len(b) {
		return 0
	}
	head := b[at]
	at++
	if head&vp9Resolutions != 0 {
		at += 4 * (int(head>>5) + 1)
	}
	if head&vp9Group == 0 {
		return at
	}
	if at >= len(b) {
		return 0
	}
	pictures := int(b[at])
	at++
	for range pictures {
		if at >= len(b) {
			return 0
		}
		at += 1 + int(b[at]>>2&3)
	}
	return at
}
