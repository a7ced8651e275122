package room

import (
	"context"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// BroadcasterAccess is a broadcaster as one grant may deal with it: every request about it brings its own.
type BroadcasterAccess struct {
	b     *Broadcaster
	grant auth.Grant
}

// Broadcaster finds one, for who has its id or administers the room.
func (r *Room) Broadcaster(g auth.Grant, id string) (BroadcasterAccess, error) {
	if err := r.coversBroadcaster(g, id); err != nil {
		return BroadcasterAccess{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.broadcasters[id]; b != nil {
		if g.CoversPeer(id) {
			b.renew(g)
		}
		return BroadcasterAccess{b, g}, nil
	}
	return BroadcasterAccess{}, proto.NotFound("broadcaster", id)
}

func (r *Room) coversBroadcaster(g auth.Grant, id string) error {
	if g.Admin {
		return r.rooms.covers(g, r.id)
	}
	return r.rooms.coversMember(g, r.id, id)
}

// may refuses what the grant does not allow.
func (a BroadcasterAccess) may(rights ...right) error {
	return a.b.room.rooms.check(a.grant, rights...)
}

// CreateTransport makes a transport: the answer is a PlainTransportInfo or WebRTCTransportInfo.
func (a BroadcasterAccess) CreateTransport(ctx context.Context, o CreateBroadcasterTransport) (any, error) {
	if err := a.may(toTakePart); err != nil {
		return nil, err
	}
	most := a.b.room.maxIncomingBitrate(a.grant)
	made, err := a.b.createTransport(ctx, o, func() int { return most })
	if info, ok := made.(WebRTCTransportInfo); ok {
		info.ICEServers = a.b.iceServers(a.grant, info.ICECandidates)
		return info, err
	}
	return made, err
}

// ConnectTransport gives a transport its peer.
func (a BroadcasterAccess) ConnectTransport(ctx context.Context, id string, o ConnectBroadcasterTransport) error {
	if err := a.may(toTakePart); err != nil {
		return err
	}
	t, err := a.b.transport(id)
	switch {
	case err != nil:
		return err
	case t.plain != nil:
		return t.plain.Connect(ctx, proto.ConnectPlainTransport{IP: o.IP, Port: o.Port, RTCPPort: o.RTCPPort})
	case o.DTLSParameters == nil:
		return proto.BadField("dtlsParameters", "is missing")
	}
	return t.webrtc.Connect(ctx, *o.DTLSParameters)
}

// Produce begins to send something to the peers.
func (a BroadcasterAccess) Produce(ctx context.Context, o Produce) (Created, error) {
	if err := a.b.room.rooms.checkKind(a.grant, o.Kind); err != nil {
		return Created{}, err
	}
	return a.b.produce(ctx, o, nil)
}

// Consume begins to receive a producer of the room.
func (a BroadcasterAccess) Consume(ctx context.Context, transportID, producerID string) (BroadcasterConsumer, error) {
	if err := a.may(toReceive); err != nil {
		return BroadcasterConsumer{}, err
	}
	b := a.b
	t, err := b.transport(transportID)
	if err != nil {
		return BroadcasterConsumer{}, err
	}
	if b.capabilities == nil {
		return BroadcasterConsumer{}, proto.InvalidState("broadcaster %q has no rtpCapabilities", b.id)
	}
	if _, err := find(&b.member, b.room.producers, "producer", producerID); err != nil {
		return BroadcasterConsumer{}, err
	}
	s, err := b.take(consumerQuota)
	if err != nil {
		return BroadcasterConsumer{}, err
	}
	c, err := t.Consume(ctx, control.ConsumerOptions{
		ProducerID: producerID, RTPCapabilities: *b.capabilities, Closed: func(control.Reason) { b.giveBack(s) },
	})
	if err != nil {
		b.giveBack(s)
		return BroadcasterConsumer{}, err
	}
	return BroadcasterConsumer{
		ID: c.ID(), ProducerID: c.ProducerID(), Kind: c.Kind(), RTPParameters: c.RTPParameters(), Type: c.Type(),
	}, nil
}

// BroadcasterDataConsumer is the answer to consume/data.
type BroadcasterDataConsumer struct {
	ID       string `json:"id"`
	StreamID uint16 `json:"streamId"`
}

// ProduceData begins to send messages to the peers.
func (a BroadcasterAccess) ProduceData(ctx context.Context, o ProduceData) (Created, error) {
	if err := a.may(toMessage); err != nil {
		return Created{}, err
	}
	return a.b.produceData(ctx, o)
}

// ConsumeData begins to receive a data producer of the room.
func (a BroadcasterAccess) ConsumeData(ctx context.Context, transportID, dataProducerID string) (BroadcasterDataConsumer, error) {
	if err := a.may(toReceive); err != nil {
		return BroadcasterDataConsumer{}, err
	}
	b := a.b
	t, err := b.transport(transportID)
	if err != nil {
		return BroadcasterDataConsumer{}, err
	}
	if _, err := find(&b.member, b.room.dataProducers, "dataProducer", dataProducerID); err != nil {
		return BroadcasterDataConsumer{}, err
	}
	s, err := b.take(dataConsumerQuota)
	if err != nil {
		return BroadcasterDataConsumer{}, err
	}
	c, err := t.ConsumeData(ctx, control.DataConsumerOptions{
		DataProducerID: dataProducerID, Closed: func(control.Reason) { b.giveBack(s) },
	})
	if err != nil {
		b.giveBack(s)
		return BroadcasterDataConsumer{}, err
	}
	return BroadcasterDataConsumer{ID: c.ID(), StreamID: c.SCTPStreamParameters().StreamID}, nil
}
