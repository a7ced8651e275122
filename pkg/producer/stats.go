package producer

import (
	"fmt"
	"strings"
	"time"

	"gazpacho/pkg/stream"
	"gazpacho/proto"
)

// Score rates every stream that was seen.
func (p *Producer) Score() proto.ProducerScore {
	scores := proto.ProducerScore{}
	for i := range p.encodings {
		if e := &p.encodings[i]; e.recv != nil {
			scores = append(scores, proto.StreamScore{EncodingIdx: i, SSRC: e.ssrc, RID: e.params.RID, Score: e.recv.Score()})
		}
	}
	return scores
}

// Dump tells what the producer is and how far it came.
func (p *Producer) Dump() proto.ProducerDump {
	o := p.cfg.Options
	d := proto.ProducerDump{
		ID: o.ProducerID, Kind: o.Kind, Type: p.kind, RTPParameters: o.RTPParameters, RTPMapping: o.RTPMapping,
		RTPStreams: []proto.RTPStreamDump{}, TraceEventTypes: []string{}, Paused: p.paused,
	}
	d.RTPParameters.Encodings = p.dumpEncodings()
	for i := range p.encodings {
		if e := &p.encodings[i]; e.recv != nil { // streams exist from their first packet on
			d.RTPStreams = append(d.RTPStreams, e.dump())
		}
	}
	for i, name := range traceNames {
		if p.traces&(1<<i) != 0 {
			d.TraceEventTypes = append(d.TraceEventTypes, name)
		}
	}
	return d
}

// dumpEncodings names the codec of every encoding, the first one where none was given.
func (p *Producer) dumpEncodings() []proto.RTPEncodingParameters {
	list := make([]proto.RTPEncodingParameters, len(p.encodings))
	for i := range p.encodings {
		list[i] = *p.encodings[i].params
		if list[i].CodecPayloadType == nil {
			list[i].CodecPayloadType = &p.payloads.first().payloadType
		}
	}
	return list
}

// first is the first codec that is not RTX.
func (t *payloads) first() *payload {
	for i := range t.list {
		if t.list[i].repeats == nil {
			return &t.list[i]
		}
	}
	return nil // newPayloads does not let it happen
}

// dump tells how the stream is set up, retransmissions included if there are any.
func (e *encoding) dump() proto.RTPStreamDump {
	pay, cname := e.payload, e.producer.Parameters().RTCP.CNAME
	d := proto.RTPStreamDump{Score: e.recv.Score(), Params: proto.RTPStreamParams{
		EncodingIdx: e.index, SSRC: e.ssrc, PayloadType: pay.payloadType, MimeType: pay.mime, ClockRate: pay.clockRate,
		RID: e.params.RID, CNAME: cname, UseNACK: pay.nack, UsePLI: pay.pli, UseFIR: pay.fir, UseInBandFEC: pay.inBandFEC,
		UseDTX: pay.dtx || isTrue(e.params.DTX), SpatialLayers: e.layers.Spatial, TemporalLayers: e.layers.Temporal,
	}}
	if e.rtxSSRC != 0 && pay.rtx != 0 {
		d.Params.RTXSSRC, d.Params.RTXPayloadType = e.rtxSSRC, pay.rtx
		d.RTXStream = &proto.RTXStreamDump{Params: proto.RTXStreamParams{
			SSRC: e.rtxSSRC, PayloadType: pay.rtx, MimeType: rtxOf(pay.mime), ClockRate: pay.clockRate, RRID: e.params.RID, CNAME: cname,
		}}
	}
	return d
}

// rtxOf is the MIME type of a codec's retransmissions.
func rtxOf(mime string) string {
	kind, _, _ := strings.Cut(mime, "/")
	return kind + "/rtx"
}

// Stats tells what every stream that was seen counted.
func (p *Producer) Stats(now time.Time) []proto.RTPStreamStats {
	list := []proto.RTPStreamStats{}
	for i := range p.encodings {
		if e := &p.encodings[i]; e.recv != nil {
			list = append(list, e.stats(now))
		}
	}
	return list
}

// StreamStats does so for the stream known by a mapped SSRC, or returns false before its first packet.
func (p *Producer) StreamStats(now time.Time, ssrc uint32) (proto.RTPStreamStats, bool) {
	if e := p.mapped(ssrc); e != nil && e.recv != nil {
		return e.stats(now), true
	}
	return proto.RTPStreamStats{}, false
}

// stats puts what stream and encoding counted under the names of the protocol.
func (e *encoding) stats(now time.Time) proto.RTPStreamStats {
	s := e.recv.Stats(now)
	return proto.RTPStreamStats{
		Type: "inbound-rtp", Timestamp: now.UnixMilli(), SSRC: e.ssrc, RTXSSRC: e.rtxSSRC, RID: e.params.RID,
		Kind: e.producer.Kind(), MimeType: e.payload.mime, PacketsLost: s.PacketsLost, FractionLost: s.FractionLost,
		Jitter: s.Jitter, PacketsDiscarded: s.PacketsDiscarded, PacketsRetransmitted: s.PacketsRetransmitted,
		PacketsRepaired: s.PacketsRepaired, NACKCount: s.NACKs, NACKPacketCount: s.NACKPackets, PLICount: e.plis, FIRCount: e.firs,
		RoundTripTime: milliseconds(s.RoundTripTime), RTXPacketsDiscarded: s.RTXDiscarded, Score: s.Score,
		PacketCount: s.Packets, ByteCount: s.Bytes, Bitrate: s.Bitrate, BitrateByLayer: e.bitrateByLayer(now),
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// bitrateByLayer names layers "spatial.temporal"; those that carried nothing in the last second are left out.
func (e *encoding) bitrateByLayer(now time.Time) *proto.LayerBitrates {
	rates := make(proto.LayerBitrates, len(e.rates))
	for i := range e.rates {
		if rate := e.rates[i].Bitrate(now); rate > 0 {
			rates[fmt.Sprintf("%d.%d", i/e.layers.Temporal, i%e.layers.Temporal)] = rate
		}
	}
	return &rates
}

var _ stream.Owner = (*encoding)(nil)
