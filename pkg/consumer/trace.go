package consumer

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
)

// traceNames are in the order of the bits.
var traceNames = [...]string{"rtp", "keyframe", "nack", "pli", "fir"}

// EnableTraceEvent replaces the set of trace events. Names that are not known are ignored, as mediasoup's libraries do.
func (c *Consumer) EnableTraceEvent(types []string) {
	c.traces = 0
	for _, t := range types {
		for i, name := range traceNames {
			if t == name {
				c.traces |= 1 << i
			}
		}
	}
}

// trace sends a trace event up if its type is on.
func (c *Consumer) trace(now time.Time, t traces, direction string, info map[string]any) {
	if c.traces&t == 0 {
		return
	}
	if info == nil { // of a NACK there is nothing to say
		info = map[string]any{}
	}
	for i, name := range traceNames {
		if t == 1<<i {
			c.notify(proto.EventConsumerTrace, proto.TraceEvent{
				Type: name, Timestamp: now.UnixMilli(), Direction: direction, Info: info,
			})
		}
	}
}

// tracePacket describes a packet as it was sent.
func (c *Consumer) tracePacket(now time.Time, p *rtp.Packet, h *rtp.Header) {
	if c.traces&(traceRTP|traceKeyFrame) == 0 {
		return
	}
	d := stream.DescribePacket(p)
	d["ssrc"], d["payloadType"], d["sequenceNumber"], d["timestamp"] = h.SSRC, h.PayloadType, h.SequenceNumber, h.Timestamp
	info := map[string]any{"rtpPacket": d, "isRtx": h.IsRTX}
	if p.Frame.KeyFrame {
		c.trace(now, traceKeyFrame, "out", info)
	}
	c.trace(now, traceRTP, "out", info)
}
