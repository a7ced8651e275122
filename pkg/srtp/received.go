package srtp

// MaxReceivedStreams bounds the SSRCs of which a session keeps receive state, about 220 bytes each. Only a peer that
// knows the keys can add one; when there are too many, the one that was silent longest makes room. That one loses its
// rollover counter, so the bound lies far above what a transport lets a peer send at a time.
const MaxReceivedStreams = 256

// receivedStream is what we know of one SSRC that we receive, RTP and RTCP.
type receivedStream struct {
	rtpHighest  int64
	rtcpHighest int64
	rtpBits     [rtpWindow / 64]uint64
	rtcpBits    [rtcpWindow / 64]uint64
	prefix      prefix
	heardAt     uint64 // in accepted packets
}

// newReceivedStream adds the state of an SSRC after one of its packets was authenticated.
func (s *Session) newReceivedStream(ssrc uint32) *receivedStream {
	var stream *receivedStream
	if len(s.received) >= MaxReceivedStreams {
		stream = s.evict()
	} else {
		stream = new(receivedStream)
	}
	*stream = receivedStream{rtpHighest: none, rtcpHighest: none}
	s.received[ssrc] = stream
	return stream
}

// evict removes the stream that was silent longest and returns its memory.
func (s *Session) evict() *receivedStream {
	var (
		silent *receivedStream
		ssrc   uint32
	)
	for k, v := range s.received {
		if silent == nil || v.heardAt < silent.heardAt {
			silent, ssrc = v, k
		}
	}
	delete(s.received, ssrc)
	return silent
}

func (s *Session) heard(stream *receivedStream) {
	s.accepted++
	stream.heardAt = s.accepted
}
