package rtp

// Frame is what a codec read from a packet's payload; package codec fills it in. It lies here so that the
// packet can carry it from the producer, which looks once, to every consumer.
type Frame struct {
	KeyFrame bool  // the packet starts a key frame
	DTX      bool  // the packet is audio of silence
	Spatial  uint8 // layers of the packet, 0 where the codec has none
	Temporal uint8
	SwitchUp bool // a receiver of lower temporal layers may go up to this one here

	// Of RED: where in the payload the newest block begins, which is never 0, and its payload type.
	Primary     uint16
	PrimaryType uint8

	// Scalable video sends a picture as layer frames, one for each spatial layer, the lowest first.
	Start        bool // the packet is the first of its layer frame
	End          bool // the packet is the last of its layer frame
	SwitchAfter  bool // a receiver of the layer frame may go up to any temporal layer behind it
	Unreferenced bool // no layer frame of a higher spatial layer refers to this one
	InterPicture bool // the layer frame refers to earlier pictures

	// Picture identifiers of VP8 (RFC 7741 section 4.2) and VP9 (RFC 9628 section 4.2), rewritten when a consumer drops or switches.
	HasPictureID   bool
	HasTL0PICIDX   bool
	PictureIDBytes uint8 // 1 or 2
	PictureIDAt    uint8 // offsets within the payload
	TL0PICIDXAt    uint8
	TL0PICIDX      uint8
	PictureID      uint16

	Descriptor Descriptor
}
