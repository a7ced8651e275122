package rtp

import "encoding/binary"

// The two forms of the extension block (RFC 8285 section 4.2, 4.3).
const (
	oneByteProfile = 0xBEDE
	twoByteProfile = 0x1000
)

// putExtensions writes the extension block behind the fixed header and returns the header's whole length. With nothing to write
// there is no block at all. The one-byte form is used unless an id or a value does not fit it.
func (h *Header) putExtensions(dst []byte, stamp Stamp) int {
	const start = HeaderSize + 4
	w := extensionWriter{dst: dst, at: start, twoByte: h.needsTwoByte()}
	ids := h.IDs
	if id := ids[ExtMID]; id != 0 && h.MID != "" {
		w.at += copy(w.open(id, len(h.MID)), h.MID)
	}
	if id := ids[ExtAbsSendTime]; id != 0 {
		v := w.open(id, 3)
		v[0], v[1], v[2] = byte(stamp.AbsSendTime>>16), byte(stamp.AbsSendTime>>8), byte(stamp.AbsSendTime)
		w.at += 3
	}
	if id := ids[ExtTransportCC]; id != 0 {
		binary.BigEndian.PutUint16(w.open(id, 2), stamp.TransportCC)
		w.at += 2
	}
	if h.Source != nil {
		for _, e := range forwarded {
			if id := ids[e]; id != 0 && h.Source.spans[e].found {
				v := h.Source.Extension(e)
				w.at += copy(w.open(id, len(v)), v)
			}
		}
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

func (h *Header) needsTwoByte() bool {
	if id := h.IDs[ExtMID]; id > 14 || len(h.MID) > 16 {
		return true
	}
	if h.IDs[ExtAbsSendTime] > 14 || h.IDs[ExtTransportCC] > 14 {
		return true
	}
	if h.Source == nil {
		return false
	}
	for _, e := range forwarded {
		if s := h.Source.spans[e]; s.found && h.IDs[e] != 0 && (h.IDs[e] > 14 || s.size > 16 || s.size == 0) {
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
	return w.dst[w.at : w.at+size]
}
