package rtp

import "encoding/binary"

// MaxPatch is how many bytes at the start of a payload a consumer may replace.
const MaxPatch = 8

// Header is what a sender writes in front of a payload. Source values are read-only, so one received packet serves all
// consumers; values a transport knows at the moment of sending come in a Stamp.
type Header struct {
	Marker         bool
	PayloadType    uint8
	SequenceNumber uint16
	Timestamp      uint32
	SSRC           uint32

	IDs    *ExtensionIDs // ids of the receiver's negotiation; nil writes no extensions
	Source *Packet       // where forwarded extensions come from; nil forwards none
	MID    string        // written if IDs has an id for it and it is not empty

	Descriptor []byte // what stands for the source's dependency descriptor; nil leaves it as it is

	OSN   uint16 // original sequence number, put before the payload when IsRTX (RFC 4588 section 4)
	IsRTX bool

	// A retransmission without RTX has the number of the first sending, so it must have all of its bits: SRTP uses a number once
	// (RFC 3711 section 9.1). Keep says that the packet may have to be sent Again, so that its Stamp is remembered.
	Keep  bool
	Again bool

	PatchSize uint8 // how many bytes of Patch stand for the payload's first ones
	Patch     [MaxPatch]byte
}

// Stamp holds the extension values that are made at the moment of sending.
type Stamp struct {
	AbsSendTime uint32 // 24 bits, 6.18 fixed point seconds
	TransportCC uint16 // transport-wide sequence number
}

// Put writes the header, its extension block and, for RTX, the original sequence number, into dst, which must have room for
// MaxHeaderSize bytes. It returns the header's length, which is where SRTP starts to encrypt, and the length with the OSN.
func (h *Header) Put(dst []byte, stamp Stamp) (header, total int) {
	_ = dst[MaxHeaderSize-1]
	dst[0] = version << 6
	dst[1] = h.PayloadType & 0x7f
	if h.Marker {
		dst[1] |= 0x80
	}
	binary.BigEndian.PutUint16(dst[2:], h.SequenceNumber)
	binary.BigEndian.PutUint32(dst[4:], h.Timestamp)
	binary.BigEndian.PutUint32(dst[8:], h.SSRC)
	header = HeaderSize
	if h.IDs != nil {
		header = h.putExtensions(dst, stamp)
	}
	total = header
	if h.IsRTX {
		binary.BigEndian.PutUint16(dst[header:], h.OSN)
		total += 2
	}
	return header, total
}

// PutPacket writes header and payload into dst, which must have room for MaxHeaderSize and the payload. The bytes of Patch
// stand for the payload's first ones. It returns where SRTP starts to encrypt and the packet's length.
func (h *Header) PutPacket(dst, payload []byte, stamp Stamp) (header, total int) {
	header, start := h.Put(dst, stamp)
	total = start + copy(dst[start:], payload)
	copy(dst[start:total], h.Patch[:h.PatchSize])
	return header, total
}
