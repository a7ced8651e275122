package room

import (
	"context"

	"gazpacho/pkg/auth"
)

// closer is what the worker has to be told of after the room has forgotten it.
type closer interface{ Close() }

// SetGrant renews what the peer may do. The grant must be for the same room and peer. What it does not allow any more ends, and the
// client is told; what it newly allows to receive is offered.
func (p *Peer) SetGrant(g auth.Grant) error {
	r := p.room
	if err := r.rooms.coversMember(g, r.id, p.id); err != nil {
		return err
	}
	r.mu.Lock()
	if p.left {
		r.mu.Unlock()
		return errLeft(p.id)
	}
	received := p.held(toReceive)
	p.grant = &g
	ended := p.revoke()
	p.refreshTURN()
	if !received && p.joined {
		p.offeredAll()
	}
	var transports []*transport
	for _, id := range p.order {
		transports = append(transports, p.transports[id])
	}
	r.mu.Unlock()
	for _, e := range ended {
		e.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), workerTimeout)
	defer cancel()
	for _, t := range transports {
		if err := p.limitIncoming(ctx, t, p.maxIncomingBitrate); err != nil && !t.Closed() {
			return err
		}
	}
	return nil
}

// revoke takes away what the grant does not allow (any more) and returns what to close. The room is locked.
func (p *Peer) revoke() []closer {
	var ended []closer
	for _, producer := range p.producers {
		if !p.held(toPublish(producer.Kind())) {
			p.room.endProducer(producer, reasonGrant)
			ended = append(ended, producer)
		}
	}
	if !p.held(toMessage) {
		for _, d := range p.dataProducers {
			p.dropData(d)
			ended = append(ended, d)
		}
	}
	if p.held(toReceive) {
		return ended
	}
	p.withdrawOffers()
	for id, c := range p.consumers {
		p.dropConsumer(c)
		p.client.Notify("consumerClosed", named(id))
		ended = append(ended, c)
	}
	for _, d := range p.dataConsumers {
		p.dropDataConsumer(d, true)
		ended = append(ended, d)
	}
	return ended
}
