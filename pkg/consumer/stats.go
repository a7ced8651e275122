package consumer

import (
	"strings"
	"time"

	"gazpacho/pkg/stream"
	"gazpacho/proto"
)

// Dump tells what the consumer is and how far it came.
func (c *Consumer) Dump() proto.ConsumerDump {
	o := c.cfg.Options
	d := proto.ConsumerDump{
		ID: o.ConsumerID, Type: o.Type, ProducerID: o.ProducerID, Kind: o.Kind, RTPParameters: o.RTPParameters,
		ConsumableRTPEncodings: o.ConsumableRTPEncodings, SupportedCodecPayloadTypes: []int{}, TraceEventTypes: []string{},
		Paused: c.paused, ProducerPaused: c.producerPaused, Priority: c.priority, RTPStreams: []proto.RTPStreamDump{c.dumpStream()},
	}
	encoding := o.RTPParameters.Encodings[0]
	if encoding.CodecPayloadType == nil {
		encoding.CodecPayloadType = &c.codecs[0].payloadType
	}
	d.RTPParameters.Encodings = []proto.RTPEncodingParameters{encoding}
	for i := range c.codecs {
		d.SupportedCodecPayloadTypes = append(d.SupportedCodecPayloadTypes, int(c.codecs[i].payloadType))
	}
	for i, name := range traceNames {
		if c.traces&(1<<i) != 0 {
			d.TraceEventTypes = append(d.TraceEventTypes, name)
		}
	}
	d.RTPStream = &d.RTPStreams[0]
	c.selector.dump(&d)
	return d
}

// dumpStream tells how the outgoing stream is set up, retransmissions included if there are any.
func (c *Consumer) dumpStream() proto.RTPStreamDump {
	o := c.cfg.Options
	mode := stream.ParseScalabilityMode(o.RTPParameters.Encodings[0].ScalabilityMode)
	d := proto.RTPStreamDump{Score: c.send.Score(), Params: proto.RTPStreamParams{
		SSRC: c.header.SSRC, PayloadType: c.codec.payloadType, MimeType: c.codec.mime, ClockRate: c.codec.clockRate, CNAME: c.CNAME(),
		UseNACK: c.codec.nack, UsePLI: c.codec.pli, UseFIR: c.codec.fir, UseInBandFEC: c.codec.inBandFEC,
		UseDTX: c.codec.dtx || isTrue(o.RTPParameters.Encodings[0].DTX), SpatialLayers: mode.Spatial, TemporalLayers: mode.Temporal,
	}}
	if c.again.SSRC != 0 && c.codec.rtx != 0 {
		d.Params.RTXSSRC, d.Params.RTXPayloadType = c.again.SSRC, c.codec.rtx
		kind, _, _ := strings.Cut(c.codec.mime, "/")
		d.RTXStream = &proto.RTXStreamDump{Params: proto.RTXStreamParams{
			SSRC: c.again.SSRC, PayloadType: c.codec.rtx, MimeType: kind + "/rtx", ClockRate: c.codec.clockRate, CNAME: c.CNAME(),
		}}
	}
	return d
}

// isTrue reads an optional flag that is false unless it is said to be true.
func isTrue(flag *bool) bool { return flag != nil && *flag }

// Stats tells what was sent, then what the source receives of the stream being forwarded.
func (c *Consumer) Stats(now time.Time) []proto.RTPStreamStats {
	s := c.send.Stats(now)
	list := []proto.RTPStreamStats{{
		Type: "outbound-rtp", Timestamp: now.UnixMilli(), SSRC: c.header.SSRC, RTXSSRC: c.again.SSRC, Kind: c.Kind(),
		MimeType: c.codec.mime, PacketsLost: s.PacketsLost, FractionLost: s.FractionLost, Jitter: s.Jitter,
		PacketsRetransmitted: s.PacketsRetransmitted, PacketsRepaired: s.PacketsRepaired,
		NACKCount: s.NACKs, NACKPacketCount: s.NACKPackets, PLICount: c.plis, FIRCount: c.firs,
		RoundTripTime: float64(s.RoundTripTime) / float64(time.Millisecond), Score: s.Score, PacketCount: s.Packets,
		ByteCount: s.Bytes, Bitrate: s.Bitrate,
	}}
	if i := c.forwarded(); i != none {
		if source, ok := c.cfg.Source.StreamStats(now, c.streams[i]); ok {
			list = append(list, source)
		}
	}
	return list
}

// forwarded is the stream being forwarded, or the one that would be.
func (c *Consumer) forwarded() int {
	if c.current != none {
		return c.current
	}
	return c.selector.want()
}
