package transport

import "gazpacho/proto"

// limits are bitrates in bit/s; 0 is none.
type limits struct {
	maxIncoming, maxOutgoing, minOutgoing int
}

// SetMaxIncomingBitrate limits what the peer may send, by REMB; 0 lifts the limit.
func (m *media) SetMaxIncomingBitrate(bitrate int) *proto.Error {
	if bitrate < 0 {
		return proto.BadField("maxIncomingBitrate", "%d is negative", bitrate)
	}
	m.limits.maxIncoming = bitrate
	m.incoming.setMax(m, bitrate)
	return nil
}

// SetMaxOutgoingBitrate limits the estimate of what the peer can take; 0 lifts the limit.
func (m *media) SetMaxOutgoingBitrate(bitrate int) *proto.Error {
	if err := checkBitrate("maxOutgoingBitrate", bitrate); err != nil {
		return err
	}
	if bitrate != 0 && bitrate < m.limits.minOutgoing {
		return proto.BadField("maxOutgoingBitrate", "%d is below minOutgoingBitrate, %d", bitrate, m.limits.minOutgoing)
	}
	m.limits.maxOutgoing = bitrate
	m.outgoing.limit()
	return nil
}

// SetMinOutgoingBitrate is the floor of that estimate; 0 lifts it.
func (m *media) SetMinOutgoingBitrate(bitrate int) *proto.Error {
	if err := checkBitrate("minOutgoingBitrate", bitrate); err != nil {
		return err
	}
	if bitrate != 0 && m.limits.maxOutgoing != 0 && bitrate > m.limits.maxOutgoing {
		return proto.BadField("minOutgoingBitrate", "%d is above maxOutgoingBitrate, %d", bitrate, m.limits.maxOutgoing)
	}
	m.limits.minOutgoing = bitrate
	m.outgoing.limit()
	return nil
}

func checkBitrate(field string, bitrate int) *proto.Error {
	if bitrate < 0 || (bitrate > 0 && bitrate < proto.MinBitrate) {
		return proto.BadField(field, "%d is not 0 or at least %d bit/s", bitrate, proto.MinBitrate)
	}
	return nil
}
