package consumer

import (
	"time"

	"gazpacho/proto"
)

// EnableTraceEvent replaces the set of trace events.
func (p *Pipe) EnableTraceEvent(types []string) {
	p.each(func(c *Consumer) { c.EnableTraceEvent(types) })
}

// SetPreferredLayers does nothing: all layers are forwarded.
func (p *Pipe) SetPreferredLayers(_ time.Time, l proto.ConsumerLayers) (proto.SetPreferredLayersResult, *proto.Error) {
	return proto.SetPreferredLayersResult{}, refused(&l)
}

// SetPriority notes the priority, which nothing depends on: nobody estimates what a pipe can take.
func (p *Pipe) SetPriority(priority int) (proto.SetPriorityResult, *proto.Error) {
	return p.lanes[0].SetPriority(priority)
}

// Result answers the request that made the pipe.
func (p *Pipe) Result() proto.ConsumeResult {
	return proto.ConsumeResult{Paused: p.paused, ProducerPaused: p.producerPaused, Score: p.score()}
}

// score rates nothing but the streams of the source.
func (p *Pipe) score() proto.ConsumerScore {
	return proto.ConsumerScore{Score: pipeScore, ProducerScore: pipeScore, ProducerScores: p.scores}
}

func (p *Pipe) producerScores() []int {
	scores := make([]int, len(p.lanes))
	for i, c := range p.lanes {
		scores[i] = c.Score().ProducerScores[0]
	}
	return scores
}

// Dump tells what the pipe is and how far it came, a stream for each lane.
func (p *Pipe) Dump() proto.ConsumerDump {
	o := p.cfg.Options
	d := p.lanes[0].Dump()
	d.Type, d.ConsumableRTPEncodings = o.Type, o.ConsumableRTPEncodings
	d.RTPParameters.Encodings, d.RTPStreams, d.RTPStream = nil, nil, nil
	for i, c := range p.lanes {
		lane := c.Dump()
		lane.RTPStreams[0].Params.EncodingIdx = i
		d.RTPParameters.Encodings = append(d.RTPParameters.Encodings, lane.RTPParameters.Encodings...)
		d.RTPStreams = append(d.RTPStreams, lane.RTPStreams...)
	}
	return d
}

// Stats tells what was sent, lane by lane.
func (p *Pipe) Stats(now time.Time) []proto.RTPStreamStats {
	list := make([]proto.RTPStreamStats, len(p.lanes))
	for i, c := range p.lanes {
		list[i] = c.Stats(now)[0]
	}
	return list
}
