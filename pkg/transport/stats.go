package transport

import (
	"time"

	"gazpacho/pkg/ice"
	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// stats fills what all transports count.
func (m *media) stats(now time.Time, kind string, checks ice.Drops) proto.TransportStats {
	t := &m.meters
	s := proto.TransportStats{
		Type:             kind,
		TransportID:      m.id,
		Timestamp:        now.UnixMilli(),
		PacketsReceived:  t.counts.packetsIn,
		PacketsSent:      t.counts.packetsOut,
		BytesReceived:    t.in.bytes,
		RecvBitrate:      t.in.rate.Bitrate(now),
		BytesSent:        t.out.bytes,
		SendBitrate:      t.out.rate.Bitrate(now),
		RTPBytesReceived: t.rtpIn.bytes,
		RTPRecvBitrate:   t.rtpIn.rate.Bitrate(now),
		RTPBytesSent:     t.rtpOut.bytes,
		RTPSendBitrate:   t.rtpOut.rate.Bitrate(now),
		RTXBytesReceived: t.rtxIn.bytes,
		RTXRecvBitrate:   t.rtxIn.rate.Bitrate(now),
		RTXBytesSent:     t.rtxOut.bytes,
		RTXSendBitrate:   t.rtxOut.rate.Bitrate(now),

		ProbationBytesSent:    t.probation.bytes,
		ProbationSendBitrate:  t.probation.rate.Bitrate(now),
		RTPPacketLossReceived: m.incoming.loss(),
		RTPPacketLossSent:     m.outgoing.loss(),

		STUNReceived:        t.counts.in[protocolSTUN],
		DTLSReceived:        t.counts.in[protocolDTLS],
		RTPPacketsReceived:  t.counts.in[protocolRTP],
		RTXPacketsReceived:  t.counts.in[protocolRTX],
		RTCPPacketsReceived: t.counts.in[protocolRTCP],
		SCTPReceived:        t.counts.in[protocolSCTP],

		AvailableOutgoingBitrate: present(m.outgoing.bitrate()),
		AvailableIncomingBitrate: present(m.incoming.available()),
		MaxIncomingBitrate:       present(m.limits.maxIncoming),
		MaxOutgoingBitrate:       present(m.limits.maxOutgoing),
		MinOutgoingBitrate:       present(m.limits.minOutgoing),
		Drops:                    (&tally{drops: m.drops, verdicts: m.verdicts, ice: checks}).table(),
	}
	if m.messages != nil {
		s.SCTPState = m.messages.state
	}
	return s
}

// present makes 0 absent.
func present(v int) *int {
	if v == 0 {
		return nil
	}
	return &v
}

func (m *media) extensionsDump() proto.RecvRTPHeaderExtensions {
	return proto.RecvRTPHeaderExtensions{
		MID:               m.ids[rtp.ExtMID],
		RID:               m.ids[rtp.ExtRID],
		RRID:              m.ids[rtp.ExtRepairedRID],
		AbsSendTime:       m.ids[rtp.ExtAbsSendTime],
		TransportWideCC01: m.ids[rtp.ExtTransportCC],
	}
}

// dump fills what all transports show.
func (m *media) dump() proto.TransportDump {
	d := proto.TransportDump{
		ID:                   m.id,
		ProducerIDs:          []string{},
		ConsumerIDs:          []string{},
		MapSSRCConsumerID:    []proto.SSRCValue{},
		MapRTXSSRCConsumerID: []proto.SSRCValue{},
		DataProducerIDs:      []string{},
		DataConsumerIDs:      []string{},
		RTPListener:          m.listener.dump(),
		TraceEventTypes:      append([]string{}, m.traces...),

		RecvRTPHeaderExtensions: m.extensionsDump(),
	}
	if m.messages != nil {
		m.messages.addToDump(&d)
	}
	for _, p := range m.producers {
		d.ProducerIDs = append(d.ProducerIDs, p.ID())
	}
	for _, c := range m.consumers {
		d.ConsumerIDs = append(d.ConsumerIDs, c.ID())
		for _, lane := range c.Lanes() {
			d.MapSSRCConsumerID = append(d.MapSSRCConsumerID, proto.SSRCValue{Key: lane.SSRC(), Value: c.ID()})
			if ssrc := lane.RTXSSRC(); ssrc != 0 {
				d.MapRTXSSRCConsumerID = append(d.MapRTXSSRCConsumerID, proto.SSRCValue{Key: ssrc, Value: c.ID()})
			}
		}
	}
	return d
}
