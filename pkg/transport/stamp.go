package transport

import (
	"time"

	"gazpacho/pkg/rtp"
)

// keptStamps is of how many packets of a stream the stamps are kept: ten seconds of audio, which is what lacks RTX.
const keptStamps = 512

// stamps are those of the last packets of every stream without RTX that its receiver may ask to have repeated, by SSRC. A repetition
// must be the same to the bit, or SRTP would have to encrypt two packets under one index.
type stamps map[uint32]*[keptStamps]stamped

// stamped is what a packet's extensions said about the moment of sending.
type stamped struct {
	rtp.Stamp
	sequenceNumber uint16
}

// stamp makes what a packet's extensions say about the moment of sending, or finds what they said the first time. Of a packet that is not
// kept any more it finds nothing, and SRTP refuses the other bits.
func (m *media) stamp(now time.Time, h *rtp.Header) (s rtp.Stamp) {
	if h.Again {
		if ring := m.stamps[h.SSRC]; ring != nil && ring[h.SequenceNumber%keptStamps].sequenceNumber == h.SequenceNumber {
			s = ring[h.SequenceNumber%keptStamps].Stamp
		}
		return s
	}
	if h.IDs != nil {
		if h.IDs[rtp.ExtTransportCC] != 0 {
			m.transportCC++
			s.TransportCC = m.transportCC
		}
		if h.IDs[rtp.ExtAbsSendTime] != 0 {
			s.AbsSendTime = rtp.AbsSendTime(now)
		}
	}
	if h.Keep {
		m.keep(h, s)
	}
	return s
}

func (m *media) keep(h *rtp.Header, s rtp.Stamp) {
	ring := m.stamps[h.SSRC]
	if ring == nil {
		ring = new([keptStamps]stamped)
		m.stamps[h.SSRC] = ring
		m.path.allowAgain(h.SSRC)
	}
	ring[h.SequenceNumber%keptStamps] = stamped{s, h.SequenceNumber}
}
