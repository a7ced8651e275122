package transport

import (
	"time"

	"gazpacho/pkg/bwe"
	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// incoming is what the transport tells the peer about the bandwidth of what it sends: transport-cc feedback if a producer negotiated that, else
// REMB from our own estimate. A ceiling set by the application is told by REMB in either case.
type incoming struct {
	feedback  *bwe.Feedback  // nil unless transport-cc is negotiated
	estimator *bwe.Estimator // nil unless REMB is, and no transport-cc
	limit     *bwe.Limit     // nil until a ceiling is set
}

// negotiate starts what a producer's parameters ask for.
func (in *incoming) negotiate(m *media, params *proto.RTPParameters) {
	switch {
	case in.feedback != nil:
	case m.ids[rtp.ExtTransportCC] != 0 && hasFeedback(params, "transport-cc"):
		in.feedback = bwe.NewFeedback(bwe.FeedbackConfig{SenderSSRC: receiverSSRC, Timers: m.env.Timers, Send: m.SendRTCP})
		in.estimator = nil // the peer estimates for all of its streams now
	case in.estimator == nil && m.ids[rtp.ExtAbsSendTime] != 0 && hasFeedback(params, "goog-remb"):
		in.estimator = bwe.NewEstimator(receiverSSRC, m.SendRTCP)
		in.estimator.SetMaxBitrate(m.limits.maxIncoming)
	}
}

// setMax tells the peer of a ceiling in bit/s; 0 lifts it.
func (in *incoming) setMax(m *media, bitrate int) {
	if in.limit == nil {
		in.limit = bwe.NewLimit(receiverSSRC, m.SendRTCP)
	}
	in.limit.Set(bitrate)
	if in.estimator != nil {
		in.estimator.SetMaxBitrate(bitrate)
	}
}

// arrived takes note of an authenticated packet.
func (in *incoming) arrived(now time.Time, p *rtp.Packet) {
	switch {
	case in.feedback != nil:
		if v := p.Extension(rtp.ExtTransportCC); len(v) == 2 {
			in.feedback.Arrived(now, p.SSRC, uint16(v[0])<<8|uint16(v[1]))
		}
	case in.estimator != nil:
		if v := p.Extension(rtp.ExtAbsSendTime); len(v) == 3 {
			in.estimator.Arrived(now, p.SSRC, uint32(v[0])<<16|uint32(v[1])<<8|uint32(v[2]), len(p.Raw))
		}
		return // it tells ceilings together with its estimates
	}
	if in.limit != nil {
		in.limit.Arrived(now)
	}
}

// available is our estimate in bit/s, 0 where the peer estimates.
func (in *incoming) available() int {
	if in.estimator == nil {
		return 0
	}
	return in.estimator.Bitrate()
}

// loss is the fraction of packets lost on the way from the peer, nil where it is not reported.
func (in *incoming) loss() *float64 {
	if in.feedback == nil {
		return nil
	}
	loss := in.feedback.Loss()
	return &loss
}

func (in *incoming) close() {
	if in.feedback != nil {
		in.feedback.Close()
	}
}

func hasFeedback(params *proto.RTPParameters, kind string) bool {
	for _, c := range params.Codecs {
		for _, f := range c.RTCPFeedback {
			if f.Type == kind {
				return true
			}
		}
	}
	return false
}
