package codec

import (
	"encoding/binary"

	"gazpacho/pkg/rtp"
)

// Bits of the VP8 payload descriptor (RFC 7741 section 4.2) and of the payload header (section 4.3).
const (
	vp8Extended   = 0x80 // X: the extension byte is there
	vp8Start      = 0x10 // S: start of a partition
	vp8Partition  = 0x07 // PID
	vp8HasPicture = 0x80 // I
	vp8HasTL0     = 0x40 // L
	vp8HasTID     = 0x20 // T
	vp8HasKeyIdx  = 0x10 // K
	vp8LongID     = 0x80 // M: the picture id has 15 bits
	vp8Sync       = 0x20 // Y, behind the two bits of TID
	vp8Inter      = 0x01 // P: an inter frame
)

// inspectVP8 reads the payload descriptor, and whether a key frame starts here: the first packet of a frame is the one that
// starts partition 0, and its payload header says "P: Inverse key frame flag. When set to 0, the current frame is a key frame"
// (RFC 7741 section 4.3, 4.5.1).
//
//	     0 1 2 3 4 5 6 7
//	    +-+-+-+-+-+-+-+-+
//	    |X|R|N|S|R| PID |
//	    +-+-+-+-+-+-+-+-+
//	X:  |I|L|T|K| RSV   |
//	    +-+-+-+-+-+-+-+-+
//	I:  |M| PictureID   |
//	    +-+-+-+-+-+-+-+-+
//	M:  |   PictureID   |
//	    +-+-+-+-+-+-+-+-+
//	L:  |   TL0PICIDX   |
//	    +-+-+-+-+-+-+-+-+
//	T/K:|TID|Y| KEYIDX  |
//	    +-+-+-+-+-+-+-+-+
func inspectVP8(b []byte, f *rtp.Frame) bool {
	first := b[0]
	at := 1
	if first&vp8Extended != 0 {
		if at = extensionVP8(b, f); at == 0 {
			return false
		}
	}
	if at >= len(b) {
		return false // a descriptor of nothing
	}
	f.KeyFrame = first&vp8Start != 0 && first&vp8Partition == 0 && b[at]&vp8Inter == 0
	return true
}

// extensionVP8 reads the extended part of the descriptor and returns where it ends, 0 if it is cut off.
func extensionVP8(b []byte, f *rtp.Frame) int {
	if len(b) < 2 {
		return 0
	}
	has := b[1]
	at := 2
	if has&vp8HasPicture != 0 {
		if at >= len(b) {
			return 0
		}
		f.HasPictureID, f.PictureIDAt, f.PictureIDBytes = true, uint8(at), 1
		f.PictureID = uint16(b[at])
		if b[at]&vp8LongID != 0 {
			if at+1 >= len(b) {
				return 0
			}
			f.PictureIDBytes = 2
			f.PictureID = binary.BigEndian.Uint16(b[at:]) & 0x7fff
		}
		at += int(f.PictureIDBytes)
	}
	if has&vp8HasTL0 != 0 {
		if at >= len(b) {
			return 0
		}
		f.HasTL0PICIDX, f.TL0PICIDXAt, f.TL0PICIDX = true, uint8(at), b[at]
		at++
	}
	if has&(vp8HasTID|vp8HasKeyIdx) != 0 {
		if at >= len(b) {
			return 0
		}
		// "The TID field MUST be ignored when the T bit is equal to 0", and Y with it.
		if has&vp8HasTID != 0 {
			f.Temporal = b[at] >> 6
			f.SwitchUp = b[at]&vp8Sync != 0
		}
		at++
	}
	return at
}

// PatchIDs prepares h to send payload, which Inspect described in f, under another picture id and TL0PICIDX. The identifiers
// keep their size, so that of a 7-bit one only the low bits count; what the descriptor does not have is not added.
func PatchIDs(h *rtp.Header, payload []byte, f *rtp.Frame, pictureID uint16, tl0 uint8) {
	end := uint8(0)
	if f.HasPictureID {
		end = f.PictureIDAt + f.PictureIDBytes
	}
	if f.HasTL0PICIDX {
		end = f.TL0PICIDXAt + 1
	}
	h.PatchSize = end
	copy(h.Patch[:end], payload)
	if f.HasPictureID {
		at := f.PictureIDAt
		if f.PictureIDBytes == 2 {
			binary.BigEndian.PutUint16(h.Patch[at:], pictureID|vp8LongID<<8)
		} else {
			h.Patch[at] = uint8(pictureID) &^ vp8LongID
		}
	}
	if f.HasTL0PICIDX {
		h.Patch[f.TL0PICIDXAt] = tl0
	}
}
