// Package codec reads layers and key frames in VP8, VP9, AV1, H264, H265 and Opus, the last also in RED.
package codec

import (
	"strings"

	"gazpacho/pkg/rtp"
)

// Kind is a codec; it indexes tables. The zero value is no codec.
type Kind uint8

// The codecs that can be forwarded.
const (
	Unknown Kind = iota
	Opus
	MultiOpus
	PCMU
	PCMA
	G722
	ISAC
	ILBC
	SILK
	ComfortNoise
	TelephoneEvent
	RED
	VP8
	VP9
	AV1
	H264
	H265
	NumKinds
)

// traits are what the rest of the program has to know of a codec.
type traits struct {
	mime      string
	keyFrames bool // a receiver can begin at a key frame only
	gapless   bool // decoders take a gap in picture ids for a loss
	described bool // layers are told by the dependency descriptor, not by the payload
	inspect   func(payload []byte, f *rtp.Frame) bool
}

var table = [NumKinds]traits{
	Opus:           {mime: "audio/opus", inspect: inspectOpus},
	MultiOpus:      {mime: "audio/multiopus"}, // several streams in one payload, framed in a way of their own
	PCMU:           {mime: "audio/PCMU"},
	PCMA:           {mime: "audio/PCMA"},
	G722:           {mime: "audio/G722"},
	ISAC:           {mime: "audio/ISAC"},
	ILBC:           {mime: "audio/iLBC"},
	SILK:           {mime: "audio/SILK"},
	ComfortNoise:   {mime: "audio/CN"},
	TelephoneEvent: {mime: "audio/telephone-event"},
	RED:            {mime: "audio/red", inspect: inspectRED},
	VP8:            {mime: "video/VP8", keyFrames: true, gapless: true, inspect: inspectVP8},
	VP9:            {mime: "video/VP9", keyFrames: true, inspect: inspectVP9},
	AV1:            {mime: "video/AV1", keyFrames: true, described: true, inspect: inspectAV1},
	H264:           {mime: "video/H264", keyFrames: true, described: true, inspect: inspectH264},
	H265:           {mime: "video/H265", keyFrames: true, inspect: inspectH265},
}

// KindOf finds a codec by its MIME type, whose case does not matter (RFC 4855 section 3).
func KindOf(mime string) (Kind, bool) {
	for k := Unknown + 1; k < NumKinds; k++ {
		if strings.EqualFold(table[k].mime, mime) {
			return k, true
		}
	}
	return Unknown, false
}

// String returns the codec's MIME type as mediasoup writes it.
func (k Kind) String() string {
	if k == Unknown || k >= NumKinds {
		return "unknown"
	}
	return table[k].mime
}

// KeyFrames tells whether a receiver can begin, or change to another stream of the same source, at a key frame only.
func (k Kind) KeyFrames() bool { return k < NumKinds && table[k].keyFrames }

// GaplessIDs tells whether picture ids must be closed up where pictures are left out: decoders of VP8 take a gap for a loss (RFC 7741
// section 4.2). Those of VP9 must not be, because references count in them (RFC 9628 section 4.2, P_DIFF and picture groups).
func (k Kind) GaplessIDs() bool { return k < NumKinds && table[k].gapless }

// Described tells whether layers are told by the dependency descriptor extension, see Dependencies, rather than by the payload.
func (k Kind) Described() bool { return k < NumKinds && table[k].described }

// Inspect makes f what payload, the part of a packet behind header and extensions, says. It returns false when the payload is
// malformed: such a packet is dropped. An empty payload, which padding alone leaves, is no frame and false too; who wants to
// know that looks first.
func (k Kind) Inspect(payload []byte, f *rtp.Frame) bool {
	*f = rtp.Frame{}
	if len(payload) == 0 || k >= NumKinds {
		return false
	}
	if inspect := table[k].inspect; inspect != nil {
		return inspect(payload, f)
	}
	return true
}
