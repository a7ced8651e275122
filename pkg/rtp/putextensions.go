package rtp

import (
	"encoding/binary"
	"math/bits"
)

// The two forms of the extension block (RFC 8285 section 4.2, 4.3). The low four bits of the second are for the application.
const (
	oneByteProfile = 0xBEDE
	twoByteProfile = 0x1000
	twoByteMask    = 0xfff0
)

// Limits of the one-byte form.
const (
	oneByteMaxID   = 14
	oneByteMaxSize = 16
)

// Bounds for the values whose length their standard leaves open: the MID, and the dependency descriptor, of which the structure of nine decode
// targets, as browsers send it for three spatial layers, takes about 100.
const (
	maxValueSize      = 64
	MaxDescriptorSize = 160
)

// forwarded gives, for each extension that passes from a producer to its consumers, the longest value its standard allows;
// a longer or empty one is not written. RID and repaired RID name the producer's streams and end here, MID and the stamped
// ones are the receiver's own.
var forwarded = [NumExtensions]uint8{
	ExtAudioLevel:           1, // RFC 6464 section 3
	ExtDependencyDescriptor: MaxDescriptorSize,
	ExtVideoOrientation:     1,  // 3GPP TS 26.114 section 7.4.5
	ExtTimeOffset:           3,  // RFC 5450 section 2
	ExtAbsCaptureTime:       16, // with the clock offset
	ExtPlayoutDelay:         3,
	ExtPacketID:             4,
}

// MaxHeaderSize bounds what Put writes: the fixed header, the block's own head, MID, the two stamped extensions and all the
// forwarded ones at their longest with two bytes each in front, padding, and the original sequence number.
const MaxHeaderSize = HeaderSize + 4 + (2 + maxValueSize) + (2 + 3) + (2 + 2) + (7*2 + 1 + MaxDescriptorSize + 1 + 3 + 16 + 3 + 4) + 3 + 2

// putExtensions writes the extension block behind the fixed header and returns the header's whole length. With nothing to
// write there is no block at all. The one-byte form is used unless an id or a value does not fit it.
func (h *Header) putExtensions(dst []byte, stamp Stamp) int {
	const start = HeaderSize + 4
	ids := h.IDs
	carried := h.carried()
	w := extensionWriter{dst: dst, at: start, twoByte: h.needsTwoByte(carried)}
	if id := ids[ExtMID]; id != 0 && h.MID != "" && len(h.MID) <= maxValueSize {
		copy(w.open(id, len(h.MID)), h.MID)
	}
	if id := ids[ExtAbsSendTime]; id != 0 {
		v := w.open(id, 3)
		v[0], v[1], v[2] = byte(stamp.AbsSendTime>>16), byte(stamp.AbsSendTime>>8), byte(stamp.AbsSendTime)
	}
	if id := ids[ExtTransportCC]; id != 0 {
		binary.BigEndian.PutUint16(w.open(id, 2), stamp.TransportCC)
	}
	for ; carried != 0; carried &= carried - 1 {
		e := bits.TrailingZeros16(carried)
		v := h.Source.Extension(Extension(e))
		if e == int(ExtDependencyDescriptor) && h.Descriptor != nil {
			v = h.Descriptor
		}
		copy(w.open(ids[e], len(v)), v)
	}
	if w.at == start {
		return HeaderSize
	}
	for w.at%4 != 0 {
		dst[w.at] = 0
		w.at++
	}
	dst[0] |= 0x10
	profile := uint16(oneByteProfile)
	if w.twoByte {
		profile = twoByteProfile
	}
	binary.BigEndian.PutUint16(dst[HeaderSize:], profile)
	binary.BigEndian.PutUint16(dst[HeaderSize+2:], uint16((w.at-start)/4))
	return w.at
}

// carried returns the set of the source's extensions that will be written.
func (h *Header) carried() (set uint16) {
	if h.Source == nil {
		return 0
	}
	for found := h.Source.found; found != 0; found &= found - 1 {
		e := bits.TrailingZeros16(found)
		if size := h.Source.spans[e].size; h.IDs[e] != 0 && size != 0 && size <= forwarded[e] {
			set |= 1 << e
		}
	}
	return set
}

func (h *Header) needsTwoByte(carried uint16) bool {
	ids := h.IDs
	if ids[ExtMID] > oneByteMaxID || ids[ExtAbsSendTime] > oneByteMaxID || ids[ExtTransportCC] > oneByteMaxID {
		return true
	}
	if ids[ExtMID] != 0 && len(h.MID) > oneByteMaxSize && len(h.MID) <= maxValueSize {
		return true
	}
	for ; carried != 0; carried &= carried - 1 {
		e := bits.TrailingZeros16(carried)
		size := int(h.Source.spans[e].size)
		if e == int(ExtDependencyDescriptor) && h.Descriptor != nil {
			size = len(h.Descriptor)
		}
		if ids[e] > oneByteMaxID || size > oneByteMaxSize {
			return true
		}
	}
	return false
}

// extensionWriter appends elements of one form.
type extensionWriter struct {
	dst     []byte
	at      int
	twoByte bool
}

// open writes an element's head and returns the room for its value.
func (w *extensionWriter) open(id uint8, size int) []byte {
	if w.twoByte {
		w.dst[w.at], w.dst[w.at+1] = id, byte(size)
		w.at += 2
	} else {
		w.dst[w.at] = id<<4 | byte(size-1)
		w.at++
	}
	v := w.dst[w.at : w.at+size]
	w.at += size
	return v
}
