package transport

import (
	"time"

	"gazpacho/pkg/bwe"
	"gazpacho/pkg/consumer"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// outgoing is what the transport knows of the bandwidth to its peer and does about it: an estimate, from the first video consumer on whose peer reports
// arrivals or estimates itself; padding to find out whether there is more; and layers for the consumers that fit.
type outgoing struct {
	// passed in
	media *media
	cc    bool // by transport-wide feedback; else by REMB

	// owned
	sender  *bwe.Sender          // nil: nobody estimates
	probing *timer.Timer         // next step of a probe
	soon    *timer.Timer         // for consumers whose demand changed
	order   []*consumer.Consumer // scratch

	// state
	ids         rtp.ExtensionIDs // of the video consumers' extensions that padding has
	padding     rtp.Header       // of the last packet of padding
	padded      bool             // there was one
	held        bool             // many consumers change at once
	effective   int              // the desired bitrate, which falls slowly
	desired     int              // of all consumers, bit/s
	available   int              // at the last allocation
	used        int              // by the last allocation
	allocatedAt time.Time
	again       allowance
}

func (o *outgoing) init(m *media) {
	o.media = m
	o.probing = m.env.Timers.New(o.probe)
	o.soon = m.env.Timers.New(o.allocate)
}

// stop ends what would happen by itself.
func (o *outgoing) stop() {
	o.probing.Stop()
	o.soon.Stop()
}

// negotiate begins to estimate if a video consumer's peer makes it possible (API: for video consumers only). Transport-wide feedback is better than
// REMB, so it stays once it is there.
func (o *outgoing) negotiate(c *proto.Consume) {
	m, params := o.media, &c.RTPParameters
	if c.Kind != proto.Video || c.Type == proto.Pipe || m.kind == kindDirect || o.cc {
		return
	}
	var ids rtp.ExtensionIDs
	for _, h := range params.HeaderExtensions {
		switch e, ok := rtp.ExtensionOf(h.URI); {
		case ok && (e == rtp.ExtMID || e == rtp.ExtAbsSendTime || e == rtp.ExtTransportCC):
			ids[e] = uint8(h.ID)
		}
	}
	switch {
	case ids[rtp.ExtTransportCC] != 0 && hasFeedback(params, "transport-cc"):
		o.cc = true
	case o.sender == nil && ids[rtp.ExtAbsSendTime] != 0 && hasFeedback(params, "goog-remb"):
	default:
		return
	}
	o.ids = ids
	start := m.available
	if start == 0 {
		start = defaultAvailable
	}
	o.sender = bwe.NewSender(bwe.SenderConfig{Start: start, Feedback: o.cc})
	o.limit()
}

// limit applies the application's limits. Layers follow with the next report.
func (o *outgoing) limit() {
	if o.sender != nil {
		o.sender.SetLimits(o.media.limits.minOutgoing, o.media.limits.maxOutgoing)
		o.allocatedAt = time.Time{}
	}
}

// sent takes note of a packet that went out, of size bytes after encryption.
func (o *outgoing) sent(now time.Time, h *rtp.Header, stamp rtp.Stamp, size int) {
	switch {
	case !o.cc:
		o.sender.Passed(size)
	case h.IDs != nil && h.IDs[rtp.ExtTransportCC] != 0 && !h.Again:
		o.sender.Sent(now, stamp.TransportCC, size)
	}
}

// allowance is what may be sent again: a path that drops what does not fit is not to be filled with what it dropped.
type allowance struct {
	bytes float64
	at    time.Time
}

// againShare is the part of the estimate that retransmissions may take, and againSaved for how long it is saved up.
const (
	againShare = 0.5
	againSaved = time.Second
)

// affords takes size bytes from the allowance, or returns false if there are not so many.
func (o *outgoing) affords(now time.Time, size int) bool {
	a, rate := &o.again, againShare/8*float64(o.sender.Bitrate())
	most := rate * againSaved.Seconds()
	if a.at.IsZero() {
		a.bytes = most
	}
	a.bytes = min(a.bytes+rate*now.Sub(a.at).Seconds(), most)
	a.at = now
	if a.bytes < float64(size) {
		return false
	}
	a.bytes -= float64(size)
	return true
}

// feedback takes the peer's report of what arrived.
func (o *outgoing) feedback(now time.Time, p *rtp.RTCP) {
	if o.sender == nil {
		return
	}
	o.sender.Feedback(now, p.Arrivals())
	o.review(now)
	o.probe(now)
}

// remb takes the peer's own estimate.
func (o *outgoing) remb(now time.Time, bitrate int) {
	if o.sender == nil {
		o.media.available = bitrate
		return
	}
	o.sender.REMB(now, bitrate)
	o.review(now)
}

// reported takes what a receiver report says of loss.
func (o *outgoing) reported(now time.Time, fraction uint8) {
	if o.sender != nil {
		o.sender.Reported(now, fraction)
	}
}

// poll looks after peers that went silent.
func (o *outgoing) poll(now time.Time) {
	if o.sender != nil {
		o.sender.Poll(now)
		o.review(now)
	}
}

// How soon layers are chosen anew after the last time: as a rule, when there is less than they take or much more than there was, and
// at best.
const (
	reviewInterval = time.Second
	reviewLeast    = 100 * time.Millisecond
	reviewFall     = 0.75
	reviewRise     = 1.5
)

// review chooses layers anew when the estimate calls for it.
func (o *outgoing) review(now time.Time) {
	elapsed, available := now.Sub(o.allocatedAt), o.sender.Bitrate()
	switch {
	case elapsed >= reviewInterval:
	case elapsed < reviewLeast:
		return
	case available < min(o.used, o.available), float64(available) < reviewFall*float64(o.available), float64(available) > reviewRise*float64(o.available):
	default:
		return
	}
	o.allocate(now)
	o.trace(now)
}

// bitrate is the estimate within the application's limits, or what stands for it where nobody estimates.
func (o *outgoing) bitrate() int {
	m := o.media
	if o.sender != nil {
		return o.sender.Bitrate()
	}
	bitrate := max(m.available, m.limits.minOutgoing)
	if m.limits.maxOutgoing != 0 {
		bitrate = min(bitrate, m.limits.maxOutgoing)
	}
	return bitrate
}

// loss is the fraction of packets that the peer lost lately, nil where that is not known.
func (o *outgoing) loss() *float64 {
	if o.sender == nil || !o.sender.Heard() {
		return nil
	}
	loss := o.sender.Loss()
	return &loss
}
