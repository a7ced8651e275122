package bwe

import "time"

// prober decides when to probe and how high: at the start, periodically while more is wanted, and after a large drop.
type prober struct {
	cluster  cluster
	next     uint8         // id of the next cluster
	target   float64       // wanted next, 0 is none
	begun    bool          // the first cluster was sent
	at       time.Time     // of the next periodic one
	interval time.Duration // between those

	raisedAt  time.Time // when a probe last raised the estimate
	droppedAt time.Time // when a large drop was seen; zero once that was seen to
	fellAt    time.Time // when any decrease was seen
	before    float64   // the estimate before a drop
}

// choose returns the bitrate to probe at, 0 if now is not the time. start is where the estimate began, most what is of use at all.
func (p *prober) choose(now time.Time, estimate, start, most float64) float64 {
	target := 0.0
	switch {
	case p.target > 0:
		target = p.target
	case !p.begun:
		target = probeFirst * start
	case !p.droppedAt.IsZero() && now.Sub(p.droppedAt) >= dropPause:
		target = dropReturn * p.before
		p.droppedAt = time.Time{}
	case !now.Before(p.at):
		target = probeFactor * estimate
	}
	target = min(target, most)
	if target <= estimate*1.05 {
		p.target = 0
		return 0
	}
	return target
}

// begin starts a cluster.
func (p *prober) begin(now time.Time, sent time.Duration, target float64) {
	p.next = max(p.next+1, 1)
	p.cluster = cluster{id: p.next, target: target, sending: true, begunAt: sent}
	p.begun, p.target = true, 0
	if p.interval == 0 {
		p.interval = probeInterval
	}
	p.at = now.Add(p.interval)
}

// found takes what a cluster found and tells whether it raises the estimate.
func (p *prober) found(now time.Time, bitrate, estimate float64) bool {
	target := p.cluster.target
	p.cluster = cluster{}
	if bitrate <= estimate {
		p.failed(now)
		return false
	}
	p.raisedAt, p.interval = now, probeInterval
	p.at = now.Add(p.interval)
	if bitrate >= probeFurther*target {
		p.target = probeFactor * bitrate
	}
	return true
}

// failed makes probes rarer: they cost the peer, and whoever shares the path, a moment of delay.
func (p *prober) failed(now time.Time) {
	p.interval = min(2*max(p.interval, probeInterval), probeIntervalMax)
	p.at, p.target = now.Add(p.interval), 0
}

// fell takes note of a decrease. One right after a probe means that the probe saw too much.
func (p *prober) fell(now time.Time, before, after float64) {
	p.target = 0
	if !p.raisedAt.IsZero() && now.Sub(p.raisedAt) < probeInterval {
		p.failed(now)
		p.raisedAt = time.Time{}
		return
	}
	if p.fellAt.IsZero() || now.Sub(p.fellAt) > dropPause {
		p.before = before // else it is one drop, in steps
	}
	p.fellAt = now
	if after < dropLarge*p.before {
		p.droppedAt = now
	}
}
