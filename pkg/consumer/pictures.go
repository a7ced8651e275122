package consumer

import (
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
)

// pictures keeps picture identifiers continuous where streams change and, of VP8, where pictures are left out: its decoders take a gap for a loss
// (RFC 7741 section 4.2).
type pictures struct {
	started   bool
	last      uint16 // picture id out of what was sent, or may still come, last
	lastTL0   uint8
	dropping  bool
	timestamp uint32 // of what was dropped last
}

// join makes a stream follow what was sent before it.
func (s *pictures) join(p *rtp.Packet, o *stream.Offsets) {
	s.dropping = false
	if !s.started {
		return
	}
	o.PictureID = s.last + 1 - p.Frame.PictureID
	o.TL0PICIDX = s.lastTL0 + 1 - p.Frame.TL0PICIDX
}

// sent notes a packet that is forwarded in order.
func (s *pictures) sent(p *rtp.Packet, o *stream.Offsets) {
	s.dropping = false
	if p.Frame.HasPictureID || p.Frame.HasTL0PICIDX {
		s.started = true
		s.last = p.Frame.PictureID + o.PictureID
		s.lastTL0 = p.Frame.TL0PICIDX + o.TL0PICIDX
	}
}

// dropped moves later pictures up by one, once for each picture that is left out, if there must be no gaps. Pictures in front of it that did not come
// keep their ids.
func (s *pictures) dropped(p *rtp.Packet, o *stream.Offsets, gapless bool) {
	if !p.Frame.HasPictureID && !p.Frame.HasTL0PICIDX {
		return
	}
	if gapless && (!s.dropping || p.Timestamp != s.timestamp) {
		o.PictureID--
	}
	s.dropping, s.timestamp = true, p.Timestamp
	s.last = p.Frame.PictureID + o.PictureID
	s.lastTL0 = p.Frame.TL0PICIDX + o.TL0PICIDX
}
