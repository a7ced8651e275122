package producer

import (
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
	"gazpacho/proto"
)

// traces is the set of trace events that are on.
type traces uint8

// The types of trace events, a bit each, so that the packet path pays one comparison while they are off.
const (
	traceRTP traces = 1 << iota
	traceKeyFrame
	traceNACK
	tracePLI
	traceFIR
	traceSR
)

// traceNames are in the order of the bits.
var traceNames = [...]string{"rtp", "keyframe", "nack", "pli", "fir", "sr"}

func traceName(t traces) string {
	for i, name := range traceNames {
		if t == 1<<i {
			return name
		}
	}
	return ""
}

// EnableTraceEvent replaces the set of trace events. Names that are not known are ignored, as mediasoup's libraries do.
func (p *Producer) EnableTraceEvent(types []string) {
	p.traces = 0
	for _, t := range types {
		for i, name := range traceNames {
			if t == name {
				p.traces |= 1 << i
			}
		}
	}
}

// trace sends a trace event up if its type is on.
func (p *Producer) trace(now time.Time, t traces, direction string, info map[string]any) {
	if p.traces&t == 0 {
		return
	}
	if info == nil { // of a NACK there is nothing to say
		info = map[string]any{}
	}
	p.cfg.Events.Emit(p.ID(), proto.Event{Name: proto.EventProducerTrace, Body: proto.TraceEvent{
		Type: traceName(t), Timestamp: now.UnixMilli(), Direction: direction, Info: info,
	}})
}

// tracePacket describes a packet as the publisher sent it, a retransmission as what it repeats. Traces allocate; they are for looking, not
// for running.
func (p *Producer) tracePacket(now time.Time, pkt *rtp.Packet, repeated bool) {
	if p.traces&(traceRTP|traceKeyFrame) == 0 {
		return
	}
	info := map[string]any{"rtpPacket": stream.DescribePacket(pkt), "isRtx": repeated}
	if pkt.Frame.KeyFrame {
		p.trace(now, traceKeyFrame, "in", info)
	}
	p.trace(now, traceRTP, "in", info)
}
