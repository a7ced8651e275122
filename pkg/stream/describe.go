package stream

import (
	"encoding/binary"

	"gazpacho/pkg/rtp"
)

// DescribePacket tells what trace events tell about a packet, under mediasoup's keys.
func DescribePacket(p *rtp.Packet) map[string]any {
	d := map[string]any{
		"payloadType": p.PayloadType, "sequenceNumber": p.SequenceNumber, "timestamp": p.Timestamp, "marker": p.Marker,
		"ssrc": p.SSRC, "isKeyFrame": p.Frame.KeyFrame, "size": len(p.Raw), "payloadSize": len(p.Payload),
		"spatialLayer": p.Frame.Spatial, "temporalLayer": p.Frame.Temporal,
	}
	for e, key := range map[rtp.Extension]string{rtp.ExtMID: "mid", rtp.ExtRID: "rid", rtp.ExtRepairedRID: "rrid"} {
		if v := p.Extension(e); v != nil {
			d[key] = string(v)
		}
	}
	if v := p.Extension(rtp.ExtTransportCC); len(v) == 2 {
		d["wideSequenceNumber"] = binary.BigEndian.Uint16(v)
	}
	return d
}
