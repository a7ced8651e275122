package consumer

import (
	"time"

	mediacodec "gazpacho/pkg/codec"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
)

// Limits around the beginning of a stream. See SWITCHING.md.
const (
	maxCatchUp = 256         // packets that came before the key frame's first one
	askAgain   = time.Second // for a key frame that does not come
)

// ProducerPacket forwards a packet, or does not.
func (c *Consumer) ProducerPacket(now time.Time, p *rtp.Packet) {
	if !c.active {
		return
	}
	i := c.index(p.SSRC)
	// The source may change its codec among those negotiated. Packets of others leave no gap.
	if p.PayloadType != c.codec.payloadType {
		found := c.codecs.taking(p)
		if found == nil {
			if i != none && i == c.current && c.rewriter.Ahead(p.SequenceNumber) {
				c.rewriter.Skip(now, p.SequenceNumber)
			}
			return
		}
		c.codec = found
	}
	switch i {
	case none:
	case c.current:
		c.proceed(now, p)
	default:
		c.consider(now, i, p)
	}
}

// index finds a stream by its mapped SSRC.
func (c *Consumer) index(ssrc uint32) int {
	for i, s := range c.streams {
		if s == ssrc {
			return i
		}
	}
	return none
}

// proceed handles a packet of the stream being forwarded.
func (c *Consumer) proceed(now time.Time, p *rtp.Packet) {
	switch {
	case !c.rewriter.Ahead(p.SequenceNumber):
		c.late(now, c.current, p)
	case len(p.Payload) > 0 && c.selector.keep(now, p):
		out := c.rewriter.Forward(p.SequenceNumber)
		c.pictures.sent(p, &c.rewriter.Offsets)
		c.emit(now, p, out, &c.rewriter.Offsets, p.Payload)
	case len(p.Payload) > 0:
		c.rewriter.Drop(now, p.SequenceNumber, frameOf(p))
		c.timeline.drop(p.Timestamp)
		c.pictures.dropped(p, &c.rewriter.Offsets, c.codec.kind.GaplessIDs())
	default:
		c.rewriter.Skip(now, p.SequenceNumber)
	}
}

// consider handles a packet of a stream that is not being forwarded: it may begin to be, or be a straggler of one that was.
func (c *Consumer) consider(now time.Time, i int, p *rtp.Packet) {
	if i == c.selector.want() && len(p.Payload) > 0 && c.rewriter.MayBegin(now, uint8(i), p.SequenceNumber) {
		if c.selector.offer(now, i, p) {
			c.begin(now, i, p)
			return
		}
		c.ask(now)
	}
	c.late(now, i, p)
}

// begin forwards a stream from a packet on. Packets that overtook this one, or came while it was being repaired, follow at once.
func (c *Consumer) begin(now time.Time, i int, p *rtp.Packet) {
	c.send.ClockRate = c.codec.clockRate
	// What continues is settled before the rewriter opens a new run, which keeps it for late packets.
	c.rewriter.Offsets.Timestamp = c.timeline.join(now, c, i, p)
	if !c.verbatim {
		c.pictures.join(p, &c.rewriter.Offsets)
	}
	c.current = i
	c.askedAt = time.Time{}
	c.selector.began(now)
	out := c.rewriter.Begin(now, uint8(i), p.SequenceNumber)
	c.pictures.sent(p, &c.rewriter.Offsets)
	c.emit(now, p, out, &c.rewriter.Offsets, p.Payload)
	// There may be holes, which may still be filled: the numbers of both are reserved.
	for seq := p.SequenceNumber + 1; seq-p.SequenceNumber < maxCatchUp && c.current == i; seq++ {
		if q, ok := c.cfg.Source.Cached(now, c.streams[i], seq); ok {
			c.ProducerPacket(now, q)
		}
	}
}

// ask asks for a key frame of the wanted stream, now and then until it comes.
func (c *Consumer) ask(now time.Time) {
	i := c.selector.want()
	if i == none || !c.codec.kind.KeyFrames() || !c.askedAt.IsZero() && now.Sub(c.askedAt) < askAgain {
		return
	}
	c.askedAt = now
	c.cfg.Source.RequestKeyFrame(now, c.streams[i])
}

// late forwards a packet whose number out was reserved when it did not come. The rest of a picture that was dropped goes out empty, or the
// peer would ask for the missing number in vain.
func (c *Consumer) late(now time.Time, i int, p *rtp.Packet) {
	place, ok := c.rewriter.Late(now, uint8(i), p.SequenceNumber, frameOf(p))
	dropped := place.Dropped || above(p, &place.Offsets)
	switch {
	case !ok:
	case dropped && c.hasRTX(c.codec):
		c.emit(now, p, place.Seq, &place.Offsets, nil)
	case dropped:
	default:
		c.emit(now, p, place.Seq, &place.Offsets, p.Payload)
	}
}

// emit sends one packet.
func (c *Consumer) emit(now time.Time, p *rtp.Packet, out uint16, o *stream.Offsets, payload []byte) {
	h := &c.header
	h.SequenceNumber = out
	c.fill(h, p, o, payload)
	h.PayloadType, payload = c.codecs.unwrap(p, payload)
	h.Keep = c.codec.nack && !c.hasRTX(c.codec) // the peer may ask for it again, and there is no RTX
	size := c.cfg.Sink.SendRTP(now, h, payload)
	h.Source = nil // or the header would keep the source's cache alive
	if size == 0 {
		return
	}
	c.send.Sent(now, h.Timestamp, size, len(payload))
	if c.traces != 0 {
		c.tracePacket(now, p, h)
	}
}

// fill sets what media packets and their retransmissions have in common: what the packet says, moved by the offsets in force at its place.
func (c *Consumer) fill(h *rtp.Header, p *rtp.Packet, o *stream.Offsets, payload []byte) {
	h.Marker = p.Marker || p.Frame.End && p.Frame.Spatial+1 == o.Layers // the picture ends with the highest layer forwarded
	h.Timestamp = p.Timestamp + o.Timestamp
	h.Source = p
	h.PatchSize, h.Descriptor = 0, nil
	f := &p.Frame
	if d := &f.Descriptor; o.Layers != 0 && d.Targets != nil && h.IDs[rtp.ExtDependencyDescriptor] != 0 {
		set := d.Active & d.Targets.Within(o.Layers-1, o.Temporals-1)
		if n := mediacodec.PutDescriptor(c.descriptor[:], p.Extension(rtp.ExtDependencyDescriptor), d, set); n > 0 {
			h.Descriptor = c.descriptor[:n]
		}
	}
	if (f.HasPictureID || f.HasTL0PICIDX) && len(payload) > 0 && (o.PictureID != 0 || o.TL0PICIDX != 0) {
		mediacodec.PatchIDs(h, payload, f, f.PictureID+o.PictureID, f.TL0PICIDX+o.TL0PICIDX)
	}
}
