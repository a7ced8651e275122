package producer

import (
	"encoding/binary"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
)

// HandleRTP takes an authenticated packet of the publisher, and what it was made of. The packet is borrowed, but the producer may
// change the view.
func (p *Producer) HandleRTP(now time.Time, pkt *rtp.Packet) Verdict {
	if p.closed {
		return DropClosed
	}
	pay := p.payloads.of(pkt.PayloadType)
	if pay == nil {
		return DropPayloadType
	}
	if pkt.SSRC == 0 {
		return DropStream // 0 stands for an SSRC that is not known yet
	}
	pkt.Resolve(&p.ids)
	if pay.repeats != nil {
		return p.handleRTX(now, pkt, pay)
	}
	// Extensions name the stream only until the SSRC is known: senders stop writing them then (RFC 8852 section 3.3).
	e := p.bySSRC(pkt.SSRC)
	if e == nil {
		if e = p.learn(now, pkt); e == nil {
			return DropStream
		}
	}
	if e.recv == nil || e.ssrc != pkt.SSRC {
		e.begin(now, pkt.SSRC, pay)
	}
	number, place := e.recv.Receive(now, pkt.SequenceNumber, pkt.Timestamp, len(pkt.Raw))
	switch place {
	case stream.OutOfRange:
		return DropSequence
	case stream.Again:
		return DropDuplicate
	case stream.Restart:
		e.restarted(now)
	}
	return p.deliver(now, e, pay, number, pkt, Media)
}

// handleRTX unwraps a retransmission (RFC 4588 section 4): "the first two octets are the OSN", what follows is the original payload.
func (p *Producer) handleRTX(now time.Time, pkt *rtp.Packet, pay *payload) Verdict {
	e := p.byRTXSSRC(pkt.SSRC)
	if e == nil {
		if e = p.learnRTX(pkt); e == nil {
			return DropStream
		}
	}
	size := len(pkt.Raw)
	switch {
	case e.recv == nil:
		return DropUnasked
	case len(pkt.Payload) < 2:
		e.recv.DiscardRTX(now, pkt.SequenceNumber, size)
		return Padding
	}
	original := binary.BigEndian.Uint16(pkt.Payload)
	number, ok := e.recv.Repair(now, pkt.SequenceNumber, original, size)
	if !ok {
		return DropUnasked
	}
	// From here on it is the original packet: marker, timestamp and extensions are those of the first transmission.
	pkt.SSRC, pkt.SequenceNumber, pkt.PayloadType = e.ssrc, original, pay.repeats.payloadType
	pkt.Payload = pkt.Payload[2:]
	return p.deliver(now, e, pay.repeats, number, pkt, RTX)
}

// deliver looks into the payload, copies the packet and hands the copy to the taps. Packets without a usable payload go to them as well,
// empty, so that their numbers are not taken for a loss.
func (p *Producer) deliver(now time.Time, e *encoding, pay *payload, number int64, pkt *rtp.Packet, verdict Verdict) Verdict {
	e.payload = pay
	switch {
	case len(pkt.Payload) == 0:
		pkt.Frame = rtp.Frame{}
		verdict = Padding
	case !pay.kind.Inspect(pkt.Payload, &pkt.Frame):
		e.recv.Discard()
		pkt.Frame, pkt.Payload = rtp.Frame{}, pkt.Payload[:0]
		verdict = DropPayload
	}
	if e.depends != nil && pay.kind.Described() && len(pkt.Payload) > 0 {
		e.describe(now, pkt)
	}
	if p.traces != 0 {
		p.tracePacket(now, pkt, verdict == RTX)
	}
	if pkt.Frame.KeyFrame {
		p.keyFrames.arrived(now, e)
	}
	e.rate(&pkt.Frame).Add(now, len(pkt.Raw))
	// A paused producer keeps counting; what it received is not to be heard, not even late.
	if !e.recv.Wanted(number) {
		if verdict.Forwarded() {
			verdict = Paused
		}
		return verdict
	}
	// The one copy: from here on the packet is shared and read-only.
	shared := e.cache.Put(now, number, pkt)
	if shared == nil {
		e.recv.Discard()
		return DropDuplicate
	}
	shared.SSRC, shared.PayloadType = e.mapped, pay.mapped
	if shared.Frame.Primary != 0 {
		p.payloads.mapRED(shared)
	}
	if p.cfg.Options.EnableMediasoupPacketIDHeaderExtension && shared.SetPacketID(p.cfg.Counters.PacketID) {
		p.cfg.Counters.PacketID++
	}
	p.orient(shared)
	p.taps.packet(now, shared)
	return verdict
}

// bySSRC finds the encoding that a media SSRC carries. A loop over few is faster than a map.
func (p *Producer) bySSRC(ssrc uint32) *encoding {
	for i := range p.encodings {
		if p.encodings[i].ssrc == ssrc {
			return &p.encodings[i]
		}
	}
	return nil
}

// byRTXSSRC finds the encoding whose retransmissions an SSRC carries.
func (p *Producer) byRTXSSRC(ssrc uint32) *encoding {
	for i := range p.encodings {
		if p.encodings[i].rtxSSRC == ssrc {
			return &p.encodings[i]
		}
	}
	return nil
}

// Carries tells whether an SSRC of the publisher is that of one of the streams, or of its retransmissions, at present.
func (p *Producer) Carries(ssrc uint32) bool {
	return p.bySSRC(ssrc) != nil || p.byRTXSSRC(ssrc) != nil
}

// learn finds the encoding that an unknown media SSRC introduces itself for: by RID, or because there is only one and it was announced
// without an SSRC.
func (p *Producer) learn(now time.Time, pkt *rtp.Packet) *encoding {
	rid := pkt.Extension(rtp.ExtRID)
	for i := range p.encodings {
		e := &p.encodings[i]
		if !e.introduces(rid, p) || e.params.SSRC != 0 {
			continue
		}
		if pkt.SSRC == e.former && now.Before(e.formerUntil) {
			return nil // a straggler of a stream that was replaced
		}
		return e
	}
	return nil
}

// learnRTX does so for a retransmission SSRC, which says the RID of the stream it repairs (RFC 8852 section 3.2).
func (p *Producer) learnRTX(pkt *rtp.Packet) *encoding {
	rid := pkt.Extension(rtp.ExtRepairedRID)
	if rid == nil {
		rid = pkt.Extension(rtp.ExtRID)
	}
	for i := range p.encodings {
		e := &p.encodings[i]
		if e.introduces(rid, p) && e.params.RTX == nil {
			e.rtxSSRC = pkt.SSRC
			return e
		}
	}
	return nil
}

// introduces tells whether a packet with a RID, or none, can be of the encoding.
func (e *encoding) introduces(rid []byte, p *Producer) bool {
	if rid != nil && e.params.RID != "" {
		return string(rid) == e.params.RID
	}
	return len(p.encodings) == 1
}
