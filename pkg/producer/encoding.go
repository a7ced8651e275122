package producer

import (
	"fmt"
	"time"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
	"gazpacho/proto"
)

// How long packets are kept, a stream of a simulcast may be silent, and a replaced SSRC is refused. See pkg/stream/ALGORITHMS.md.
const (
	videoCacheAge = 2 * time.Second
	audioCacheAge = time.Second
	maxSilence    = 1500 * time.Millisecond
	maxSilenceDTX = 5 * time.Second // discontinuous transmission is silent by design
	formerGrace   = 2 * time.Second
)

// A NACK of maxNACK packets fits into maxFeedback bytes, even if it needs a pair of words for each.
const (
	maxNACK     = 256
	maxFeedback = 1200
)

// encoding is one stream of the source. It outlives the SSRC that carries it: a publisher may begin anew under another.
type encoding struct {
	// passed in
	producer *Producer
	index    int
	params   *proto.RTPEncodingParameters
	mapped   uint32 // SSRC by which the router knows the stream
	layers   stream.Layers

	// owned
	recv    *stream.Recv // nil before the first packet
	cache   stream.Cache
	rates   []rtp.RateMeter     // by spatial, then by temporal layer
	depends *codec.Dependencies // nil if the publisher does not describe them

	// state
	payload     *payload // of the last packet
	ssrc        uint32   // of the publisher, 0 before it is known
	rtxSSRC     uint32   // likewise
	former      uint32   // the SSRC before this one, whose stragglers are not welcome until formerUntil
	formerUntil time.Time
	request     request
	plis, firs  uint64
}

// newEncodings makes the streams as they are announced. SSRCs that are not are learned from the first packets.
func (p *Producer) newEncodings() ([]encoding, *proto.Error) {
	o := p.cfg.Options
	age := videoCacheAge
	if o.Kind == proto.Audio {
		age = audioCacheAge
	}
	encodings := make([]encoding, len(o.RTPParameters.Encodings))
	for i := range encodings {
		params, path := &o.RTPParameters.Encodings[i], fmt.Sprintf("rtpParameters.encodings[%d]", i)
		if params.SSRC == 0 && params.RID == "" && len(encodings) > 1 {
			return nil, proto.BadField(path, "one of several encodings needs an SSRC or a RID")
		}
		e := &encodings[i]
		*e = encoding{
			producer: p, index: i, params: params, ssrc: params.SSRC, mapped: o.RTPMapping.Encodings[i].MappedSSRC,
			layers: stream.ParseScalabilityMode(params.ScalabilityMode), cache: stream.NewCache(age),
		}
		if params.RTX != nil {
			e.rtxSSRC = params.RTX.SSRC
		}
		if params.CodecPayloadType != nil {
			if e.payload = p.payloads.of(*params.CodecPayloadType); e.payload == nil || e.payload.repeats != nil {
				return nil, proto.BadField(path+".codecPayloadType", "%d is no media codec's payload type", *params.CodecPayloadType)
			}
		}
		e.layers.Spatial, e.layers.Temporal = min(e.layers.Spatial, maxLayers), min(e.layers.Temporal, maxLayers)
		e.rates = make([]rtp.RateMeter, e.layers.Spatial*e.layers.Temporal)
		if p.ids[rtp.ExtDependencyDescriptor] != 0 {
			e.depends = new(codec.Dependencies)
		}
	}
	return encodings, nil
}

// maxLayers is how many of a kind the codecs can tell apart: SID and TID have three bits in VP9, and no more elsewhere.
const maxLayers = 8

// rate is the meter of a frame's layers.
func (e *encoding) rate(f *rtp.Frame) *rtp.RateMeter {
	spatial, temporal := min(int(f.Spatial), e.layers.Spatial-1), min(int(f.Temporal), e.layers.Temporal-1)
	return &e.rates[spatial*e.layers.Temporal+temporal]
}

// begin makes the encoding a new stream, its first or one that replaces the last. The taps hear of the stream before its first packet, and of
// its score before they decide about it.
func (e *encoding) begin(now time.Time, ssrc uint32, pay *payload) {
	p := e.producer
	if e.recv != nil {
		e.former, e.formerUntil = e.ssrc, now.Add(formerGrace)
		e.recv.Close()
	}
	e.ssrc, e.payload = ssrc, pay
	cfg := stream.RecvConfig{
		Timers:    p.cfg.Timers,
		Owner:     e,
		ClockRate: pay.clockRate,
		NACK:      pay.nack,
		NACKDelay: p.Kind() == proto.Video,
		RTX:       pay.rtx != 0,
	}
	if p.kind == proto.Simulcast {
		cfg.MaxSilence = maxSilence
		if isTrue(e.params.DTX) {
			cfg.MaxSilence = maxSilenceDTX
		}
	}
	e.recv = stream.NewRecv(now, cfg)
	if p.paused {
		e.recv.Pause() // statistics go on, requests do not
	}
	e.restarted(now)
	e.StreamScore(now, e.recv)
}

// isTrue reads an optional flag that is false unless it is said to be true.
func isTrue(flag *bool) bool { return flag != nil && *flag }

// restarted tells the taps that numbers and timestamps mean something new. A key frame that was asked for may never come; who still wants
// one asks again.
func (e *encoding) restarted(now time.Time) {
	e.cache.Clear()
	if e.depends != nil {
		*e.depends = codec.Dependencies{}
	}
	e.request = request{number: e.request.number}
	e.producer.taps.each(func(t Tap) { t.ProducerStream(now, e.mapped) })
}

// StreamMissing sends NACKs.
func (e *encoding) StreamMissing(now time.Time, _ *stream.Recv, sequences []uint16) {
	p := e.producer
	p.cfg.Counters.NACKs += uint64(len(sequences))
	for len(sequences) > 0 {
		n := min(len(sequences), maxNACK)
		var w rtp.RTCPWriter
		w.Reset(p.rtcp)
		w.NACK(p.cfg.SSRC, e.ssrc, sequences[:n])
		p.cfg.Feedback.SendRTCP(now, w.Bytes())
		sequences = sequences[n:]
	}
	p.trace(now, traceNACK, "out", nil)
}

// StreamBroken asks for a key frame: too much is lost to be repaired.
func (e *encoding) StreamBroken(now time.Time, _ *stream.Recv) {
	e.producer.RequestKeyFrame(now, e.mapped)
}

// StreamScore tells controller and taps.
func (e *encoding) StreamScore(now time.Time, _ *stream.Recv) {
	p := e.producer
	p.cfg.Events.Emit(p.ID(), proto.Event{Name: proto.EventProducerScore, Body: p.Score()})
	p.taps.each(func(t Tap) { t.ProducerScore(now) })
}
