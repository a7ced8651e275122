package consumer

import (
	"slices"
	"time"

	"gazpacho/proto"
)

// TransportConnected says that media can be sent.
func (c *Consumer) TransportConnected(now time.Time) {
	c.connected = true
	c.activate(now)
}

// TransportDisconnected takes TransportConnected back.
func (c *Consumer) TransportDisconnected(now time.Time) {
	c.connected = false
	c.activate(now)
}

// Pause stops forwarding on behalf of the peer.
func (c *Consumer) Pause(now time.Time) {
	c.paused = true
	c.activate(now)
}

// Resume takes Pause back.
func (c *Consumer) Resume(now time.Time) {
	c.paused = false
	c.activate(now)
}

// ProducerPaused tells the controller and stops forwarding.
func (c *Consumer) ProducerPaused(now time.Time) {
	if c.producerPaused || c.closed {
		return
	}
	c.producerPaused = true
	c.activate(now) // layers go before the reason is told
	c.notify(proto.EventConsumerProducerPause, nil)
}

// ProducerResumed takes ProducerPaused back.
func (c *Consumer) ProducerResumed(now time.Time) {
	if !c.producerPaused || c.closed {
		return
	}
	c.producerPaused = false
	c.activate(now)
	c.notify(proto.EventConsumerProducerResume, nil)
}

// ProducerClosed ends the consumer and tells the controller.
func (c *Consumer) ProducerClosed(now time.Time) {
	if c.closed {
		return
	}
	c.notify(proto.EventConsumerProducerClose, nil)
	c.Close(now)
	if c.cfg.ProducerClosed != nil {
		c.cfg.ProducerClosed(now, c)
	}
}

// Close ends the consumer without telling anybody.
func (c *Consumer) Close(now time.Time) {
	c.closed, c.active = true, false
	c.stop(now)
	c.selector.changed(now)
}

// stop forwards nothing until the next key frame.
func (c *Consumer) stop(now time.Time) {
	c.current = none
	c.askedAt = time.Time{}
	c.rewriter.Suspend(now)
}

// ProducerStream begins anew with a stream that did. Its packets speak other numbers now.
func (c *Consumer) ProducerStream(now time.Time, ssrc uint32) {
	i := c.index(ssrc)
	if i == none || c.closed {
		return
	}
	c.rewriter.Forget(now, uint8(i)) // old numbers must not lead to new packets
	c.timeline.restarted(i)
	if c.current == i {
		c.stop(now)
	}
	c.selector.changed(now)
	c.demand(now, false)
}

// ProducerScore takes note of streams that came alive or died, and tells the controller.
func (c *Consumer) ProducerScore(now time.Time) {
	if c.closed {
		return
	}
	c.selector.changed(now)
	c.scored()
	c.demand(now, false)
}

// activate finds out whether packets are to be forwarded. They begin with a key frame.
func (c *Consumer) activate(now time.Time) {
	if ready := c.ready(); ready != c.wasReady {
		c.wasReady, c.allocation.starved = ready, false
		c.demand(now, ready)
	}
	active := c.wasReady && !c.allocation.starved
	if active == c.active {
		return
	}
	c.active = active
	c.stop(now)
	c.selector.changed(now)
	if active {
		c.ask(now)
	}
}

// Score rates our sending, the stream being forwarded and all streams of the source.
func (c *Consumer) Score() proto.ConsumerScore {
	s := proto.ConsumerScore{Score: c.send.Score(), ProducerScores: make([]int, len(c.streams))}
	for i, ssrc := range c.streams {
		if r := c.cfg.Source.Stream(ssrc); r != nil {
			s.ProducerScores[i] = int(r.Score())
		}
	}
	if i := c.selector.want(); i != none {
		s.ProducerScore = uint8(s.ProducerScores[i])
	}
	return s
}

// scored tells the controller if the score is not what it was.
func (c *Consumer) scored() {
	s, was := c.Score(), c.score
	if s.Score == was.Score && s.ProducerScore == was.ProducerScore && slices.Equal(s.ProducerScores, was.ProducerScores) {
		return
	}
	c.score = s
	c.notify(proto.EventConsumerScore, s)
}

func (c *Consumer) notify(event string, body any) {
	c.cfg.Events.Emit(c.ID(), proto.Event{Name: event, Body: body})
}
